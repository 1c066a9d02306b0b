//! `docker-broker explain`: a request or an audit record in, the decision and why out.
//!
//! A request takes the way that it takes through the broker, up to where it would be sent. Must never send it, change
//! anything on the engine, or show a secret that it carries.

mod asked;
mod assumed;
mod record;
mod remedy;
mod render;
mod sent;
mod way;

use clap::{ArgGroup, Args, ValueEnum};

use super::exit::{Exit, Failure};
use super::situation::Situation;
use super::{serve, terminal};
use crate::audit::read::Entry;
use crate::config::environment::Environment;
use crate::config::origins::Origins;
use crate::config::policy_text::PolicyText;
use crate::config::{ListenerConfig, ServeConfig};
use crate::policy::compile::Policy;
use crate::policy::denial::{Denial, Reason};
use crate::policy::depth::Depth;
use crate::policy::file::keys;
use crate::policy::ownership::{Owner, Stamp};
use crate::response::BrokerError;
use crate::upstream::Engine;
use asked::Asked;
use assumed::Assumptions;
use render::{Answer, Remedy, Rule};
use way::{Explained, Outcome, Source, Way};

/// What to explain.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["method", "record", "request_id"]))]
pub(super) struct ExplainArgs {
    /// The method of a request, as `POST`
    #[arg(requires = "target")]
    method: Option<String>,
    /// Its target: the path, and the query if there is one
    target: Option<String>,
    /// Its body: a JSON document, a file, or `-` for standard input
    #[arg(long, value_name = "JSON|FILE|-", requires = "method")]
    body: Option<String>,
    /// A field of its head, as `X-Registry-Auth: e30=`; may be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "method")]
    headers: Vec<String>,
    /// An audit record: a file, or `-` for standard input
    #[arg(long, value_name = "FILE|-")]
    record: Option<String>,
    /// The ID that stands in a refusal, to be found in --audit
    #[arg(long, value_name = "ID", requires = "audit")]
    request_id: Option<String>,
    /// The audit log that holds the record of --request-id: a file, or `-` for standard input
    #[arg(long, value_name = "FILE|-", requires = "request_id")]
    audit: Option<String>,
    /// Ask no engine: take it for granted that what a request names is there
    #[arg(long)]
    offline: bool,
    /// With --offline: a container, network or volume that is the client's own, by name or ID; a container may name its
    /// image. May be given more than once
    #[arg(long, value_name = "NAME[=IMAGE]", requires = "offline")]
    own: Vec<String>,
    /// With --offline: an image or network that is not there. May be given more than once
    #[arg(long, value_name = "NAME", requires = "offline")]
    absent: Vec<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    situation: Situation,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AnswerFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(super) fn run(arguments: &ExplainArgs, origins: &Origins, environment: &Environment) -> Result<Exit, Failure> {
    let (config, listener) = config(arguments, origins, environment)?;
    let text = PolicyText::find(&arguments.situation.policy)?;
    let answer = match (&arguments.record, &arguments.request_id, &arguments.audit) {
        (Some(file), _, _) => of_record(record::only_record(file)?, &listener, &text),
        (None, Some(id), Some(log)) => of_record(record::find(log, id)?, &listener, &text),
        (None, _, _) => of_request(arguments, &config, &listener, &text)?,
    };
    let exit = if answer.is_permitted() { Exit::Done } else { Exit::No };
    terminal::print(&match arguments.format {
        AnswerFormat::Text => answer.text(),
        AnswerFormat::Json => answer.json()?,
    })?;
    Ok(exit)
}

/// What the broker would run with. Without an engine, it does not matter where one is.
fn config(
    arguments: &ExplainArgs,
    origins: &Origins,
    environment: &Environment,
) -> Result<(ServeConfig, ListenerConfig), Failure> {
    let nobody_asked = arguments.offline || arguments.method.is_none();
    let nowhere = Environment::default();
    arguments.situation.resolve(origins, if nobody_asked { &nowhere } else { environment })
}

fn of_request(
    arguments: &ExplainArgs,
    config: &ServeConfig,
    listener: &ListenerConfig,
    text: &PolicyText,
) -> Result<Answer, Failure> {
    let (method, target) = (arguments.method.as_deref(), arguments.target.as_deref());
    let asked = Asked::read(
        method.unwrap_or_default(),
        target.unwrap_or_default(),
        &arguments.headers,
        arguments.body.as_deref(),
    )?;
    let owner = Owner::new(&config.instance, &listener.name);
    let stamp = Stamp {
        owner: owner.clone(),
        session: "SESSION".to_owned(),
        expires: crate::broker::expiry_of(&listener.policy),
        policy: listener.policy.name.clone(),
        depth: Depth::default(),
    };
    let assumptions = Assumptions::new(&arguments.own, &arguments.absent);
    let engine = Engine::new(config.upstream.clone(), &config.bounds);
    let source = if arguments.offline { Source::Assumed(&assumptions) } else { Source::Engine(&engine, &owner) };
    let sockets = crate::serve::socket_paths(&[&listener.listen, &config.upstream]);
    let way = Way { policy: &listener.policy, stamp: &stamp, sockets: &sockets, bounds: &config.bounds, source };
    serve::block_on(async {
        let explained = way.explain(&asked).await.map_err(|error| no_engine(&error))?;
        let mut answer = Answer::of_request(&asked, &listener.policy, facts_from(&source), explained);
        answer.remedy = remedy_of(&answer, text, &way, &asked).await;
        answer.assumed = assumptions.said();
        Ok(answer)
    })?
}

/// The change to the policy that would let the request pass, or else the first that would change its refusal.
async fn remedy_of(answer: &Answer, text: &PolicyText, way: &Way<'_>, asked: &Asked) -> Option<Remedy> {
    let Rule { key, wanted, place, .. } = answer.rule.as_ref()?;
    let key = keys::find(key.as_deref()?)?;
    let mut second_best = None;
    for proposal in remedy::proposals(text, key, wanted, place) {
        let changed = Way { policy: &proposal.policy, ..*way };
        let next = match changed.explain(asked).await.ok()?.outcome {
            Outcome::Permitted(_) | Outcome::Stubbed => None,
            Outcome::Refused(error) => Some(plain_message(&error)),
        };
        let remedy = Remedy { file: remedy::where_to_write(text), lines: proposal.lines, tried: true, next };
        if remedy.next.is_none() {
            return Some(remedy);
        }
        if remedy.next != answer.message {
            second_best = second_best.or(Some(remedy));
        }
    }
    second_best
}

fn of_record(entry: Entry, listener: &ListenerConfig, text: &PolicyText) -> Answer {
    let (today, why) = record::today(&entry, &listener.policy);
    let proposal = keys::find(&entry.key).and_then(|key| {
        let mut all = remedy::proposals(text, key, record::wanted(&entry), &entry.place).into_iter();
        all.next()
    });
    let is_refused = entry.decision == "refused";
    let remedy = proposal.filter(|_| is_refused).map(|proposal| Remedy {
        file: remedy::where_to_write(text),
        lines: proposal.lines,
        tried: false,
        next: None,
    });
    Answer::of_record(entry, &listener.policy, today, why, remedy)
}

fn facts_from(source: &Source<'_>) -> String {
    match source {
        Source::Engine(engine, _) => format!("asked of the engine at {}", engine.address()),
        Source::Assumed(_) => "assumed, no engine was asked".to_owned(),
    }
}

fn no_engine(error: &BrokerError) -> Failure {
    let mut failure = Failure::new(Exit::Unavailable, error);
    if let Some(first) = failure.lines.first_mut() {
        first.push_str("; with --offline, no engine is asked");
    }
    failure
}

/// What the client would be told, without the ID of a request that was never sent.
fn plain_message(error: &BrokerError) -> String {
    let message = error.message(NO_REQUEST);
    message.strip_suffix(&format!(" [request {NO_REQUEST}]")).unwrap_or(&message).to_owned()
}

impl Rule {
    /// The rule behind an error, where the policy or the floor made it.
    fn of(error: &BrokerError) -> Option<Self> {
        let BrokerError::Denied(Denial::Refused(refusal)) = error else { return None };
        let (allowed, never) = match &refusal.reason {
            Reason::NotAllowed { allowed, key: _ } => (Some(allowed.clone()), None),
            Reason::NotYet { key: _ } => (None, Some("the key is not in force in this version yet".to_owned())),
            Reason::Floor { why } => (None, Some(format!("no policy can allow it: {why}"))),
        };
        let key = refusal.key();
        let meaning = key.and_then(keys::find).map(|key| key.meaning.to_owned());
        let (place, wanted) = (refusal.place.clone(), refusal.wanted.clone());
        Some(Self { place, wanted, allowed, key: key.map(str::to_owned), meaning, never })
    }
}

impl Answer {
    fn of_request(asked: &Asked, policy: &Policy, facts: String, explained: Explained) -> Self {
        let Explained { operation, outcome } = explained;
        let request = format!("{} {}", asked.head.method, asked.head.uri);
        let mut answer = Self::new(request, operation.map(str::to_owned), policy.to_string());
        answer.facts = Some(facts);
        match outcome {
            Outcome::Permitted(sent) => {
                answer.decision = "permitted".to_owned();
                answer.sent = Some(*sent);
            }
            Outcome::Stubbed => answer.decision = "stubbed".to_owned(),
            Outcome::Refused(error) => {
                answer.decision = error.decision().word().to_owned();
                answer.status = Some(error.status());
                answer.message = Some(plain_message(&error));
                answer.rule = Rule::of(&error);
            }
        }
        answer
    }
}

/// Stands for the ID of a request that was never sent.
const NO_REQUEST: &str = "none";

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker explain POST /v1.44/containers/create --body '{\"Image\": \"redis:7\"}'
      Would it pass, what would the engine get, and if not, which key of which file would allow it
  docker-broker explain POST '/containers/create?name=db' --body create.json --policy agent.toml --offline
      The same without an engine: what the request names is taken to be there
  docker-broker explain POST /containers/db/exec --body '{\"Cmd\": [\"id\"]}' --offline --own db=postgres:16
      As if container `db`, made from `postgres:16`, were the client's own
  docker-broker explain --request-id 1fa2c3-17 --audit /var/log/broker.json
      The request of a refusal: what it was, and what to add to the policy

It ends with 0 where the request is permitted (or was), with 1 where it is refused, with 69 where the engine does not \
answer. Values of environment variables and credentials are not shown.";
