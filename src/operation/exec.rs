//! Operations on exec instances.
//!
//! Must never decide anything; the container that an exec runs in is a fact that the judge asks for.

use hyper::Method;

use super::container::ResizeQuery;
use super::encoded::{Answer, EncodeError, Encoded, HijackStyle};
use super::model::ExecStartConfig;
use super::names::ExecId;
use crate::request::write;

/// An operation on one exec instance.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecOperation {
    /// Which one.
    pub exec: ExecId,
    /// What to do with it.
    pub action: ExecAction,
}

/// What can be done with an exec instance.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the Engine API operation of that name")]
pub enum ExecAction {
    Start(ExecStartConfig, HijackStyle),
    Resize(ResizeQuery),
    Inspect,
}

impl ExecOperation {
    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query or body cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        let Self { exec, action } = self;
        let at =
            |method, verb, query: String, answer| Encoded::new(method, &["exec", exec.as_str(), verb], &query, answer);
        Ok(match action {
            // a detached start has no stream, so it must never be treated as a hijack
            ExecAction::Start(config, _) if config.detach => {
                at(Method::POST, "start", String::new(), Answer::Slow).with_json(config)?
            }
            ExecAction::Start(config, style) => {
                at(Method::POST, "start", String::new(), Answer::Open).with_json(config)?.hijack(*style)
            }
            ExecAction::Resize(query) => at(Method::POST, "resize", write(query)?, Answer::Prompt),
            ExecAction::Inspect => at(Method::GET, "json", String::new(), Answer::Prompt),
        })
    }

    /// How this becomes a raw stream, if it does: a detached start has none.
    #[must_use]
    pub const fn hijack(&self) -> Option<HijackStyle> {
        match &self.action {
            ExecAction::Start(config, style) if !config.detach => Some(*style),
            ExecAction::Start(..) | ExecAction::Resize(_) | ExecAction::Inspect => None,
        }
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self.action {
            ExecAction::Start(..) => "ExecStart",
            ExecAction::Resize(_) => "ExecResize",
            ExecAction::Inspect => "ExecInspect",
        }
    }
}
