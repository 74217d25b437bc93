//! The arrows between the rooms run one way, as docs/architecture.md draws them.
//!
//! A room is a folder below `src/`. Who names what is read from the text: every
//! path that begins with `crate` or `super`, outside of comments and tests.
//! `cargo test --test arrows -- --nocapture` prints the arrows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of each half, the highest first. A room may name those of lower
/// floors; of two on one floor, one may name the other. What stands in a half
/// itself and in no room of it has its own entry, called as the half; a status is
/// the least of it.
const HALVES: [&[&[&str]]; 2] = [
    &[
        &["pjsip::exports"],
        &["pjsip", "pjsip::tokens", "pjsip::hold"],
        &["pjsip::host"],
        &["pjsip::abi", "pjsip::status"],
    ],
    &[
        &["turn::exports"],
        &["turn::driver", "turn::kernel"],
        &["turn::core"],
        &["turn::state"],
        &["turn::auth", "turn::policy"],
        &["turn"],
    ],
];

/// The ground floor: each for itself. A half names only what is here for it.
const GROUND: [(&str, &[&str]); 4] = [
    ("handle", &["pjsip", "turn"]),
    ("digest", &["pjsip"]),
    ("stun", &["turn"]),
    ("version", &[]),
];

/// Rooms in which `unsafe` is forbidden by lint.
const SAFE: [&str; 7] = [
    "handle",
    "digest",
    "stun",
    "turn/auth",
    "turn/policy",
    "turn/state",
    "turn/core",
];

/// Who names whom, and in which file.
type Arrows = BTreeMap<(String, String), BTreeSet<String>>;

#[test]
fn arrows_run_one_way() {
    let house = House::read();
    let arrows = house.arrows();
    for ((from, to), files) in &arrows {
        println!("{from} -> {to}   ({} files)", files.len());
    }
    let wrong: Vec<_> = arrows
        .iter()
        .filter(|((from, to), _)| !may_name(from, to) || is_mutual(&arrows, from, to))
        .collect();
    assert!(wrong.is_empty(), "arrows that run upwards: {wrong:#?}");
    for expected in [
        ("turn::exports", "turn::driver"),
        ("turn::driver", "turn::core"),
        ("turn::core", "turn::state"),
        ("turn::state", "turn::auth"),
        ("turn::auth", "stun"),
        ("pjsip", "digest"),
        ("pjsip::exports", "pjsip"),
        ("pjsip::tokens", "handle"),
        ("turn::exports", "handle"),
    ] {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert!(arrows.contains_key(&expected), "not seen: {expected:?}");
    }
}

#[test]
fn an_arrow_that_runs_upwards_is_seen() {
    let arrow = |file: &str, text: &str| {
        let mut house = House::read();
        house.files.push((file.to_owned(), bare(text)));
        let arrows = house.arrows();
        let wrong = arrows
            .into_iter()
            .filter(|((from, to), files)| files.contains(file) && !may_name(from, to));
        wrong.map(|(arrow, _)| arrow).collect::<Vec<_>>()
    };
    let pair = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
    assert_eq!(arrow("turn/state/new.rs", "use std::mem;"), []);
    assert_eq!(
        arrow("turn/state/new.rs", "use crate::turn::core::Core;"),
        pair("turn::state", "turn::core")
    );
    assert_eq!(
        arrow("turn/policy/new.rs", "fn f(_: super::super::Core) {}"),
        pair("turn::policy", "turn::core")
    );
    assert_eq!(
        arrow(
            "turn/core/new.rs",
            "use crate::{stun, turn::{state::x,\n driver::{A, B}}};"
        ),
        pair("turn::core", "turn::driver")
    );
    for whole in ["use crate::turn;", "use crate::turn::*;"] {
        let found = arrow("turn/core/new.rs", whole);
        assert_eq!(found, pair("turn::core", "turn::exports"));
    }
    assert_eq!(
        arrow("stun/new.rs", "use crate::turn::time::Time;"),
        pair("stun", "turn")
    );
    assert_eq!(
        arrow("turn/exports/new.rs", "use crate::digest::Qop;"),
        pair("turn::exports", "digest")
    );
    assert_eq!(
        arrow("pjsip/host/new.rs", "use crate::pjsip::tokens::Token;"),
        pair("pjsip::host", "pjsip::tokens")
    );
    assert_eq!(
        arrow("pjsip/new.rs", "// crate::turn\nconst A: &str = \"\";"),
        []
    );
}

#[test]
fn safe_rooms_forbid_unsafe() {
    for room in SAFE {
        let file = source().join(room).join("mod.rs");
        let text = fs::read_to_string(&file).expect("each room has its mod.rs");
        assert!(text.contains("\n#![forbid(unsafe_code)]\n"), "{room}");
    }
}

/// Whether the second room is below the first, or beside it.
fn may_name(from: &str, to: &str) -> bool {
    if let Some((_, halves)) = GROUND.iter().find(|(room, _)| *room == to) {
        let half = from.split("::").next().unwrap_or(from);
        return halves.contains(&half) || to == "version";
    }
    HALVES.iter().any(|floors| {
        let floor = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
        matches!((floor(from), floor(to)), (Some(from), Some(to)) if from <= to)
    })
}

/// Whether two rooms of one floor name each other. In the SIP half the files that
/// are in no room and the two rooms beside them are one floor together.
fn is_mutual(arrows: &Arrows, from: &str, to: &str) -> bool {
    let back = (to.to_owned(), from.to_owned());
    from.starts_with("turn") && may_name(to, from) && arrows.contains_key(&back)
}

struct House {
    /// Path below `src/`, and text without comments and tests.
    files: Vec<(String, String)>,
}

impl House {
    fn read() -> Self {
        let mut files = Vec::new();
        let mut folders = vec![source()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("src/ can be read") {
                let path = entry.expect("src/ can be read").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if path.is_dir() && name != "tests" {
                    folders.push(path);
                } else if name.ends_with(".rs") && name != "tests.rs" {
                    let text = fs::read_to_string(&path).expect("a source file can be read");
                    let below = path.strip_prefix(source()).expect("below src/");
                    files.push((below.to_string_lossy().into_owned(), bare(&text)));
                }
            }
        }
        House { files }
    }

    fn arrows(&self) -> Arrows {
        let modules: BTreeSet<_> = self.files.iter().map(|(file, _)| module(file)).collect();
        let reexports = self.reexports();
        let mut arrows = Arrows::new();
        for (file, text) in &self.files {
            // The two maps of the house name everything.
            if file == "lib.rs" || file == "turn/mod.rs" || file == "pjsip/mod.rs" {
                continue;
            }
            let from = room(&module(file)).to_owned();
            for path in paths(text, &module(file)) {
                let real = resolve(&path, &modules, &reexports);
                let to = room(&real).to_owned();
                if to != from {
                    arrows
                        .entry((from.clone(), to))
                        .or_default()
                        .insert(file.clone());
                }
            }
        }
        arrows
    }

    /// What the halves' own files lend out: `turn::Core` is `turn::core::Core`.
    fn reexports(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for half in ["turn", "pjsip"] {
            let file = format!("{half}/mod.rs");
            let text = self.files.iter().find(|(name, _)| *name == file);
            let (_, text) = text.expect("each half has its mod.rs");
            for item in text.split("pub use ").skip(1) {
                let tree = item.split(';').next().unwrap_or_default();
                for path in expand(tree) {
                    let path = path.trim_start_matches("self::").to_owned();
                    let name = path.rsplit("::").next().unwrap_or_default();
                    found.insert(format!("{half}::{name}"), format!("{half}::{path}"));
                }
            }
        }
        found
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// `turn/core/mod.rs` is `turn::core`.
fn module(file: &str) -> String {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

/// The room that a path leads into: the longest name of one that it begins with.
fn room(path: &str) -> &str {
    let named = HALVES.iter().flat_map(|floors| floors.iter().copied());
    let named = named.flatten().chain(GROUND.iter().map(|(room, _)| room));
    let within = |room: &&&str| {
        path.strip_prefix(**room)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let found = named.filter(within).max_by_key(|room| room.len());
    found.copied().unwrap_or(path)
}

/// Follows what a half's own file lends out. Who takes a half as a whole could name
/// anything of it, and so is taken to name its highest room.
fn resolve(path: &str, modules: &BTreeSet<String>, reexports: &BTreeMap<String, String>) -> String {
    if let "turn" | "pjsip" = path.trim_end_matches(':') {
        return format!("{}::exports", path.trim_end_matches(':'));
    }
    let mut parts = path.split("::");
    let first: Vec<_> = parts.by_ref().take(2).collect();
    let name = first.join("::");
    match reexports.get(&name) {
        Some(real) if !modules.contains(&name) => real.clone(),
        _ => path.to_owned(),
    }
}

/// The text without comments, strings' contents and what follows on the tests.
fn bare(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| match line.find("//") {
        Some(at) => &line[..at],
        None => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Every path from the root of the crate that a module's text names.
fn paths(text: &str, module: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, at) in ["crate::", "super::"]
        .iter()
        .flat_map(|word| text.match_indices(word).map(|(at, word)| (word, at)))
    {
        if text[..at].ends_with("(in ") {
            continue;
        }
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let mut base: Vec<&str> = match word {
            "crate::" => Vec::new(),
            _ => module.split("::").collect(),
        };
        let mut rest = &text[at..];
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        rest = rest.strip_prefix("crate::").unwrap_or(rest);
        for tail in expand(tree(rest)) {
            let parts = base.iter().copied().chain([tail.as_str()]);
            found.push(parts.collect::<Vec<_>>().join("::"));
        }
    }
    found
}

/// The path, or the tree of paths in braces, that a text begins with.
fn tree(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[..=at],
            '}' => depth -= 1,
            _ if depth > 0 || c.is_alphanumeric() || c == '_' || c == ':' => {}
            _ => return &text[..at],
        }
        if depth < 0 {
            return &text[..at];
        }
    }
    text
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        return vec![name.trim_end_matches("::self").to_owned()];
    };
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let mut depth = 0;
    let branches = inner.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let branches = branches.filter(|branch| !branch.trim().is_empty());
    let whole = |branch| expand(&format!("{}{}", &tree[..open], str::trim(branch)));
    branches.flat_map(whole).collect()
}
