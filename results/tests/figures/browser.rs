//! The page in a real browser, where there is one: nothing is cut off or juts out at any width, in
//! light and in dark, and the browser has nothing to complain about.
//!
//! Debian's package is called `chromium`. Without it the test says so and passes: everything that
//! does not need a browser is tested in `page`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::page::PAGES;

/// The names under which Chromium may be installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A phone and a laptop.
const WIDTHS: [u32; 2] = [390, 1280];

/// How high their screens are at the least. Question, verdict and answer have room there.
const HEIGHT: u32 = 800;

/// Reports what a reader would see: whether the answer is in the first screen, how many tables are wider than
/// their place, how many cells are not shown, how many charts have letters of less than 12 pixels, how many
/// are wider than their place without a hint to scroll, and how many are light in the dark. Runs inside the page, in a copy without the policy.
const MEASURE: &str = "
<script>
addEventListener('load', () => {
  const answered = document.querySelector('.first > div').getBoundingClientRect().bottom <= SCREEN;
  document.querySelectorAll('details').forEach(details => { details.open = true; });
  const width = document.documentElement.clientWidth;
  const clipped = element => element.closest('.paper, pre, .skip, .unseen');
  const jutting = [...document.body.querySelectorAll('*')]
    .filter(element => !clipped(element) && element.getBoundingClientRect().right > width + 1)
    .map(element => element.tagName + '.' + element.className);
  const light = getComputedStyle(document.body).backgroundColor.match(/\\d+/g)
    .slice(0, 3).every(channel => channel > 128);
  const corner = image => {
    const canvas = document.createElement('canvas').getContext('2d');
    canvas.drawImage(image, 0, 0, 9, 9, 0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data[0] > 128;
  };
  const shade = image => image.matches('.raster')
    ? getComputedStyle(image).filter === 'none' : corner(image);
  const glaring = [...document.querySelectorAll('.paper img')]
    .filter(image => shade(image) !== light).length;
  const small = [...document.querySelectorAll('main p, main li, td, dd')]
    .filter(element => parseFloat(getComputedStyle(element).fontSize) < 12).length;
  const tables = [...document.querySelectorAll('.scroll')]
    .filter(scroll => scroll.scrollWidth > scroll.clientWidth + 1).length;
  const unseen = [...document.querySelectorAll('td, tbody th')]
    .filter(cell => cell.getClientRects().length === 0).length;
  const unread = [...document.querySelectorAll('.paper img')]
    .filter(image => image.getBoundingClientRect().width * 16 / image.naturalWidth < 12).length;
  const hints = [...document.querySelectorAll('.paper')].filter(paper =>
    paper.scrollWidth > paper.clientWidth + 1 && !paper.previousElementSibling.offsetHeight).length;
  const broken = [...document.images].filter(image => !image.naturalWidth).length;
  parent.postMessage(['MEASURED', 'width=' + width,
    'overflow=' + (document.documentElement.scrollWidth - width), 'jutting=[' + jutting.slice(0, 5) + ']',
    'answered=' + answered, 'tables=' + tables, 'unseen=' + unseen, 'unread=' + unread, 'hints=' + hints, 'glaring=' + glaring,
    'light=' + light, 'small=' + small, 'broken=' + broken, 'END'].join(' '), '*');
});
</script>";

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut candidates =
        std::env::split_paths(&folders).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    candidates.find(|path| path.is_file())
}

/// What the browser makes of a page, and what it has to say about it.
fn opened(browser: &Path, scratch: &Path, dark: bool, page: &Path) -> (String, String) {
    let scheme = if dark { 0 } else { 1 };
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=10000", "--window-size=1400,900"])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", scratch.join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

/// A page of its own around copies of the measured one, each as wide as a screen that is meant: a
/// browser's window cannot be made as narrow as a phone's.
fn frames() -> String {
    let frames: String = WIDTHS
        .map(|width| {
            format!(
                "<iframe src=measured.html width={width} height={HEIGHT} style='border:0'></iframe>"
            )
        })
        .concat();
    format!(
        "<!doctype html><meta charset=utf-8><meta name=color-scheme content='light dark'>\
         <body>{frames}<script>addEventListener('message', event => \
         {{ document.body.append(event.data); }});</script>"
    )
}

/// The page without its policy and with the script that measures it.
fn measured(page: &str) -> String {
    let (before, rest) = page.split_once("<meta http-equiv").unwrap();
    let (_, after) = rest.split_once('>').unwrap();
    let measure = MEASURE.replace("SCREEN", &HEIGHT.to_string());
    format!("{before}{}", after.replacen("</head>", &format!("{measure}</head>"), 1))
}

#[test]
fn nothing_juts_out_on_a_phone_or_a_laptop_in_light_or_dark() {
    let Some(browser) = browser() else {
        println!("no Chromium on this machine, so the page was not opened in a browser");
        return;
    };
    for (name, laid) in &*PAGES {
        let root = &laid.root;
        let (_, complaints) = opened(&browser, root, false, &root.join("report.html"));
        assert!(!complaints.contains("CONSOLE"), "{complaints}");

        fs::write(root.join("measured.html"), measured(&laid.text)).unwrap();
        fs::write(root.join("frames.html"), frames()).unwrap();
        for dark in [false, true] {
            let (page, complaints) = opened(&browser, root, dark, &root.join("frames.html"));
            for width in WIDTHS {
                let begin = format!("MEASURED width={width} ");
                let found = page.split_once(&begin).and_then(|(_, rest)| rest.split_once(" END"));
                let found = found.unwrap_or_else(|| panic!("not measured: {page} {complaints}")).0;
                let light = !dark;
                let fine = format!(
                    "overflow=0 jutting=[] answered=true tables=0 unseen=0 unread=0 hints=0 glaring=0 light={light} \
                     small=0 broken=0"
                );
                assert_eq!(found, fine, "{name} at {width}");
            }
        }
    }
}
