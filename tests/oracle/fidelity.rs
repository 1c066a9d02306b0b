//! Fidelity: what ordinary clients send means the same to the engine with and without the broker.

use std::path::Path;

use super::bases;
use super::compare::{self, Verdict};
use super::pipeline::{Broker, Outcome};
use super::run::{Answered, Case, Run};

pub(crate) fn run(program: &Path) -> Result<(), String> {
    let open = docker_broker::policy::builtin::builtin("unrestricted").expect("it is built in");
    let broker = Broker::new(open);
    let mut run = Run::new(program, (0, Vec::new()), look);
    let mut differences = Vec::new();
    let requests = bases::recorded();
    let all = requests.len();
    for request in requests {
        let operation = bases::operation(&request);
        let head = format!("{} {}", request.method, request.target);
        match broker.answer(&request) {
            Outcome::Permitted(permitted) => run.ask(Case::new(operation, "unrestricted", request, &permitted)),
            Outcome::Refused(stage) => differences.push(format!("{head}: refused ({stage:?})")),
            Outcome::Stubbed => differences.push(format!("{head}: answered without the engine")),
        }
    }
    let (compared, found) = run.end();
    differences.extend(found);
    println!("oracle: {all} recorded requests, {compared} mean the same, {} differences", differences.len());
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

fn look((same, differences): &mut (usize, Vec<String>), answered: Answered) {
    let Answered { case, forwarded, client } = answered;
    let client = client.expect("the client's bytes are read too");
    let judged = match compare::with_judged(&forwarded, &case) {
        Verdict::Same => None,
        Verdict::RefusedByEngine(words) => Some(format!("the engine refuses what was forwarded: {words}")),
        Verdict::Different(why) => Some(why),
    };
    let status = (forwarded.status != client.status)
        .then(|| format!("status {:?} and not {:?} ({:?})", forwarded.status, client.status, client.error));
    match judged.or(status).or_else(|| compare::with_client(&forwarded, &client)) {
        None => *same += 1,
        Some(why) => differences.push(format!("{} {}: {why}", case.request.method, case.request.target)),
    }
}
