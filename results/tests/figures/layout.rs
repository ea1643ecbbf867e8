//! How the page is laid out: what is folded, what a phone shows, what the first screen answers.

use scraper::{ElementRef, Html, Selector};

use crate::page::{PAGES, all, page_of, text};

#[test]
fn what_is_folded_is_a_line_that_the_browser_opens_and_a_link_into_it_does() {
    let laid = page_of("failover");
    let page = Html::parse_document(&laid.text);
    let sheets = all(&page, "details.sheet");
    assert_eq!(sheets.len(), laid.figures.availability.len());
    for sheet in sheets {
        assert!(sheet.attr("open").is_none(), "folded");
        let line = sheet.select(&Selector::parse("summary").unwrap()).next().unwrap();
        assert!(text(line).contains("into the run"), "{}", text(line));
    }
    // A browser opens what is folded around a link's target, not the target itself.
    for link in all(&page, "a[href^='#fault-'], a[href='#files'], a[href='#gates']") {
        let target = all(&page, link.attr("href").unwrap())[0];
        let folds = target.ancestors().filter_map(ElementRef::wrap);
        assert!(folds.into_iter().any(|fold| fold.value().name() == "details"), "{link:?}");
        assert_ne!(target.value().name(), "details");
    }
    let open = all(&page, "details.chart").iter().filter(|it| it.attr("open").is_some()).count();
    assert_eq!(open, 1, "one chart is shown, the others are a line each");
}

#[test]
fn every_figure_is_named_where_a_phone_has_no_room_for_the_tables_head() {
    for (name, laid) in &*PAGES {
        let page = Html::parse_document(&laid.text);
        for table in all(&page, ".scroll table") {
            let select = |selector| Selector::parse(selector).unwrap();
            let titles: Vec<String> = table.select(&select("thead th")).skip(1).map(text).collect();
            for row in table.select(&select("tbody tr")) {
                let named: Vec<String> = row
                    .select(&select("td"))
                    .map(|cell| cell.attr("data-title").unwrap_or("").to_owned())
                    .map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "))
                    .collect();
                assert_eq!(named, titles, "{name}");
            }
        }
    }
}

#[test]
fn the_answer_has_a_row_for_every_kind_of_fault_and_names_the_time_that_none_explains() {
    let laid = page_of("failover");
    let page = Html::parse_document(&laid.text);
    let kinds: Vec<_> =
        laid.figures.overall.iter().filter(|row| row.figure == "first_ack_ms").collect();
    let rows: Vec<String> = all(&page, ".costs tbody tr").into_iter().map(text).collect();
    assert!(kinds.len() > 1, "leaders and followers");
    assert_eq!(rows.len(), kinds.len(), "{rows:?}");
    for (row, kind) in rows.iter().zip(kinds) {
        let median = results::text::three_digits(kind.median.unwrap());
        assert!(row.starts_with(&format!("{} {}", kind.faults, kind.group)), "{row}");
        assert!(row.contains(&format!(" {median} ms ")), "{row}");
    }
    let answer = all(&page, ".answer, main > ul li").into_iter().map(text).collect::<String>();
    assert!(answer.contains("that no fault explains"), "{answer}");
    let page = Html::parse_document(&page_of("bench").text);
    assert!(all(&page, ".costs").is_empty(), "nothing was injected");
}
