//! The way of a request through the broker, up to where it would be sent: words, operation, facts, decision.
//!
//! Each step is the broker's own; only the sending is left out. Must never ask an engine anything but what the judge asks.

use hyper::header::HeaderMap;
use serde_json::Value;

use super::asked::Asked;
use super::assumed::Assumptions;
use super::sent::{Sent, Written};
use crate::bounds::Bounds;
use crate::broker::{self, ROUNDS_OF_QUESTIONS, accept, body_limit, json_bounds};
use crate::operation::Operation;
use crate::operation::routes::{self, Kind};
use crate::policy::compile::Policy;
use crate::policy::facts::Facts;
use crate::policy::judge::Judge;
use crate::policy::ownership::{Owner, Stamp};
use crate::policy::permit::Relay;
use crate::request::{self, ApiRequest};
use crate::response::BrokerError;
use crate::upstream::engine::forwarded;
use crate::upstream::{Engine, EngineVersion};

/// Who judges, and by what.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) policy: &'a Policy,
    pub(super) stamp: &'a Stamp,
    /// The paths of the broker's own socket and of its engine's.
    pub(super) sockets: &'a [String],
    pub(super) bounds: &'a Bounds,
    pub(super) source: Source<'a>,
}

/// Who says what is on the engine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// The engine itself.
    Engine(&'a Engine, &'a Owner),
    /// Nobody.
    Assumed(&'a Assumptions),
}

/// What would become of a request.
#[derive(Debug)]
pub(super) struct Explained {
    /// Docker's `operationId`, where the request has one.
    pub(super) operation: Option<&'static str>,
    pub(super) outcome: Outcome,
}

/// See [`Explained`].
#[derive(Debug)]
pub(super) enum Outcome {
    /// It would go to the engine.
    Permitted(Box<Sent>),
    /// It would be answered without the engine.
    Stubbed,
    /// It would be answered with an error.
    Refused(BrokerError),
}

impl Way<'_> {
    /// Takes a request to where it would be sent.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub(super) async fn explain(&self, asked: &Asked) -> Result<Explained, BrokerError> {
        let mut operation = None;
        match self.steps(asked, &mut operation).await {
            Ok(outcome) => Ok(Explained { operation, outcome }),
            Err(error @ BrokerError::Upstream(_)) => Err(error),
            Err(error) => Ok(Explained { operation, outcome: Outcome::Refused(error) }),
        }
    }

    async fn steps(&self, asked: &Asked, name_of: &mut Option<&'static str>) -> Result<Outcome, BrokerError> {
        let judge = Judge { policy: self.policy, stamp: self.stamp, sockets: self.sockets };
        let words = request::read(&asked.head)?;
        let route = routes::find(&words.method, &words.path)
            .ok_or_else(|| judge.unknown_route(&words.method, &broker::path_text(&words)))?;
        *name_of = Some(route.row.id);
        let kind = broker::modelled(&judge, route.row)?;
        let json = self.body(kind, &words, asked)?;
        let operation = Operation::parse(kind, route.name, &words, &json, &json_bounds(self.bounds))?;
        let engine = self.version().await?;
        let version = broker::within(words.version, engine)?;
        let before = Written::of(&operation).map_err(crate::upstream::UpstreamError::from)?;
        let facts = self.facts(&judge, &operation).await?;
        let permit = judge.decide(operation, &facts).map_err(|denial| denial.in_words_of(engine.newest, kind))?;
        if permit.relay() == Relay::Stub {
            return Ok(Outcome::Stubbed);
        }
        let request = forwarded(&permit, version, None).map_err(crate::upstream::UpstreamError::from)?;
        let (head, _) = request.into_parts();
        let after = Written::of(permit.operation()).map_err(crate::upstream::UpstreamError::from)?;
        Ok(Outcome::Permitted(Box::new(Sent::new(&head, &before, after, &permit))))
    }

    fn body(&self, kind: Kind, words: &ApiRequest, asked: &Asked) -> Result<bytes::Bytes, BrokerError> {
        match body_limit(kind, self.bounds) {
            // judged entry by entry while it is sent
            None => Ok(bytes::Bytes::new()),
            Some(limit) if asked.body.len() > limit => Err(BrokerError::TooLarge(limit)),
            Some(_) => accept(kind, words, asked.body.clone(), self.bounds),
        }
    }

    async fn version(&self) -> Result<EngineVersion, BrokerError> {
        match self.source {
            Source::Engine(engine, _) => Ok(engine.version().await?),
            Source::Assumed(assumptions) => Ok(assumptions.version()),
        }
    }

    async fn facts(&self, judge: &Judge<'_>, operation: &Operation) -> Result<Facts, BrokerError> {
        let mut facts = Facts::default();
        for _ in 0..ROUNDS_OF_QUESTIONS {
            let questions = judge.questions(operation, &facts);
            if questions.is_empty() {
                break;
            }
            for query in questions {
                let fact = match self.source {
                    Source::Engine(engine, owner) => engine.fact(&query, owner).await?,
                    Source::Assumed(assumptions) => assumptions.answer(&query, self.policy, self.stamp),
                };
                facts.insert(query, fact);
            }
        }
        Ok(facts)
    }
}

/// The fields of a head that the engine would get, by name; credentials are not repeated.
pub(super) fn shown_fields(headers: &HeaderMap) -> Vec<(String, Value)> {
    let text = |value: &hyper::header::HeaderValue| {
        if value.is_sensitive() { REDACTED.to_owned() } else { String::from_utf8_lossy(value.as_bytes()).into_owned() }
    };
    headers.iter().map(|(name, value)| (name.to_string(), Value::String(text(value)))).collect()
}

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";
