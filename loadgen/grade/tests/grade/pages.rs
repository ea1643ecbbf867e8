//! Pages: what they say, that nobody's name becomes markup, and that they stay as they were.

use std::path::Path;
use std::{env, fs};

use grade::graded::Graded;
use grade::overview::{Entry, Overview};
use grade::rubric::Rubric;
use grade::story::Story;
use grade::story_run::{NoRun, StoryRun};
use grade::{grade, markdown, page};
use results::records::Fact;
use scraper::{Html, Selector};

use crate::made::{Say, flawless, no_run, run};

const NASTY: &str = "<script>alert(1)</script> | [x](javascript:y) `z`";

fn rubric() -> Rubric {
    Rubric::built_in().unwrap()
}

/// Without a flaw but for one story, in which these checks say something else.
fn but(story: Story, checks: &[(&str, Say<'_>)]) -> Vec<StoryRun> {
    let all = flawless(&rubric()).into_iter();
    all.map(|one| if one.story == story { run(story, checks) } else { one }).collect()
}

fn entry(name: &str, page: &str, runs: &[StoryRun]) -> Entry {
    Entry { graded: grade(name, &rubric(), runs), page: page.to_owned() }
}

/// One that is right, one that loses orders, one that did not start, and one whose author is not to be trusted.
fn four() -> Overview {
    let lost = [
        (
            "acknowledged-orders-survive",
            Say::Fail(&["#17 was acknowledged, but order-1 does not hold it"][..]),
        ),
        ("shown-orders-stay", Say::Lack(Fact::Lookups)),
    ];
    let dead: Vec<StoryRun> = rubric()
        .stories()
        .map(|story| {
            no_run(story, NoRun::DidNotStart("order-1 ended by itself: exit status 1".to_owned()))
        })
        .collect();
    let nasty = [("linearizable", Say::Fail(&["no order explains <b>Tux</b>"][..]))];
    let entries = vec![
        entry("alpha", "alpha/grade", &flawless(&rubric())),
        entry("beta", "beta/grade", &but(Story::Failover, &lost)),
        entry("gamma", "gamma/grade", &dead),
        entry(NASTY, "script/grade", &but(Story::Bench, &nasty)),
    ];
    Overview { graded_at: "1 January 2026, 12:00 UTC".to_owned(), entries }
}

fn texts(page: &str, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    let text = |element: scraper::ElementRef<'_>| element.text().collect::<String>();
    Html::parse_document(page).select(&selector).map(text).collect()
}

fn pages(graded: &Graded) -> [String; 2] {
    [page::submission(graded, None).unwrap(), markdown::submission(graded)]
}

#[test]
fn a_page_says_what_was_expected_what_was_seen_and_how_to_see_it_again() {
    let beta = four().entries.remove(1).graded;
    for page in pages(&beta) {
        assert!(page.contains("80 of 100 points (80 %)"), "{page}");
        assert!(page.contains("acknowledged, but order-1 does not hold it"));
        assert!(page.contains("double-trouble failover --target shop.toml --plan failover"));
        assert!(page.contains("your service has no lookups of orders"));
    }
}

#[test]
fn nobodys_name_becomes_markup() {
    let overview = four();
    let nasty = &overview.entries[3].graded;
    let htmls = [page::overview(&overview).unwrap(), page::submission(nasty, None).unwrap()];
    for html in &htmls {
        assert!(!html.contains("<script") && !html.contains("<b>Tux"), "{html}");
        assert!(texts(html, "th a, h1").iter().any(|text| text == NASTY));
    }
    for markdown in [markdown::overview(&overview), markdown::submission(nasty)] {
        assert!(!markdown.contains("<script") && !markdown.contains("<b>Tux"), "{markdown}");
        assert!(!markdown.contains("[x](") && !markdown.contains(" `z`"), "{markdown}");
    }
}

#[test]
fn every_page_forbids_scripts_and_takes_its_own_styles_alone() {
    let overview = four();
    let graded = &overview.entries[0].graded;
    for html in [page::overview(&overview).unwrap(), page::submission(graded, None).unwrap()] {
        assert!(html.contains("default-src 'none'; img-src data:; style-src 'sha256-"));
        assert!(!html.contains("style=") && !html.contains("http://"), "{html}");
    }
}

#[test]
fn an_overview_has_a_row_for_each_and_a_column_for_each_property() {
    let html = page::overview(&four()).unwrap();
    assert_eq!(texts(&html, "tbody tr").len(), 4);
    assert_eq!(texts(&html, "thead th").len(), 2 + rubric().properties.len());
    assert_eq!(texts(&html, "td.total")[..3], ["95 of 100", "80 of 100", "0 of 100"]);
}

#[test]
fn points_are_spread_over_ten_groups_from_the_best() {
    let overview = four();
    let counts: Vec<usize> = overview.distribution().iter().map(|group| group.count).collect();
    assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let words: Vec<String> = overview.distribution().iter().map(|group| group.words()).collect();
    assert_eq!((words[0].as_str(), words[9].as_str()), ("90 to 100 %", "0 to 9 %"));
    assert_eq!(overview.median_percent(), Some(85));
    let nobody = Overview { graded_at: String::new(), entries: Vec::new() };
    assert_eq!(nobody.median_percent(), None);
    assert!(page::overview(&nobody).unwrap().contains("0 submissions graded"));
}

#[test]
fn pages_are_told_as_they_were() {
    let overview = four();
    let beta = &overview.entries[1].graded;
    hold("overview.md", &markdown::overview(&overview));
    hold("overview.html", &body(&page::overview(&overview).unwrap()));
    hold("submission.md", &markdown::submission(beta));
    hold("submission.html", &body(&page::submission(beta, Some("../grades.html")).unwrap()));
}

/// The page without its style, which other tests hold.
fn body(page: &str) -> String {
    format!("<body>{}", page.split_once("<body>").unwrap().1)
}

/// Holds a page against what it was; with `GOLDEN=write` it becomes what was said.
#[track_caller]
fn hold(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grade/golden").join(name);
    if env::var_os("GOLDEN").is_some_and(|what| what == "write") {
        return fs::write(path, page).unwrap();
    }
    let before = fs::read_to_string(path).unwrap();
    for (number, (was, is)) in (1..).zip(before.lines().zip(page.lines())) {
        assert_eq!(was, is, "{name}, line {number}");
    }
    assert_eq!(before.lines().count(), page.lines().count(), "{name}");
}
