//! A headless Chromium with one page, spoken to over its debugging pipe (the DevTools protocol,
//! <https://chromedevtools.github.io/devtools-protocol/>): JSON messages, each ended by a zero byte.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::eventually;

/// What Chromium is called, depending on who has packed it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// In the environment: no test may be left out.
const ALL_TESTS: &str = "ALL_TESTS";

/// A browser; it ends with this value.
pub(crate) struct Browser {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    calls: u64,
    session: Option<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one. A machine that has none leaves `test` out, which is said; where [`ALL_TESTS`] is set, that fails.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let is_there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
        let Some(name) = NAMES.iter().find(is_there) else {
            assert!(std::env::var_os(ALL_TESTS).is_none(), "there is no Chromium here");
            // Not by the macro: what that prints is shown of tests that fail only.
            let line = format!(
                "LEFT OUT: {test}: there is no Chromium here (Debian: apt install chromium)\n"
            );
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // The pipe is file descriptors 3 and 4.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 >&2"#, name]);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, requests, answers, calls: 0, session: None, _profile: profile })
    }

    /// Opens a page, so many CSS pixels wide.
    pub(crate) fn open(&mut self, url: &str, width: u32) {
        self.session = None;
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", attach);
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        let screen =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", screen);
        self.call("Page.navigate", json!({"url": url}));
        self.is("the page is there", "document.readyState === 'complete'");
    }

    /// What an expression of the page comes to.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let evaluate = json!({"expression": expression, "returnByValue": true});
        let evaluated = self.call("Runtime.evaluate", evaluate);
        assert!(evaluated.get("exceptionDetails").is_none(), "{expression}: {evaluated}");
        evaluated["result"]["value"].clone()
    }

    /// Waits until an expression of the page is true.
    pub(crate) fn is(&mut self, what: &str, expression: &str) {
        eventually(what, || (self.value(expression) == true).then_some(()));
    }

    /// Clicks where the middle of an element is, once the element is there and may be pressed; whatever lies above it is hit.
    pub(crate) fn click(&mut self, selector: &str) {
        let found = format!("document.querySelector({})", json!(selector));
        let pressed =
            format!("Boolean({found}) && {found}.getAttribute('aria-disabled') !== 'true'");
        self.is(selector, &pressed);
        let middle = self.value(&format!(
            "(() => {{ {found}.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const box = {found}.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut request = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            request["sessionId"] = session.as_str().into();
        }
        self.requests.write_all(format!("{request}\0").as_bytes()).unwrap();
        loop {
            let mut message = Vec::new();
            self.answers.read_until(0, &mut message).unwrap();
            assert_eq!(message.pop(), Some(0), "the browser has ended");
            let message: Value = serde_json::from_slice(&message).unwrap();
            if message["id"] == self.calls {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to end. Its processes are gone once nobody can write any more.
        let _ = self.requests.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = std::io::copy(&mut self.answers, &mut std::io::sink());
        let _ = self.child.wait();
    }
}
