//! Rubrics that can be read, and all that is wrong with those that cannot.

use grade::points::Points;
use grade::rubric::{BUILT_IN, Rubric};
use grade::story::Story;

fn complaints(text: &str) -> Vec<String> {
    let error = Rubric::read(text, "course.toml").unwrap_err();
    error.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn the_built_in_rubric_has_a_hundred_points_and_needs_every_story() {
    let rubric = Rubric::built_in().unwrap();
    let points: Points = rubric.properties.iter().map(|property| property.points).sum();
    assert_eq!(points.to_string(), "100");
    assert_eq!(rubric.stories().collect::<Vec<_>>(), Story::ALL);
    assert!(rubric.properties.iter().all(|property| !property.about.is_empty()));
}

#[test]
fn the_built_in_rubric_explains_every_field() {
    let first = BUILT_IN.split("[[properties]]").nth(1).unwrap();
    let mut is_explained = false;
    for line in first.lines() {
        assert!(!line.contains(" = ") || line.starts_with('#') || is_explained, "{line}");
        is_explained = line.starts_with('#') && !line.starts_with("# figures");
    }
    for field in
        ["name", "title", "about", "points", "checks", "figures", "runs", "partial", "required"]
    {
        assert!(first.contains(&format!("{field} = ")), "{field}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_line_and_what_to_do() {
    let text = "\
name = \"\"
[[properties]]
name = \"Does it start?\"
title = \"It starts\"
points = 0
checks = [\"no-dedlock\", \"conservation\", \"conservation\"]
figures = [\"trade.p98_us < 5\"]
runs = [\"bench\", \"bench\", \"tea\"]
partial = \"half\"

[[properties]]
name = \"empty\"
title = \"\"
points = 1.234

[[properties]]
name = \"empty\"
title = \"Twice\"
points = 1
checks = [\"xyz\"]
runs = [\"hang\"]
";
    let expected = [
        ("line 1, name: write one line", ""),
        ("line 3, properties[0].name: \"Does it start?\" is no name", "a-z, 0-9 and -"),
        ("line 5, properties[0].points: is 0; write 0.01 to 1000", ""),
        (
            "line 6, properties[0].checks[0]: there is no check \"no-dedlock\"",
            "did you mean \"no-deadlock\"?",
        ),
        ("line 6, properties[0].checks[2]: conservation is there twice", ""),
        ("line 7, properties[0].figures[0]: \"trade.p98_us < 5\"", "it has mean_us"),
        ("line 8, properties[0].runs[1]: bench is there twice", ""),
        ("line 8, properties[0].runs[2]: there is no \"tea\"; there are bench, failover", ""),
        ("line 9, properties[0].partial: is \"half\"", "\"by-run\""),
        ("line 12, properties[1]: demands nothing", ""),
        ("line 12, properties[1].runs: there are none", ""),
        ("line 13, properties[1].title: write one line", ""),
        ("line 14, properties[1].points: is 1.234", "two decimals"),
        ("line 17, properties[2].name: \"empty\" is there twice", ""),
        (
            "line 20, properties[2].checks[0]: there is no check \"xyz\"; there are ",
            "no-stale-read",
        ),
    ];
    let told = complaints(text);
    for ((begin, also), line) in expected.iter().zip(&told) {
        let is_it =
            line.starts_with(&format!("rubric course.toml, {begin}")) && line.contains(also);
        assert!(is_it, "{line}\nis not\n{begin} {also}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[test]
fn a_field_that_no_rubric_has_is_refused_with_its_line() {
    let told = complaints("name = \"x\"\n[[properties]]\nname = \"a\"\npiont = 3\n");
    assert!(told[0].starts_with("rubric course.toml, line 4: unknown field `piont`"), "{told:?}");
    let told = complaints("name = \"x\"\nproperties = 3");
    assert!(told[0].starts_with("rubric course.toml, line 2: "), "{told:?}");
}

#[test]
fn a_rubric_without_properties_is_none() {
    let told = complaints("name = \"x\"");
    assert_eq!(
        told,
        ["rubric course.toml, line 1, properties: there are 0; write 1 to 40 [[properties]]"]
    );
}
