//! What the fake engine answers to what manages containers and changes images, in the engine's words (28.5).

use serde_json::{Value, json};

use super::answer::{Answer, Followed};
use super::wire::Recorded;
use super::world::{Container, World, familiar};

/// The answer of an operation on a container that exists.
pub(crate) fn answer(request: &Recorded, method: &str, found: &Container, verb: &str, world: &mut World) -> Answer {
    match (method, verb) {
        ("POST", "rename") => rename(request, &found.id, world),
        ("POST", "pause" | "unpause") => Answer::Empty(204),
        ("POST", "update") => update(request, &found.id, world),
        ("GET", "top") => {
            let titles = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
            Answer::Json(
                200,
                json!({"Titles": titles, "Processes": [["999", "4711", "1", "0", "10:00", "?", "0", "x"]]}),
            )
        }
        ("GET", "stats") => {
            let sample = format!("{}\n", json!({"id": found.id, "pids_stats": {"current": 7}})).into_bytes();
            match request.query_value("stream").as_deref() {
                Some("0") => Answer::Chunks("application/json".to_owned(), vec![sample]),
                _ => Answer::Follow("application/json".to_owned(), vec![sample], Followed::Logs),
            }
        }
        ("GET", "changes") => Answer::Json(200, json!([{"Path": "/tmp/x", "Kind": 1}])),
        ("GET", "export") => {
            let kind = ("Content-Type".to_owned(), "application/octet-stream".to_owned());
            Answer::Whole(200, vec![kind], vec![0; 1024])
        }
        (_, _) => Answer::error(404, "page not found"),
    }
}

fn rename(request: &Recorded, id: &str, world: &mut World) -> Answer {
    let name = request.query_value("name").unwrap_or_default();
    if world.containers.iter().any(|container| container.name == name) {
        return Answer::error(409, format!("Error when allocating new name: Conflict. \"/{name}\" is already in use"));
    }
    world.change(id, |container| container.name = name);
    Answer::Empty(204)
}

fn update(request: &Recorded, id: &str, world: &mut World) -> Answer {
    let Ok(body @ Value::Object(_)) = serde_json::from_slice(&request.body) else {
        return Answer::error(400, "invalid JSON");
    };
    world.change(id, |container| {
        for (field, value) in body.as_object().into_iter().flatten() {
            container.host_config[field] = value.clone();
        }
    });
    Answer::Json(200, json!({"Warnings": []}))
}

/// Two layers, of which the lower one is an image with a name of somebody else's.
pub(crate) fn history(name: &str, world: &World) -> Answer {
    let Some(image) = world.image(name) else { return no_image(name) };
    Answer::Json(
        200,
        json!([
            {"Id": image.id, "Created": 1, "CreatedBy": "CMD x", "Tags": image.tags, "Size": 0, "Comment": ""},
            {"Id": "sha256:base", "Created": 0, "CreatedBy": "ADD x", "Tags": ["payroll/base:1"], "Size": 1, "Comment": ""},
            {"Id": "<missing>", "Created": 0, "CreatedBy": "ADD y", "Tags": null, "Size": 1, "Comment": ""},
        ]),
    )
}

pub(crate) fn tag(request: &Recorded, name: &str, world: &mut World) -> Answer {
    let Some(id) = world.image(name).map(|image| image.id.clone()) else { return no_image(name) };
    let value = |key: &str| request.query_value(key).unwrap_or_default();
    let new = familiar(&format!("{}:{}", value("repo"), value("tag")));
    for image in &mut world.images {
        image.tags.retain(|tag| *tag != new);
        if image.id == id {
            image.tags.push(new.clone());
        }
    }
    Answer::Empty(201)
}

pub(crate) fn remove(name: &str, world: &mut World) -> Answer {
    let Some(id) = world.image(name).map(|image| image.id.clone()) else { return no_image(name) };
    let word = familiar(name);
    for image in world.images.iter_mut().filter(|image| image.id == id) {
        image.tags.retain(|tag| *tag != word);
    }
    world.images.retain(|image| !image.tags.is_empty());
    Answer::Json(200, json!([{"Untagged": word}]))
}

/// Progress, as it comes.
pub(crate) fn push() -> Answer {
    let line = |status: &str| format!("{}\r\n", json!({"status": status})).into_bytes();
    Answer::Chunks("application/json".to_owned(), vec![line("Preparing"), line("Pushed")])
}

fn no_image(name: &str) -> Answer {
    Answer::error(404, format!("No such image: {}", familiar(name)))
}
