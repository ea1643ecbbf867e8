//! Data of the release before: refused with a line that names file and layout, and left as it is.

use std::fs;

use rusqlite::Connection;

use crate::bazaar::{ALL, Bazaar, Name};

/// As that release made them, in the words of its source.
const FRONT_END: &str = "
    CREATE TABLE configuration (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        version  INTEGER NOT NULL,
        epoch    INTEGER NOT NULL,
        leader   INTEGER NOT NULL,
        in_sync  TEXT NOT NULL
    ) STRICT;
    INSERT INTO configuration VALUES (1, 1, 1, 3, '[1,2,3]');
";
const CATALOG: &str = "
    CREATE TABLE state (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        epoch INTEGER NOT NULL -- the highest one seen
    ) STRICT;
    CREATE TABLE stocks (
        stock_name TEXT PRIMARY KEY,
        price REAL NOT NULL,
        quantity INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND cap),
        trade_volume INTEGER NOT NULL CHECK (trade_volume >= 0),
        version INTEGER NOT NULL, -- how many trades it has seen
        cap INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE trades (
        decided INTEGER PRIMARY KEY, -- in this order
        request_id TEXT NOT NULL UNIQUE,
        applied_seq INTEGER UNIQUE, -- the place among the applied trades of the order service
        decision TEXT NOT NULL,
        epoch INTEGER,
        stock_name TEXT NOT NULL,
        trade_type TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        version INTEGER,
        quantity_after INTEGER,
        volume_after INTEGER,
        origin TEXT NOT NULL
    ) STRICT;
    INSERT INTO state VALUES (1, 1);
    INSERT INTO stocks VALUES ('Stock1', 9.99, 99, 1, 1, 100);
    INSERT INTO trades VALUES
        (1, 'first', 1, 'applied', 1, 'Stock1', 'Buy', 1, 1, 99, 1, 'order');
";
const ORDER: &str = "
CREATE TABLE orders (
    order_no    INTEGER PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    request_id  TEXT    NOT NULL UNIQUE,
    stock_name  TEXT    NOT NULL,
    trade_type  TEXT    NOT NULL,
    quantity    INTEGER NOT NULL,
    applied_seq INTEGER NOT NULL UNIQUE
) STRICT;
CREATE TABLE accepted (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO accepted VALUES (1, 1);
INSERT INTO orders VALUES (1, 1, 'first', 'Stock1', 'Buy', 1, 1);
";

fn make(bazaar: &Bazaar, name: Name) {
    let schema = match name {
        Name::FrontEnd => FRONT_END,
        Name::Catalog => CATALOG,
        Name::Order(_) => ORDER,
    };
    let connection = Connection::open(bazaar.file(name)).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch(schema).unwrap();
    connection.execute_batch("CREATE TABLE owner (name TEXT NOT NULL) STRICT").unwrap();
    connection.execute("INSERT INTO owner VALUES (?1)", [name.to_string()]).unwrap();
}

#[tokio::test]
async fn a_file_of_the_release_before_is_refused_with_its_layout_and_left_as_it_is() {
    let mut bazaar = Bazaar::prepare();
    ALL.iter().for_each(|name| make(&bazaar, *name));
    for name in ALL {
        let file = bazaar.file(name);
        let before = fs::read(&file).unwrap();
        bazaar.launch(name);
        let (code, line) = bazaar.refuses(name).await;
        assert_eq!(code, Some(3), "{line}");
        for part in [file.to_str().unwrap(), "layout 1", "layout 2"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert_eq!(fs::read(&file).unwrap(), before, "{name}");
    }
}
