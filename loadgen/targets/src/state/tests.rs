use std::io::{self, Read};

use serde_json::json;

use super::*;
use crate::file::{Format, Row};

fn order_row() -> Row {
    Row {
        order_no: Some("int(col[0])".to_owned()),
        stock: Some("col[1]".to_owned()),
        side: Some("col[2]".to_owned()),
        quantity: Some("int(col[3])".to_owned()),
        ..Row::default()
    }
}

fn source(format: Format) -> Source {
    Source { format: Some(format), ..Source::default() }
}

fn with_row(format: Format, row: Row) -> Source {
    Source { row: Some(row), ..source(format) }
}

fn read<T: StateRow>(source: &Source, text: &str) -> Result<Rows<T>, StateError> {
    let reader = RowReader::<T>::compile(source).unwrap_or_else(|problems| panic!("{problems:?}"));
    reader.read(text.as_bytes(), Asked::default())
}

fn order(order_no: i64, stock: &str, side: &str, quantity: i64) -> OrderRow {
    let (stock, side) = (stock.to_owned(), side.to_owned());
    OrderRow { order_no: OrderNo::Number(order_no), stock, side, quantity }
}

fn wrong<T: StateRow + std::fmt::Debug>(source: &Source) -> Vec<String> {
    let problems = RowReader::<T>::compile(source).expect_err("it is wrong");
    problems.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn a_csv_has_rows_and_bad_rows_with_their_lines() {
    let text = "1,Tux,Buy,3\n\n2,\"To,ys\",Sell,4\r\n3,Tux,Buy\n4,Tux,Buy,x\n5,Fox,Buy,1";
    let rows = read::<OrderRow>(&with_row(Format::Csv, order_row()), text).expect("it can be read");
    assert_eq!(
        rows.rows,
        [
            (1, order(1, "Tux", "Buy", 3)),
            (3, order(2, "To,ys", "Sell", 4)),
            (6, order(5, "Fox", "Buy", 1))
        ]
    );
    assert_eq!(rows.bad_count, 2);
    assert_eq!((rows.bad[0].line, rows.bad[0].excerpt.as_str()), (4, "3,Tux,Buy"));
    assert!(rows.bad[0].reason.starts_with("quantity:"), "{:?}", rows.bad);
    assert_eq!(rows.bad[1].line, 5);
}

#[test]
fn a_header_names_the_columns_and_skipped_lines_count() {
    let row = Row {
        order_no: Some("int(row.id)".to_owned()),
        quantity: Some("int(row.quantity)".to_owned()),
        ..Row::default()
    };
    let source = Source { header: Some(true), skip_rows: Some(2), ..with_row(Format::Csv, row) };
    let rows = read::<OrderRow>(
        &source,
        "# orders\n# of today\nid,stock,side,quantity\n7,Tux,Buy,3\n8,Tux\n",
    )
    .expect("it can be read");
    assert_eq!(rows.rows, [(4, order(7, "Tux", "Buy", 3))]);
    assert_eq!(rows.bad[0].line, 5);
}

#[test]
fn text_is_split_at_white_space_and_the_catalog_of_the_bazaar_can_be_read() {
    let row = Row {
        stock: Some("col[0]".to_owned()),
        quantity: Some("int(col[3])".to_owned()),
        volume: Some("int(col[2])".to_owned()),
        price: Some("double(col[1])".to_owned()),
        ..Row::default()
    };
    let rows =
        read::<StockRow>(&with_row(Format::Text, row), "Stock1 9.99  0\t100\n\nStock2 x 0 1\n")
            .expect("it can be read");
    let stock =
        StockRow { stock: "Stock1".to_owned(), quantity: 100, volume: Some(0), price: Some(9.99) };
    assert_eq!(rows.rows, [(1, stock)]);
    assert_eq!(rows.bad[0].line, 3);
}

#[test]
fn json_has_its_rows_where_the_expression_says() {
    let source = Source { rows: Some("body.orders".to_owned()), ..source(Format::Json) };
    let text =
        r#"{"orders":[{"order_no":1,"stock":"Tux","side":"Buy","quantity":2},{"order_no":2}]}"#;
    let rows = read::<OrderRow>(&source, text).expect("it can be read");
    assert_eq!(rows.rows, [(1, order(1, "Tux", "Buy", 2))]);
    assert_eq!((rows.bad[0].line, rows.bad[0].excerpt.as_str()), (2, r#"{"order_no":2}"#));
    assert!(matches!(read::<OrderRow>(&source, r#"{"orders":7}"#), Err(StateError::Rows(_))));
    assert!(matches!(read::<OrderRow>(&source, "<html>"), Err(StateError::Json(_))));
}

#[test]
fn one_json_object_is_one_row_and_what_was_asked_is_known() {
    let row = Row { stock: Some("stock".to_owned()), ..Row::default() };
    let reader = RowReader::<StockRow>::compile(&with_row(Format::Json, row)).expect("it is right");
    let asked = Asked { stock: Some("Tux"), ..Asked::default() };
    let rows = reader.read(&br#"{"quantity":5}"#[..], asked).expect("it can be read");
    assert_eq!(rows.rows[0].1.stock, "Tux");
    let rows = reader.read(&br#"{"quantity":5}"#[..], Asked::default()).expect("it can be read");
    assert_eq!(rows.bad_count, 1);
}

#[test]
fn a_torn_last_line_of_jsonl_is_a_bad_row() {
    let text = "{\"order_no\":\"a-1\",\"stock\":\"Tux\",\"side\":\"Buy\",\"quantity\":2}\n{\"order_no\":\"a-2\",\"sto";
    let rows = read::<OrderRow>(&source(Format::Jsonl), text).expect("it can be read");
    assert_eq!(rows.rows[0].1.order_no, OrderNo::Text("a-1".to_owned()));
    assert_eq!((rows.bad[0].line, rows.bad_count), (2, 1));
    assert!(rows.bad[0].reason.contains("no JSON"), "{:?}", rows.bad);
}

#[test]
fn lines_that_do_not_match_are_counted_and_are_no_rows() {
    let row = Row {
        order_no: Some("int(row.n)".to_owned()),
        quantity: Some("int(row.quantity)".to_owned()),
        ..Row::default()
    };
    let regex = r"order (?P<n>\d+): (?P<side>\w+) (?P<quantity>\d+) (?P<stock>\w+)";
    let source = Source { regex: Some(regex.to_owned()), ..with_row(Format::Regex, row) };
    let text = "started\norder 1: Buy 3 Tux\norder 99999999999999999999: Buy 3 Tux\nstopped\n";
    let rows = read::<OrderRow>(&source, text).expect("it can be read");
    assert_eq!(rows.rows, [(2, order(1, "Tux", "Buy", 3))]);
    assert_eq!((rows.unmatched, rows.bad_count, rows.bad[0].line), (2, 1, 3));
}

#[test]
fn rows_of_a_database_come_one_by_one() {
    let source = Source { sqlite: Some("x.db".to_owned()), ..Source::default() };
    let reader = RowReader::<StockRow>::compile(&source).expect("it is right");
    let mut rows = Rows::new();
    reader.add(1, &json!({"stock": "Tux", "quantity": 5}), &mut rows).expect("there is room");
    reader.add(2, &json!({"stock": "Tux\n", "quantity": 5}), &mut rows).expect("there is room");
    assert_eq!((rows.rows.len(), rows.bad[0].line), (1, 2));
    assert!(rows.bad[0].reason.contains("control character"), "{:?}", rows.bad);
}

#[test]
fn only_so_many_bad_rows_are_kept() {
    let rows = read::<OrderRow>(&source(Format::Jsonl), &"x\n".repeat(MAX_BAD_ROWS + 5))
        .expect("it can be read");
    assert_eq!((rows.bad.len(), rows.bad_count), (MAX_BAD_ROWS, MAX_BAD_ROWS as u64 + 5));
}

#[test]
fn a_source_beyond_its_bound_is_an_error_and_not_cut_short() {
    let bounded = |bound| {
        let mut text = String::new();
        Bounded::new(io::repeat(b'x').take(100), bound)
            .read_to_string(&mut text)
            .map(|_| text.len())
    };
    assert_eq!(bounded(100).ok(), Some(100));
    assert_eq!(bounded(99).map_err(|error| error.kind()), Err(input::TOO_LONG));
    for format in [Format::Csv, Format::Json, Format::Jsonl] {
        let row = if format == Format::Csv { order_row() } else { Row::default() };
        let reader = RowReader::<OrderRow>::compile(&with_row(format, row)).expect("it is right");
        let spaces = io::repeat(b'\n').take(101);
        let read = reader.read_within(100, spaces, Asked::default());
        assert!(matches!(read, Err(StateError::TooLong)), "{format:?}");
    }
}

#[test]
fn a_quoted_column_may_have_lines_and_an_open_quote_takes_no_more_than_it_may() {
    let text = format!(
        "1,\"Tux\ntoys\",Buy,3\n2,\"Tux,Buy,3\n{}3,Fox,Buy,1\n",
        "4,Fox,Buy,1\n".repeat(1000)
    );
    let rows =
        read::<OrderRow>(&with_row(Format::Csv, order_row()), &text).expect("it can be read");
    assert_eq!((rows.bad[0].line, rows.bad[1].line, rows.bad_count), (1, 3, 2));
    assert!(
        rows.bad[0].reason.contains("control character")
            && rows.bad[1].reason.contains("not closed")
    );
    assert_eq!(rows.rows.last(), Some(&(1004, order(3, "Fox", "Buy", 1))));
}

#[test]
fn more_rows_than_the_bound_are_an_error() {
    let mut rows = Rows::new();
    for line in 0..MAX_ROWS as u64 {
        rows.take(line, Ok(()), String::new).expect("there is room");
    }
    assert!(matches!(rows.take(0, Ok(()), String::new), Err(StateError::TooManyRows)));
    assert!(rows.take(0, Err("bad".to_owned()), String::new).is_ok());
}

#[test]
fn what_is_wrong_with_a_source_is_said_with_its_fields() {
    assert_eq!(wrong::<OrderRow>(&Source::default()), ["format"]);
    let columns = ["row.order_no", "row.stock", "row.side", "row.quantity"];
    assert_eq!(wrong::<OrderRow>(&source(Format::Csv)), columns);
    assert_eq!(wrong::<OrderRow>(&source(Format::Regex)), ["regex"]);
    let bad_rows = Source { rows: Some("bdy".to_owned()), ..source(Format::Json) };
    assert_eq!(wrong::<StockRow>(&bad_rows), ["rows"]);
    let row = Row {
        volume: Some("row.v".to_owned()),
        stock: Some("col[0]".to_owned()),
        ..Row::default()
    };
    assert_eq!(wrong::<OrderRow>(&with_row(Format::Jsonl, row)), ["row.stock", "row.volume"]);
}
