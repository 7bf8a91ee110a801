//! The page in a real browser: Chromium without a window, spoken to over a pipe.
//!
//! Where there is no Chromium the test is skipped aloud, unless `DUALSTACK_REQUIRE_BROWSER` is set.
//! Pictures go to the directory that `DUALSTACK_SCREENSHOTS` names.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    page,
    tests::{broken, hostile},
};
use crate::record::Record;

/// A browser with one page.
struct Browser {
    child: Child,
    pipe: ChildStdin,
    said: Receiver<Value>,
    session: Option<String>,
    sent: u64,
    /// What happened that was not asked for.
    events: Vec<Value>,
    directory: TempDir,
}

impl Browser {
    /// `None` where there is no Chromium.
    fn start() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"];
        let paths = env::split_paths(&env::var_os("PATH")?).collect::<Vec<_>>();
        let program = names
            .iter()
            .flat_map(|name| paths.iter().map(move |path| path.join(name)))
            .find(|it| it.is_file())?;
        let directory = tempfile::tempdir().unwrap();
        // The browser speaks over the descriptors 3 and 4.
        let mut child = Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1")
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-dev-shm-usage"])
            .args(["--remote-debugging-pipe", "about:blank"])
            .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (pipe, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).unwrap();
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser =
            Self { child, pipe, said, session: None, sent: 0, events: Vec::new(), directory };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn next(&mut self) -> Value {
        self.said.recv_timeout(Duration::from_secs(60)).expect("the browser answers")
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        write!(self.pipe, "{message}\0").unwrap();
        loop {
            let mut said = self.next();
            if said["id"] == self.sent {
                assert_eq!(said.get("error"), None, "{method}");
                return said["result"].take();
            }
            self.events.push(said);
        }
    }

    /// What a script gives.
    fn eval(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "returnByValue": true});
        let mut said = self.call("Runtime.evaluate", params);
        assert_eq!(said.get("exceptionDetails"), None, "{script}");
        said["result"]["value"].take()
    }

    fn press(&mut self, key: &str) {
        let text = if key == "Enter" { "\r" } else { "" };
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            _ => 39,
        };
        for kind in ["keyDown", "keyUp"] {
            let mut params =
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Shows a page with this width and theme, and says how long it took to load, in milliseconds.
    fn open(&mut self, name: &str, record: &Record, width: u32, theme: &str) -> f64 {
        let path = self.directory.path().join(format!("{name}.html"));
        fs::write(&path, page::of_record(record).into_string()).unwrap();
        let height = if width < 600 { 780 } else { 1150 };
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let theme = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        self.call("Emulation.setEmulatedMedia", theme);
        self.events.clear();
        self.call("Page.navigate", json!({"url": format!("file://{}", path.display())}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.next();
            self.events.push(event);
        }
        self.eval("performance.getEntriesByType('navigation')[0].duration").as_f64().unwrap_or(0.0)
    }

    /// Asserts that nothing but the page itself was asked for, and that nothing went wrong in it.
    fn assert_quiet(&self, name: &str) {
        for event in &self.events {
            let method = event["method"].as_str().unwrap_or_default();
            let wrong = match method {
                "Network.requestWillBeSent" => event["params"]["type"] != "Document",
                _ => [
                    "Runtime.consoleAPICalled",
                    "Runtime.exceptionThrown",
                    "Log.entryAdded",
                    "Page.javascriptDialogOpening",
                ]
                .contains(&method),
            };
            assert!(!wrong, "{name}: {event}");
        }
    }

    /// A picture of what is seen, or of the whole page.
    fn picture(&mut self, name: &str, whole: bool) {
        let Some(directory) = env::var_os("DUALSTACK_SCREENSHOTS") else { return };
        let mut params = json!({"format": "png"});
        if whole {
            let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].take();
            let height = size["height"].as_f64().unwrap_or(0.0).min(9_000.0);
            params["captureBeyondViewport"] = true.into();
            params["clip"] =
                json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        }
        let picture = self.call("Page.captureScreenshot", params);
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::create_dir_all(&directory).unwrap();
        fs::write(Path::new(&directory).join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RED: &str = "button[aria-label='Pod to pod IPv6, n2 → n1: failed']";

#[test]
fn a_browser_shows_three_fifty_and_five_hundred_nodes() {
    let Some(mut browser) = Browser::start() else {
        assert!(env::var_os("DUALSTACK_REQUIRE_BROWSER").is_none(), "no Chromium in PATH");
        println!("SKIPPED: no Chromium in PATH; the HTML report was NOT opened in a browser");
        return;
    };
    let pages = [("3-nodes", broken(3)), ("50-nodes", broken(50)), ("500-nodes", broken(500))];
    for (name, record) in &pages {
        let (cases, bytes) = (record.judged.len(), page::of_record(record).into_string().len());
        println!("{name}: {cases} cases, a page of {} KB", bytes / 1000);
    }
    for (name, record) in &pages {
        for width in [1440, 360] {
            for theme in ["light", "dark"] {
                let millis = browser.open(name, record, width, theme);
                let picture = format!("{name}-{width}-{theme}");
                println!("{picture}: {millis:.0} ms");
                // A second, on a machine that does nothing else.
                assert!(millis < 5_000.0, "{picture} took {millis} ms");
                browser.assert_quiet(&picture);
                let wide = browser.eval(&TOO_WIDE.replace("WIDTH", &width.to_string()));
                assert_eq!(wide, "", "{picture} scrolls sideways");
                let cut = browser.eval(CUT_OFF);
                assert_eq!(cut, false, "{picture}: the table of checks is cut off");
                browser.picture(&picture, true);
            }
        }
    }
    opens_a_red_cell(&mut browser, &pages[0].1);
    browser.open("readme", &pages[0].1, 1440, "light");
    let metrics = json!({"width": 1440, "height": 1400, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setDeviceMetricsOverride", metrics);
    browser.picture("readme", false);
    let shown = browser.open("hostile", &hostile(), 1440, "light");
    browser.eval(
        "for (const button of document.querySelectorAll('td.fail button')) { \
     button.click(); document.getElementById('case').close(); }",
    );
    browser.assert_quiet("hostile names");
    assert_eq!(browser.eval("typeof hacked"), "undefined", "after {shown} ms");
}

/// What makes the page wider than the window.
const TOO_WIDE: &str = "document.documentElement.scrollWidth <= WIDTH ? '' : \
    document.documentElement.scrollWidth + [...document.querySelectorAll('body *')] \
    .filter(it => it.getBoundingClientRect().right > WIDTH) \
    .map(it => it.outerHTML.slice(0, 120)).join('\\n')";

/// Whether a part of the first table is only seen by scrolling: both families must be seen at once.
const CUT_OFF: &str = "(it => it.scrollWidth > it.clientWidth + 1)\
    (document.querySelector('.overview').parentElement)";

/// By mouse and by keyboard.
fn opens_a_red_cell(browser: &mut Browser, record: &Record) {
    for (width, theme) in [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")] {
        browser.open("red-cell", record, width, theme);
        browser.eval(&format!("document.querySelector(\"{RED}\").click()"));
        assert_eq!(browser.eval("document.getElementById('case').open"), true);
        let text = browser.eval("document.getElementById('case').innerText").to_string();
        for part in ["n2 → n1", "Network is unreachable", "kubectl ", "Explained by cause 1"] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        let headings = text.to_lowercase();
        for heading in ["attempts", "evidence", "reproduce", "fix"] {
            assert!(headings.contains(heading), "{heading}");
        }
        browser.picture(&format!("red-cell-{width}-{theme}"), false);
    }
    browser.press("Escape");
    assert_eq!(browser.eval("document.getElementById('case').open"), false);
    browser.eval(&format!("document.querySelector(\"{RED}\").focus()"));
    browser.press("Enter");
    assert_eq!(browser.eval("document.getElementById('case').open"), true);
    browser.press("Escape");
    browser.press("ArrowRight");
    let focused = browser.eval("document.activeElement.getAttribute('aria-label')");
    assert_eq!(focused, "Pod to pod IPv6, n2 → n2: passed");
    browser.assert_quiet("a red cell");
}
