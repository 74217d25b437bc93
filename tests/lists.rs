//! Lists that the compiler does not compare: what stands in one and was forgotten
//! in another.

use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(file)).expect("a source file can be read")
}

/// The fields of a structure, by name, in a source file.
fn fields(source: &str, structure: &str) -> Vec<String> {
    let file = syn::parse_file(source).expect("a source file that compiles can be parsed");
    let found = file.items.into_iter().find_map(|item| match item {
        syn::Item::Struct(item) if item.ident == structure => Some(item),
        _ => None,
    });
    let found = found.expect("the structure is there");
    let names = found.fields.into_iter().filter_map(|field| field.ident);
    names.map(|name| name.to_string()).collect()
}

/// Whether `text` reads the field: `c.name`, and not a longer name.
fn reads(text: &str, name: &str) -> bool {
    let read = format!("c.{name}");
    let longer = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&read).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + read.len()..]);
        !before.ends_with(longer) && !after.starts_with(longer)
    })
}

#[test]
fn every_option_is_read() {
    let options = fields(
        &read("src/turn/exports/options_types.rs"),
        "pjauth_turn_options",
    );
    assert!(options.len() > 30, "{options:?}");
    let text = read("src/turn/exports/options.rs");
    let forgotten: Vec<_> = options
        .iter()
        .filter(|name| *name != "size" && !reads(&text, name))
        .collect();
    assert!(
        forgotten.is_empty(),
        "options that nobody reads: {forgotten:?}"
    );
    assert!(!reads(&text, "max_connection") && !reads(&text, "no_such_option"));
}

#[test]
fn the_map_names_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = read("docs/architecture.md");
    let quoted = map.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| {
        let last = text.rsplit('/').next().unwrap_or_default();
        text.contains('/')
            && !text.contains([' ', '*', '('])
            && (last.is_empty() || last.contains('.'))
    };
    let paths: Vec<_> = quoted.filter(is_path).collect();
    assert!(paths.len() > 50, "{paths:?}");
    let missing: Vec<_> = paths
        .into_iter()
        .filter(|path| {
            let below = ["", "src", "src/pjsip", "src/turn"];
            !below
                .iter()
                .any(|folder| root.join(folder).join(path).exists())
        })
        .collect();
    assert!(missing.is_empty(), "no such file: {missing:?}");
}
