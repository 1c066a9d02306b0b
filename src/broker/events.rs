//! The engine's events, only those about what the client may know of.
//!
//! Network events carry no labels, and labels alone prove nothing, so an object is the client's if an inspect says so; an
//! unknown one that is already gone is dropped. Must never buffer more than one event, and never hold one back.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::try_unfold;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use serde_json::Value;

use super::{Broker, Grounds, granted};
use crate::policy::facts::{Fact, FactQuery, Within};
use crate::policy::judge::Judge;
use crate::response::{self, Body};

/// A stream of events, one JSON document a line.
struct Events {
    broker: Arc<Broker>,
    grounds: Grounds,
    incoming: Incoming,
    /// What has come and is not a whole line yet.
    begun: BytesMut,
}

/// The filtered stream; its head is sent at once.
pub(super) fn relay(broker: Arc<Broker>, grounds: Grounds, answer: Response<Incoming>) -> Response<Body> {
    let (parts, incoming) = answer.into_parts();
    let events = Events { broker, grounds, incoming, begun: BytesMut::new() };
    let stream = try_unfold(events, |mut events| async move { Ok(events.next().await?.map(|line| (line, events))) });
    let mut response = Response::new(Body::Filtered(Box::pin(stream)));
    *response.status_mut() = parts.status;
    response::pass_headers(&parts.headers, response.headers_mut());
    response
}

impl Events {
    /// The next event that the client may see.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line = self.begun.split_to(end + 1).freeze();
                if let Some(shown) = self.shown(line).await {
                    return Ok(Some(shown));
                }
            }
            if self.begun.len() > LONGEST_EVENT {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an event of the engine has no end"));
            }
            let Some(frame) = self.incoming.frame().await else { return Ok(None) };
            if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                self.begun.extend_from_slice(&data);
            }
        }
    }

    /// The line as the client may see it, if it may.
    async fn shown(&self, line: Bytes) -> Option<Bytes> {
        let event: Value = serde_json::from_slice(&line).ok()?;
        let judge = self.grounds.judge();
        let visible = match judge.event_is_visible(&event) {
            Some(visible) => visible,
            None => self.is_own(&judge, &event).await,
        };
        let shown = visible.then(|| judge.event(event))?;
        Some(Bytes::from(format!("{shown}\n")))
    }

    /// Asks the engine whose the event's object is.
    async fn is_own(&self, judge: &Judge<'_>, event: &Value) -> bool {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("/Actor/ID");
        match text("/Type").as_str() {
            "container" => self.container_is_own(judge, id).await,
            // on a network that others share, only what happens to one's own containers shows
            "network" => match text("/Actor/Attributes/container") {
                container if container.is_empty() => self.asked(judge, FactQuery::Network(id)).await,
                container => self.container_is_own(judge, container).await,
            },
            "volume" => self.asked(judge, FactQuery::Volume(id)).await,
            _ => false,
        }
    }

    async fn container_is_own(&self, judge: &Judge<'_>, id: String) -> bool {
        self.asked(judge, FactQuery::Container { reference: id, within: Within::Everyone, fresh: false }).await
    }

    async fn asked(&self, judge: &Judge<'_>, query: FactQuery) -> bool {
        match self.broker.parts.engine.fact(&query, &judge.stamp.owner).await {
            Ok(Fact::Container(Some(found))) => granted::owns_or_is_granted(&self.broker, judge, &found).await,
            Ok(Fact::Network(Some(found))) => judge.stamp.owner.owns(&found.labels),
            Ok(Fact::Volume(Some(found))) => judge.stamp.owner.owns(&found.labels),
            Ok(Fact::Container(None) | Fact::Network(None) | Fact::Volume(None)) => false,
            Ok(Fact::Exec(_) | Fact::Image(_) | Fact::Engine(_)) | Err(_) => false,
        }
    }
}

/// Bytes. An event carries the labels of its object, which are bounded by the engine's own limits.
const LONGEST_EVENT: usize = 1024 * 1024;
