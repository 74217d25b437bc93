//! What the fuzz targets do with their bytes, and what must hold whatever the
//! bytes are. One function for each target, used by it and by `tests/corpus.rs`,
//! which replays what is committed under `fuzz/corpus`.

mod digest;
mod handles;
mod turn_connections;
mod turn_framing;
mod turn_message;
#[cfg(feature = "tls")]
mod turn_records;
mod turn_server;

/// A target: its name, which is its corpus's folder, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
#[allow(dead_code, reason = "a fuzz target is one of them")]
pub const TARGETS: &[Target] = &[
    ("digest", digest::run),
    ("handles", handles::run),
    ("turn_message", turn_message::run),
    ("turn_framing", turn_framing::run),
    ("turn_server", turn_server::run),
    #[cfg(feature = "tls")]
    ("turn_records", turn_records::run),
    ("turn_connections", turn_connections::run),
];

/// Runs the target of this name.
#[allow(dead_code, reason = "the replay runs them all")]
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.0 == name);
    target.expect("a target of this name").1(data);
}
