//! A submission's points, property by property, with the reasons.

use crate::points::Points;
use crate::story::Story;

/// What a submission was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graded {
    /// Its name. A stranger chose it.
    pub submission: String,
    /// The rubric's name.
    pub rubric: String,
    /// Each property of the rubric, in its order.
    pub properties: Vec<GradedProperty>,
    /// What was run, in the order in which it was.
    pub runs: Vec<RunLine>,
}

/// What a submission was given for one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradedProperty {
    /// The word that heads its column.
    pub name: String,
    /// What it is.
    pub title: String,
    /// What it means. May be empty.
    pub about: String,
    /// What it is worth.
    pub worth: Points,
    /// What was earned of that.
    pub earned: Points,
    /// What may still be earned by running it again, since it could not be judged.
    pub open: Points,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, unless it simply holds: what is broken first.
    pub reasons: Vec<Reason>,
}

/// What became of a property. Ordered from the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was looked at, and holds.
    Held,
    /// A part of it does.
    Partly,
    /// Nobody can tell.
    Unsure,
    /// It does not hold.
    Broken,
    /// The submission has nothing that it could be asked of.
    NotAsked,
}

/// Why points were not earned, or not asked for, in one story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// [`Broken`](Outcome::Broken), [`Unsure`](Outcome::Unsure) or [`NotAsked`](Outcome::NotAsked).
    pub kind: Outcome,
    /// In which story.
    pub story: Story,
    /// What was demanded, and what was seen.
    pub evidence: Vec<Evidence>,
    /// How many more there are of these.
    pub more: u64,
    /// The command that repeats it.
    pub command: String,
}

/// What was demanded, and what was seen instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What should hold. Empty if nothing of the story could be demanded.
    pub demanded: String,
    /// What was seen, or why nothing was.
    pub seen: String,
}

/// A story that a submission was sent through, or was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// Which.
    pub story: Story,
    /// What came of it, in a few words.
    pub came_of_it: String,
    /// Where its page is, seen from the submission's page.
    pub page: Option<String>,
    /// The command that repeats it.
    pub command: String,
}

/// What a submission has in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// What was earned.
    pub earned: Points,
    /// What was asked for.
    pub asked: Points,
    /// What of it may still be earned by running it again.
    pub open: Points,
    /// What was not asked, and is no part of the others.
    pub not_asked: Points,
}

impl Graded {
    /// All properties together.
    #[must_use]
    pub fn total(&self) -> Total {
        self.properties.iter().fold(Total::default(), |total, property| match property.outcome {
            Outcome::NotAsked => Total { not_asked: total.not_asked + property.worth, ..total },
            _ => Total {
                earned: total.earned + property.earned,
                asked: total.asked + property.worth,
                open: total.open + property.open,
                ..total
            },
        })
    }
}

impl Total {
    /// How many per cent were earned of what was asked; nothing if nothing was asked.
    #[must_use]
    pub fn percent(&self) -> Option<u32> {
        self.earned.percent_of(self.asked)
    }

    /// The points in words: `62 of 90 points (68 %)`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.percent() {
            Some(percent) => format!("{} of {} points ({percent} %)", self.earned, self.asked),
            None => "nothing could be asked".to_owned(),
        }
    }

    /// What else is to know of them, a sentence each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.open.is_none() {
            let open = self.open;
            notes.push(format!(
                "{open} of them could not be judged: running it again may earn them."
            ));
        }
        if !self.not_asked.is_none() {
            let not_asked = self.not_asked;
            notes.push(format!("{not_asked} more were not asked, and are left out of the total."));
        }
        notes
    }
}

impl Outcome {
    /// In a word or two.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Held => "holds",
            Self::Partly => "holds in part",
            Self::Unsure => "not judged",
            Self::Broken => "broken",
            Self::NotAsked => "not asked",
        }
    }

    /// A sign that tells them apart without colour.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Held => "✓",
            Self::Partly => "½",
            Self::Unsure => "?",
            Self::Broken => "✗",
            Self::NotAsked => "–",
        }
    }
}

impl GradedProperty {
    /// The points in words: `10 of 15`; of what was not asked how many are left out.
    #[must_use]
    pub fn points(&self) -> String {
        match self.outcome {
            Outcome::NotAsked => format!("– of {}", self.worth),
            _ => format!("{} of {}", self.earned, self.worth),
        }
    }
}

impl Reason {
    /// What was found where, in a sentence: `Broken when its leader dies under load, again and again (failover).`
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = match self.kind {
            Outcome::NotAsked => "Not asked",
            Outcome::Unsure => "Could not be judged",
            Outcome::Held | Outcome::Partly | Outcome::Broken => "Broken",
        };
        format!("{what} when {} ({}).", self.story.words(), self.story)
    }

    /// The evidence, a line each: of what is broken `Expected: ... Seen: ...`, else why it was not judged.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |Evidence { demanded, seen }: &Evidence| match (demanded.is_empty(), self.kind) {
            (true, _) => format!("{}.", capitalised(seen)),
            (false, Outcome::Broken) => format!("Expected: {demanded}. Seen: {seen}."),
            (false, _) => format!("{}: {seen}.", capitalised(demanded)),
        };
        self.evidence.iter().map(line).collect()
    }

    /// Whether repeating it is of any use.
    #[must_use]
    pub fn is_worth_repeating(&self) -> bool {
        self.kind != Outcome::NotAsked && !self.command.is_empty()
    }
}

/// The first letter in upper case, unless the first word is a figure's name.
fn capitalised(text: &str) -> String {
    let is_name = text.split_whitespace().next().is_some_and(|word| word.contains('.'));
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if is_name => std::iter::once(first).chain(characters).collect(),
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
