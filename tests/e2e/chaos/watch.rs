//! Watches an engine from the side: what carries our labels, and until when it may.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::raw::send;

/// Something on the engine that carries the owner's label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    /// `container`, `network` or `volume`.
    pub(crate) kind: &'static str,
    /// A volume's ID is its name.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// When its life ends, in Unix seconds.
    pub(crate) expires: u64,
}

/// Collects every object of one owner that was ever there.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Arc<Mutex<BTreeSet<Object>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn start(engine: &Path, owner: &str) -> Self {
        let (seen, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
        let (engine, owner): (PathBuf, String) = (engine.to_owned(), owner.to_owned());
        let (into, until) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = spawn(move || {
            while !until.load(Ordering::Relaxed) {
                // an engine that is down has nothing to show
                let objects = present(&engine, &owner).unwrap_or_default();
                into.lock().unwrap_or_else(PoisonError::into_inner).extend(objects);
                sleep(Duration::from_millis(100));
            }
        });
        Self { seen, stop, thread: Some(thread) }
    }

    /// Stops looking, and tells what was there.
    pub(crate) fn finish(mut self) -> BTreeSet<Object> {
        self.end();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

/// What carries the owner's label now; none when the engine does not answer.
pub(crate) fn present(engine: &Path, owner: &str) -> Option<Vec<Object>> {
    let filters = format!("%7B%22label%22%3A%5B%22docker-broker.owner%3D{}%22%5D%7D", owner.replace('/', "%2F"));
    let list = |path: &str, all: &str| {
        let answer = send(engine, "GET", &format!("{path}?{all}filters={filters}"), None).ok()?;
        (answer.status == 200).then(|| answer.json())
    };
    let containers = list("/containers/json", "all=1&")?;
    let networks = list("/networks", "")?;
    let volumes = list("/volumes", "")?;
    let mut objects: Vec<_> = objects("container", "Id", &containers).collect();
    objects.extend(self::objects("network", "Id", &networks));
    objects.extend(self::objects("volume", "Name", &volumes["Volumes"]));
    Some(objects)
}

fn objects<'v>(kind: &'static str, key: &'static str, list: &'v Value) -> impl Iterator<Item = Object> + 'v {
    list.as_array().into_iter().flatten().filter_map(move |entry| {
        let expires = entry["Labels"]["docker-broker.expires"].as_str()?.parse().ok()?;
        // a container may have several names, each after a slash
        let name = entry["Name"].as_str().or_else(|| entry["Names"][0].as_str()).unwrap_or_default();
        let name = name.trim_start_matches('/').to_owned();
        Some(Object { kind, id: entry[key].as_str()?.to_owned(), name, expires })
    })
}

/// Unix seconds, with fractions.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
