//! The whole command, with stories that nobody runs.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use driver::stop::Stop;
use flate2::read::GzDecoder;
use grade::rubric::Rubric;
use grade::story_run::{NoRun, StoryRun};
use tempfile::TempDir;

use super::runner::{StoryRequest, StoryRunner};
use super::session::Session;
use super::{grade, submission};
use crate::cli::{Binaries, Grade, Json};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::run::Kind;

/// What the fake does with a story.
#[derive(Clone)]
enum Does {
    /// Leaves the rows of a kept run. Judging them takes seconds, so one test does.
    Records,
    /// Finds that the story is none for this submission.
    Skips,
    Says(NoRun),
    /// Never ends, whoever asks.
    Hangs,
    /// Somebody presses Ctrl-C meanwhile; ends when it is asked to.
    IsInterrupted(Stop),
}

/// Runs no story. Notes which were asked for.
struct Fake<F> {
    does: F,
    asked: RefCell<Vec<String>>,
}

impl<F: Fn(&str, &str) -> Does> Fake<F> {
    fn new(does: F) -> Self {
        Self { does, asked: RefCell::default() }
    }
}

impl<F: Fn(&str, &str) -> Does> StoryRunner for &Fake<F> {
    async fn run_story(&self, request: StoryRequest<'_>) -> Result<(), NoRun> {
        let StoryRequest { target, kind, plan, folder, workspace, stop, .. } = request;
        assert_eq!(kind == Kind::Bench, plan.faults.is_empty());
        self.asked.borrow_mut().push(format!("{} {}", target.name, plan.name));
        fs::write(workspace.join("left-behind"), "a gigabyte").unwrap();
        match (self.does)(&target.name, &plan.name) {
            Does::Records => {
                record(folder.root());
                Ok(())
            }
            Does::Skips => Err(NoRun::NotApplicable(NO_LEADER.to_owned())),
            Does::Says(why) => Err(why),
            Does::Hangs => std::future::pending().await,
            Does::IsInterrupted(ctrl_c) => {
                ctrl_c.request();
                stop.requested().await;
                Ok(())
            }
        }
    }
}

/// The rows of a bench that was run once.
fn record(folder: &Path) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/corpus/bench");
    for entry in fs::read_dir(corpus).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_name().unwrap().to_str().unwrap();
        if let Some(unpacked) = name.strip_suffix(".gz") {
            let mut text = GzDecoder::new(File::open(&from).unwrap());
            io::copy(&mut text, &mut File::create(folder.join(unpacked)).unwrap()).unwrap();
        } else if from.is_file() {
            fs::copy(&from, folder.join(name)).unwrap();
        }
    }
}

const NO_LEADER: &str = "your service has no leader";

const RUBRIC: &str = "\
name = \"small\"
[[properties]]
name = \"answers\"
title = \"It answers\"
points = 4
checks = [\"answered-while-possible\"]
runs = [\"bench\"]
[[properties]]
name = \"survives\"
title = \"Orders survive\"
points = 6
checks = [\"no-unordered-death\"]
runs = [\"failover\", \"hang\"]
";

/// A folder with a rubric and these targets' files: a name, and whether the file is good.
struct Course {
    root: TempDir,
    files: Vec<PathBuf>,
}

impl Course {
    fn new(targets: &[(&str, bool)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("rubric.toml"), RUBRIC).unwrap();
        let file = |(number, (name, is_good)): (usize, &(&str, bool))| {
            let file = root.path().join(format!("{number}.toml"));
            let text = if *is_good { targets::new_file(name) } else { "name = 3".to_owned() };
            fs::write(&file, text).unwrap();
            file
        };
        let files = targets.iter().enumerate().map(file).collect();
        Self { root, files }
    }

    fn args(&self) -> Grade {
        Grade {
            targets: self.files.clone(),
            rubric: Some(self.root.path().join("rubric.toml")),
            print_rubric: false,
            minutes: 10,
            replicas: 3,
            out: self.root.path().join("grades"),
            json: Json { json: false },
            binaries: Binaries { bin_dir: None },
        }
    }

    /// A page, below the only folder that was made.
    fn page(&self, name: &str) -> String {
        let mut made = fs::read_dir(self.root.path().join("grades")).unwrap();
        let folder = made.next().unwrap().unwrap().path();
        assert!(made.next().is_none());
        fs::read_to_string(folder.join(name)).unwrap()
    }

    /// Sends its first submission through the stories of its rubric within `time`.
    async fn run_first<R: StoryRunner>(
        &self,
        runner: &R,
        time: Duration,
        stop: &Stop,
    ) -> Vec<StoryRun> {
        let rubric = Rubric::read(RUBRIC, "test").unwrap();
        let submissions = submission::read(&self.files, 3).unwrap();
        let progress = Progress::begin(false).unwrap();
        let session = Session {
            runner,
            rubric: &rubric,
            time,
            stop,
            progress: &progress,
            grace: Duration::ZERO,
        };
        session.run(&submissions[0], self.root.path()).await.unwrap()
    }
}

/// Why there is no run, story by story.
fn whys(runs: &[StoryRun]) -> Vec<String> {
    runs.iter()
        .map(|run| run.outcome.as_ref().err().map(ToString::to_string).unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn every_submission_gets_its_pages_whatever_became_of_the_others() {
    let course = Course::new(&[("good", true), ("<b>dead</b>", true), ("broken", false)]);
    let fake = Fake::new(|target, plan| match (target, plan) {
        ("good", "grade") => Does::Records,
        ("good", _) => Does::Skips,
        _ => Does::Says(NoRun::DidNotStart("order-1 ended: exit status 1".to_owned())),
    });
    let exit = grade(course.args(), &Stop::new(), &&fake).await.unwrap();
    assert_eq!(exit, Exit::Pass, "graded, whatever the points");
    let asked = ["good grade", "good failover", "good hang", "<b>dead</b> grade"];
    assert_eq!(*fake.asked.borrow(), asked, "what did not start is not tried again");
    let good = course.page("good/grade.html");
    assert!(good.contains("4 of 4 points (100 %)") && good.contains("href=\"bench/report.html\""));
    assert!(course.page("good/bench/report.html").contains("</html>"));
    let dead = course.page("b-dead-b/grade.md");
    assert!(dead.contains("0 of 10 points (0 %)") && dead.contains("exit status 1"), "{dead}");
    let broken = course.page("2/grade.md");
    assert!(broken.contains("its target's file cannot be used: line 1"), "{broken}");
    let overview = course.page("grades.html");
    assert!(overview.contains("href=\"good/grade.html\"") && !overview.contains("<b>dead"));
    assert!(course.page("grades.md").contains("3"));
}

#[tokio::test]
async fn one_submission_has_no_overview() {
    let course = Course::new(&[("good", true)]);
    let fake = Fake::new(|_, _| Does::Skips);
    grade(course.args(), &Stop::new(), &&fake).await.unwrap();
    assert!(!course.page("good/grade.html").contains("all submissions"));
    let made = fs::read_dir(course.root.path().join("grades")).unwrap().next().unwrap().unwrap();
    let names: Vec<_> =
        fs::read_dir(made.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["good"]);
}

#[tokio::test]
async fn nothing_of_a_story_stays_but_its_rows() {
    let course = Course::new(&[("good", true)]);
    let fake = Fake::new(|_, plan| match plan {
        "failover" => Does::Says(NoRun::OverLimit("5 GB of memory".to_owned())),
        _ => Does::Skips,
    });
    let runs = course.run_first(&&fake, Duration::from_secs(600), &Stop::new()).await;
    assert_eq!(
        whys(&runs),
        [NO_LEADER, "it used more than it may, and was ended: 5 GB of memory", NO_LEADER]
    );
    assert!(!course.root.path().join("workspace").exists());
}

#[tokio::test]
async fn a_story_that_hangs_is_ended_and_the_next_one_is_run() {
    let course = Course::new(&[("good", true)]);
    let text = fs::read_to_string(&course.files[0]).unwrap();
    fs::write(&course.files[0], text.replace("seconds = 600", "seconds = 1")).unwrap();
    let fake = Fake::new(|_, plan| if plan == "failover" { Does::Hangs } else { Does::Skips });
    let runs = course.run_first(&&fake, Duration::from_secs(600), &Stop::new()).await;
    assert_eq!(whys(&runs), [NO_LEADER, "it was not over within 1 s, and was ended", NO_LEADER]);
}

#[tokio::test]
async fn a_submission_that_the_machine_has_no_port_for_has_no_points_and_the_others_have_theirs() {
    let course = Course::new(&[("good", true), ("unlucky", true)]);
    let taken = "ports.shop: 8080 is taken, by pid 7: nginx; end that, or write \"free\"";
    let fake = Fake::new(|target, _| match target {
        "unlucky" => Does::Says(NoRun::MachineInTheWay(taken.to_owned())),
        _ => Does::Says(NoRun::DidNotStart("exit status 1".to_owned())),
    });
    let exit = grade(course.args(), &Stop::new(), &&fake).await.unwrap();
    assert_eq!(exit, Exit::Usage);
    let unlucky = course.page("unlucky/grade.md");
    assert!(unlucky.contains("nothing could be asked"), "{unlucky}");
    assert!(unlucky.contains("this machine was in the way: ports.shop: 8080"), "{unlucky}");
    assert!(course.page("good/grade.md").contains("0 of 10 points (0 %)"));
}

#[tokio::test]
async fn a_story_for_which_no_time_is_left_is_told_as_not_run() {
    let course = Course::new(&[("good", true)]);
    let fake = Fake::new(|_, _| Does::Skips);
    // Enough for the bench, not for a leader's deaths.
    let runs = course.run_first(&&fake, Duration::from_secs(30), &Stop::new()).await;
    let late =
        "it was not run: the 0 minutes of this submission were over; --minutes gives it more";
    assert_eq!(whys(&runs), [NO_LEADER, late, late]);
    assert_eq!(*fake.asked.borrow(), ["good grade"]);
}

#[tokio::test]
async fn an_interrupted_command_writes_the_pages_of_what_it_has() {
    let course = Course::new(&[("one", true), ("two", true)]);
    let stop = Stop::new();
    let fake = Fake::new(|_, plan| match plan {
        "failover" => Does::IsInterrupted(stop.clone()),
        _ => Does::Skips,
    });
    let exit = grade(course.args(), &stop, &&fake).await.unwrap();
    assert_eq!((exit, exit.code()), (Exit::Inconclusive, 2));
    assert_eq!(*fake.asked.borrow(), ["one grade", "one failover"]);
    let one = course.page("one/grade.md");
    assert!(one.contains("0 of 6 points") && one.contains("the grading was interrupted"), "{one}");
    assert!(course.page("two/grade.md").contains("0 of 10 points"));
}

#[tokio::test]
async fn a_bad_rubric_or_a_file_that_is_not_there_is_said_before_anything_is_run() {
    let course = Course::new(&[("good", true)]);
    let fake = Fake::new(|_, _| Does::Skips);
    fs::write(course.root.path().join("rubric.toml"), "name = \"x\"").unwrap();
    let error = grade(course.args(), &Stop::new(), &&fake).await.unwrap_err();
    assert!(error.to_string().contains("line 1, properties: there are 0"), "{error}");
    let args = Grade { targets: vec!["nowhere.toml".into()], rubric: None, ..course.args() };
    let error = grade(args, &Stop::new(), &&fake).await.unwrap_err();
    assert!(error.to_string().contains("no file nowhere.toml"), "{error}");
    assert!(fake.asked.borrow().is_empty() && !course.root.path().join("grades").exists());
}
