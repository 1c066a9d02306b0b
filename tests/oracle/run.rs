//! Requests through the broker and both readings out of the engine, in the order in which they were made.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::engine::{self, Answers, Call, Questions, Reading};
use super::expected;
use super::pipeline::Permitted;
use super::request::ClientRequest;

/// A permitted request, and what the engine has to do for it.
pub(crate) struct Case {
    pub(crate) operation: String,
    pub(crate) policy: &'static str,
    pub(crate) request: ClientRequest,
    pub(crate) version: String,
    pub(crate) judged: Vec<Call>,
    pub(crate) forwarded: Vec<u8>,
    /// Whether the engine was asked about the client's own bytes too.
    pub(crate) with_client: bool,
}

/// A case, and what the engine read.
pub(crate) struct Answered {
    pub(crate) case: Case,
    pub(crate) forwarded: Reading,
    pub(crate) client: Option<Reading>,
}

/// Asks in one direction while the answers are looked at in another thread.
pub(crate) struct Run<T> {
    questions: Questions,
    cases: Option<Sender<Case>>,
    reader: JoinHandle<T>,
}

impl Case {
    pub(crate) fn new(operation: &str, policy: &'static str, request: ClientRequest, permitted: &Permitted) -> Self {
        let version = permitted.version;
        Self {
            operation: operation.to_owned(),
            policy,
            request,
            version: version.to_string(),
            judged: expected::calls(permitted.permit.operation(), version, permitted.archive),
            forwarded: permitted.forwarded.clone(),
            with_client: policy == "unrestricted" || permitted.archive.is_some(),
        }
    }
}

impl<T: Send + 'static> Run<T> {
    /// Starts the oracle; `look` gets every answered case, and its result is that of the run.
    pub(crate) fn new(program: &Path, start: T, look: impl Fn(&mut T, Answered) + Send + 'static) -> Self {
        let (questions, answers) = engine::start(program);
        let (cases, received) = channel();
        let reader = std::thread::spawn(move || read(answers, &received, start, look));
        Self { questions, cases: Some(cases), reader }
    }

    pub(crate) fn ask(&mut self, case: Case) {
        self.questions.ask(&case.forwarded);
        if case.with_client {
            self.questions.ask(&case.request.wire());
        }
        self.cases.as_ref().expect("open until the end").send(case).expect("the reader runs");
    }

    /// Waits for the last answer.
    pub(crate) fn end(mut self) -> T {
        self.questions.end();
        drop(self.cases.take());
        self.reader.join().expect("the reader ends")
    }
}

fn read<T>(mut answers: Answers, cases: &Receiver<Case>, mut result: T, look: impl Fn(&mut T, Answered)) -> T {
    for case in cases {
        let forwarded = answers.next();
        let client = case.with_client.then(|| answers.next());
        look(&mut result, Answered { case, forwarded, client });
    }
    result
}
