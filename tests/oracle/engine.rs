//! The engine's own API server, as a program that is asked line by line.

use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// The half that questions go into.
pub(crate) struct Questions {
    stdin: Option<BufWriter<ChildStdin>>,
    child: Child,
}

/// The half that answers come out of, in the order of the questions.
pub(crate) struct Answers(Lines<BufReader<ChildStdout>>);

/// What the engine would have done.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Reading {
    pub(crate) status: Option<u16>,
    pub(crate) requests: Vec<Head>,
    pub(crate) error: Option<String>,
    pub(crate) failure: Option<String>,
    pub(crate) calls: Vec<Call>,
}

/// The head of a request that reached the engine's router.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) uri: String,
}

/// One call of the engine's router to the daemon.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) args: Value,
}

/// Builds the program where it is out of date; why not, where there is no Go.
pub(crate) fn build() -> Result<PathBuf, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/server28/build");
    let output = Command::new(script).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Starts the program.
pub(crate) fn start(program: &Path) -> (Questions, Answers) {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let stdin = child.stdin.take().map(BufWriter::new);
    let stdout = child.stdout.take().expect("its answers");
    (Questions { stdin, child }, Answers(BufReader::new(stdout).lines()))
}

impl Questions {
    pub(crate) fn ask(&mut self, bytes: &[u8]) {
        let line = format!("{{\"raw_b64\":\"{}\"}}\n", STANDARD.encode(bytes));
        self.stdin.as_mut().expect("open until the end").write_all(line.as_bytes()).expect("the oracle listens");
    }

    /// No more questions: what is still in the buffer is sent, and the program ends by itself.
    pub(crate) fn end(&mut self) {
        if let Some(mut stdin) = self.stdin.take() {
            stdin.flush().expect("the oracle listens");
        }
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ended = self.child.wait();
    }
}

impl Answers {
    pub(crate) fn next(&mut self) -> Reading {
        let line = self.0.next().expect("an answer to each question").expect("the oracle speaks");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in an answer of the oracle: {line}"))
    }
}
