//! Safety: whatever is permitted means upstream what was judged, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use docker_broker::policy::check;
use docker_broker::policy::compile::Origin;

use super::bases;
use super::body::Catalogue;
use super::compare::{self, Verdict};
use super::mutate;
use super::pipeline::{Broker, Outcome, Stage};
use super::random::Random;
use super::run::{Answered, Case, Run};

/// What was seen of one operation.
#[derive(Debug, Default, Clone)]
struct Count {
    made: usize,
    permitted: usize,
    compared: usize,
    refused_by_engine: usize,
    with_client: usize,
}

/// What was seen in all.
#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<String, Count>,
    refused: BTreeMap<Stage, usize>,
    engine_words: BTreeMap<String, usize>,
    differences: Vec<String>,
}

pub(crate) fn run(program: &Path) -> Result<(), String> {
    let wanted = number("ORACLE_REQUESTS", 100_000);
    let seed = number("ORACLE_SEED", 3);
    let began = Instant::now();
    let mut run = Run::new(program, Seen::default(), look);
    let mut made = make(wanted, seed, |case| run.ask(case));
    let answered = run.end();
    for (operation, count) in answered.counts {
        let known = made.counts.entry(operation).or_default();
        known.compared = count.compared;
        known.refused_by_engine = count.refused_by_engine;
        known.with_client = count.with_client;
    }
    let seen = Seen { differences: answered.differences, engine_words: answered.engine_words, ..made };
    seen.print(wanted, seed, began);
    seen.judge(wanted)
}

/// Makes the requests; gives what was counted while they were made.
fn make(wanted: usize, seed: usize, mut ask: impl FnMut(Case)) -> Seen {
    let brokers = brokers();
    let (bases, catalogue) = (bases::all(), Catalogue::new());
    let mut random = Random::new(u64::try_from(seed).unwrap());
    let mut seen = Seen::default();
    for _ in 0..wanted {
        let (operation, request) = mutate::request(&mut random, &bases, &catalogue);
        let (policy, broker) = &brokers[*random.one(&[0, 0, 0, 1, 1, 2, 2, 2, 2])];
        let count = seen.counts.entry(operation.to_owned()).or_default();
        count.made += 1;
        match broker.answer(&request) {
            Outcome::Refused(stage) => *seen.refused.entry(stage).or_default() += 1,
            Outcome::Stubbed => {}
            Outcome::Permitted(permitted) => {
                count.permitted += 1;
                ask(Case::new(operation, policy, request, &permitted));
            }
        }
    }
    seen
}

fn brokers() -> [(&'static str, Broker); 3] {
    let read =
        |text: &str, name: &str, origin| check::parse(text, name, origin).expect("a policy of the tests is right");
    let own = read(include_str!("policy.toml"), "oracle", Origin::File("policy.toml".to_owned()));
    let powers = concat!(include_str!("policy.toml"), include_str!("powers.toml"));
    let powers = read(powers, "powers", Origin::File("powers.toml".to_owned()));
    let open = docker_broker::policy::builtin::builtin("unrestricted").expect("it is built in");
    [("own", Broker::new(own)), ("powers", Broker::new(powers)), ("unrestricted", Broker::new(open))]
}

fn look(seen: &mut Seen, answered: Answered) {
    let Answered { case, forwarded, client } = answered;
    let count = seen.counts.entry(case.operation.clone()).or_default();
    let mut report = |why: &str| {
        let sent = format!("client: {}\n    engine: {}", shown(&case.request.wire()), shown(&case.forwarded));
        seen.differences.push(format!("{} under {}: {why}\n    {sent}", case.operation, case.policy));
    };
    match compare::with_judged(&forwarded, &case) {
        Verdict::Same => count.compared += 1,
        Verdict::RefusedByEngine(words) => {
            count.refused_by_engine += 1;
            *seen.engine_words.entry(words.chars().take(60).collect()).or_default() += 1;
        }
        Verdict::Different(why) => report(&why),
    }
    let Some(client) = client.filter(|client| !client.calls.is_empty() && !forwarded.calls.is_empty()) else { return };
    match compare::with_client(&forwarded, &client) {
        None => count.with_client += 1,
        Some(why) => report(&format!("not what the client's bytes mean: {why}")),
    }
}

impl Seen {
    fn total(&self, of: fn(&Count) -> usize) -> usize {
        self.counts.values().map(of).sum()
    }

    fn print(&self, wanted: usize, seed: usize, began: Instant) {
        println!(
            "{:24} {:>7} {:>9} {:>9} {:>17} {:>16}",
            "operation", "made", "permitted", "compared", "refused by engine", "with client's"
        );
        for (operation, count) in &self.counts {
            let Count { made, permitted, compared, refused_by_engine, with_client } = count;
            println!("{operation:24} {made:>7} {permitted:>9} {compared:>9} {refused_by_engine:>17} {with_client:>16}");
        }
        println!("refused by the broker: {:?}", self.refused);
        println!("refused by the engine: {:?}", self.engine_words);
        for difference in self.differences.iter().take(SHOWN) {
            println!("difference: {difference}");
        }
        println!("took {} s", began.elapsed().as_secs());
        let permitted = self.total(|count| count.permitted);
        println!(
            "oracle: {wanted} requests, {permitted} permitted ({} %), {} compared, {} differences (seed {seed})",
            permitted * 100 / wanted.max(1),
            self.total(|count| count.compared),
            self.differences.len()
        );
    }

    fn judge(&self, wanted: usize) -> Result<(), String> {
        if !self.differences.is_empty() {
            return Err(format!("{} differences", self.differences.len()));
        }
        let permitted = self.total(|count| count.permitted);
        if permitted * 100 < wanted * LEAST_PERMITTED {
            return Err(format!("only {permitted} of {wanted} requests were permitted: the mutations are too wild"));
        }
        let least = LEAST_COMPARED * wanted / 100_000;
        let rare: Vec<_> = self.counts.iter().filter(|(_, count)| count.compared < least).map(|(id, _)| id).collect();
        if rare.is_empty() { Ok(()) } else { Err(format!("fewer than {least} were compared of {rare:?}")) }
    }
}

/// Bytes as people can read them, cut where an archive would fill the screen.
fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    let parts: Vec<&str> = text.split("\\x00\\x00").filter(|part| !part.is_empty()).collect();
    parts.join("…").chars().take(900).collect()
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Percent of the mutated requests that have to be permitted, so that the comparison means something.
const LEAST_PERMITTED: usize = 30;
/// How many of each operation have to be compared in 100 000 requests.
const LEAST_COMPARED: usize = 200;
/// How many differences are printed.
const SHOWN: usize = 40;
