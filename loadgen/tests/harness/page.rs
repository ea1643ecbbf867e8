//! The console's page in a real browser: what somebody sees and presses who watches a failover on it.

use serde_json::json;

use crate::browser::Browser;
use crate::console::serve;

/// A laptop and a phone, in CSS pixels.
const WIDE: u32 = 1280;
const NARROW: u32 = 390;

fn card(process: &str) -> String {
    format!("#process-{process}")
}

fn button(process: &str, action: &str) -> String {
    format!("{} button[data-action={action}]", card(process))
}

fn says(selector: &str, text: &str) -> String {
    format!("document.querySelector('{selector}').textContent.includes('{text}')")
}

fn choose(browser: &mut Browser, field: &str, value: &str) {
    let field = format!("document.getElementById('{field}')");
    browser.value(&format!("{field}.value = '{value}'"));
    browser.value(&format!("{field}.dispatchEvent(new Event('change', {{bubbles: true}}))"));
    assert_eq!(browser.value(&format!("{field}.value")), value, "it is offered");
}

#[test]
fn who_presses_its_buttons_sees_what_they_do() {
    let Some(mut browser) = Browser::start("the console's page in a browser") else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    browser.open(&served.url(), WIDE);
    browser.is("a leader", &says("#leader", "order-3 leads"));
    browser.click("#load-on");
    let trades = "Number(document.getElementById('acknowledged').textContent)";
    browser.is("trades", &format!("{trades} > 20"));
    assert_eq!(browser.value("document.getElementById('load-on').textContent"), "Stop the load");

    browser.click("#leader-buttons [data-action=kill]");
    browser.is("it is dead", &says(&card("order-3"), "✕ dead"));
    browser.is(
        "another leads",
        "/order-[12] leads/.test(document.getElementById('leader').textContent)",
    );
    browser.is("the death is told", &says("#events", "kill order-3"));
    browser.is("and how long nobody led", &says("#leader-detail", "ms after kill order-3"));
    browser.is("no pause of the dead", &format!("document.querySelector('{} button:last-child').getAttribute('aria-disabled') === 'true'", card("order-3")));
    browser.is("nobody waits for it", &says(&card("order-3"), "✕ not in sync"));
    let pid = served.process("order-3")["pid"].clone();
    browser.click(&button("order-3", "restart"));
    browser.is("it is back", &says(&card("order-3"), "✓ in sync"));
    assert_ne!(served.process("order-3")["pid"], pid);

    browser.click(&button("catalog", "pause"));
    browser.is("it is paused", &says(&card("catalog"), "❚❚ paused"));
    let before = browser.value(trades);
    browser.click(&button("catalog", "resume"));
    browser.is("it goes on", &says(&card("catalog"), "● up"));
    browser.is("so do trades", &format!("{trades} > {before}"));

    browser.click("#cache");
    browser.is("no cache", &says("#cache", "Switch the cache on"));
    browser.is("nothing is a hit", &says("#hits", "0 %"));

    browser.click("summary");
    choose(&mut browser, "fault", "slow-disk");
    choose(&mut browser, "whose", "order-1");
    browser.click("#begin");
    browser.is("it is shown where it is", &says(&card("order-1"), "▼\u{a0}slow-disk"));
    browser.is("its end, too", &says("#events", "recover order-1"));

    browser.click("#load-on");
    browser.is("no load", &says("#load-on", "Start the load"));
    served.stop();
    browser.is("a bazaar that has gone is told of", &says("#connection", "no connection"));
}

#[test]
fn who_chooses_a_fault_is_asked_for_what_it_needs_and_sees_it_last() {
    let Some(mut browser) = Browser::start("the console's faults in a browser") else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    browser.open(&served.url(), WIDE);
    browser.is("a leader", &says("#leader", "order-3 leads"));
    browser.click("summary");
    let shown = "[...document.querySelectorAll('[data-of]')]
        .filter((line) => line.checkVisibility()).map((line) => line.dataset.of)";

    choose(&mut browser, "fault", "delay");
    // A number that is out of bounds where it is not asked for is nobody's concern.
    browser.value("document.getElementById('delay_ms').value = '0'");
    choose(&mut browser, "fault", "flood");
    assert_eq!(browser.value(shown), json!(["kind", "connections"]));
    assert_eq!(browser.value("document.getElementById('connections').value"), "1000");
    choose(&mut browser, "kind", "slow-bodies");
    browser.is("its sentence", &says("#fault-says", "a byte a second"));
    browser.value("document.getElementById('connections').value = '40'");
    choose(&mut browser, "whose", "front-end");
    browser.click("#begin");
    browser.is("the flood", &says(&card("front-end"), "▼\u{a0}flood"));
    browser.is("what it is", &says("#events", "flood front-end (40 connections, slow bodies)"));

    // Not while something else is broken.
    choose(&mut browser, "fault", "old-files");
    assert_eq!(browser.value(shown), json!(["back_ms"]));
    browser.is("its sentence", &says("#fault-says", "copied now, and put back"));
    browser.click("#begin");
    browser.is("why not", &says("#said", "flood front-end is not over"));

    choose(&mut browser, "fault", "slow");
    assert_eq!(browser.value(shown), json!(["percent"]));
    choose(&mut browser, "whose", "order-1");
    browser.click("#begin");
    browser.is("who is slow", &says(&card("order-1"), "▼\u{a0}slow"));
    browser.is("how slow", &says("#events", "slow order-1 (runs 10 % of the time)"));

    choose(&mut browser, "fault", "cut");
    assert_eq!(browser.value(shown), json!(["link"]));
    assert_eq!(browser.value("document.getElementById('whose-label').textContent"), "Between");
    choose(&mut browser, "peer", "any");
    choose(&mut browser, "whose", "order-2");
    browser.click("#begin");
    browser.is("the links", &says("#links", "▼\u{a0}cut order-2 <-> any"));

    for (end, of) in [("recover", "front-end"), ("recover", "order-1"), ("heal", "order-2 <-> any")]
    {
        browser.is("its end", &says("#events", &format!("{end} {of}")));
    }
    browser.is(
        "no fault",
        "[...document.querySelectorAll('.faults')].every((line) => line.textContent === '')",
    );
    browser.is("no link", "document.getElementById('links').hidden");

    choose(&mut browser, "fault", "lose-files");
    assert_eq!(browser.value(shown), json!([]));
    choose(&mut browser, "whose", "catalog");
    browser.is("everything is in sync", "[...document.querySelectorAll('.role')].every((line) => !line.textContent.includes('not in sync'))");
    browser.click("#begin");
    browser.is("what is lost", &says(&card("catalog"), "▼\u{a0}lose-files"));
    browser.is("it is back", &says("#events", "restart catalog"));
    served.stop();
}

#[test]
fn on_a_phone_everything_is_there_and_nothing_is_cut() {
    let Some(mut browser) = Browser::start("the console's page on a phone") else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    browser.open(&served.url(), NARROW);
    browser.is("all cards", "document.querySelectorAll('#processes > li').length === 5");
    browser.click("summary");
    let faults =
        browser.value("[...document.getElementById('fault').options].map(({value}) => value)");
    let faults: Vec<String> = serde_json::from_value(faults).unwrap();
    assert!(faults.iter().any(|fault| fault == "flood"), "{faults:?}");
    for fault in faults {
        choose(&mut browser, "fault", &fault);
        let cut =
            "[...document.querySelectorAll('button, select, input, td, th, dd, canvas, #leader')]
            .filter((one) => one.checkVisibility())
            .map((one) => [one.id || one.textContent, one.getBoundingClientRect()])
            .filter(([, box]) => box.left < 0 || box.right > innerWidth || box.width === 0)
            .map(([name]) => name)";
        assert_eq!(browser.value(cut), json!([]), "{fault}");
        assert_eq!(browser.value("document.documentElement.scrollWidth"), NARROW);
    }
    browser.click(&button("order-3", "kill"));
    browser.is("a finger's press works, too", &says(&card("order-3"), "✕ dead"));
    served.stop();
}
