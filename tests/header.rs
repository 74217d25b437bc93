//! `include/pjauth.h` is what the sources say. `make header` rewrites it.

use quote::ToTokens;
use std::fs;
use std::path::{Path, PathBuf};

const HEADER: &str = "include/pjauth.h";
const DROP_IN_SYMBOLS: &str = "src/pjsip/symbols-2.17.txt";

#[test]
fn header_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = generate(root);
    let foreign = generated
        .lines()
        .find(|line| line.starts_with("extern ") && !line.starts_with("extern \"C\""));
    assert_eq!(
        foreign, None,
        "what we import is none of the header's business"
    );
    let header = root.join(HEADER);
    if std::env::var_os("PJAUTH_UPDATE_HEADER").is_some() {
        fs::write(&header, &generated).expect("include/ can be written");
        return;
    }
    let committed = fs::read_to_string(&header).unwrap_or_default();
    let same = committed
        .lines()
        .zip(generated.lines())
        .take_while(|(old, new)| old == new);
    assert!(
        committed == generated,
        "{HEADER} differs from the sources after line {}: run `make header`",
        same.count()
    );
}

/// Runs cbindgen over the files of the boundary and nothing else, so that no
/// inner constant or type finds its way into the header.
fn generate(root: &Path) -> String {
    let mut config =
        cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid");
    let symbols = fs::read_to_string(root.join(DROP_IN_SYMBOLS)).expect("the symbol list is there");
    config
        .export
        .exclude
        .extend(symbols.lines().map(str::to_owned));

    let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exports");
    fs::create_dir_all(&scratch).expect("cargo's scratch directory can be written");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in boundary_files(root) {
        let source = fs::read_to_string(&file).expect("a source file that was listed can be read");
        let name = file.strip_prefix(root).expect("below the root");
        let plain = scratch.join(name.to_string_lossy().replace('/', "."));
        fs::write(&plain, without_macros(&source))
            .expect("cargo's scratch directory can be written");
        builder = builder.with_src(plain);
    }
    let mut text = Vec::new();
    builder
        .generate()
        .expect("cbindgen understands the boundary")
        .write(&mut text);
    text.push(b'\n');
    without_safety(&String::from_utf8(text).expect("cbindgen writes UTF-8"))
}

/// Leaves out the sections that rustdoc wants of unsafe functions: to C there are
/// no others, and the arguments' lines say the same.
fn without_safety(header: &str) -> String {
    let mut text = String::new();
    let mut skipping = false;
    for line in header.split_inclusive('\n') {
        if line.trim_end() == " * # Safety" {
            skipping = true;
            // With the empty line before it.
            text.truncate(text.trim_end_matches(" *\n").len());
        } else if line.trim_end() == " */" {
            skipping = false;
        }
        if !skipping {
            text.push_str(line);
        }
    }
    text
}

/// `src/version.rs`, the list of counters and every `exports*.rs` or file below `exports/`, sorted.
fn boundary_files(root: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src/ can be read") {
            let path = entry.expect("src/ can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if is_boundary(path.strip_prefix(root).expect("below the root")) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn is_boundary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let below_exports = path.components().any(|part| part.as_os_str() == "exports");
    name.ends_with(".rs")
        && (path.ends_with("src/version.rs")
            || path.ends_with("src/turn/core/counters.rs")
            || name.starts_with("exports")
            || below_exports)
}

/// The source with the items inside `some_macro! { ... }` standing free, for
/// cbindgen does not expand macros: the one that makes every exported function
/// takes ordinary functions and makes them `extern "C"` and `no_mangle`.
fn without_macros(source: &str) -> String {
    let file = syn::parse_file(source).expect("a source file that compiles can be parsed");
    let mut plain = proc_macro2::TokenStream::new();
    for item in file.items {
        match item {
            syn::Item::Macro(call) if call.ident.is_none() => {
                let inner: syn::File = call
                    .mac
                    .parse_body()
                    .unwrap_or_else(|_| syn::parse_quote!());
                for item in inner.items {
                    exported(item).to_tokens(&mut plain);
                }
            }
            item => item.to_tokens(&mut plain),
        }
    }
    plain.to_string()
}

/// What the macro makes of a function.
fn exported(item: syn::Item) -> syn::Item {
    match item {
        syn::Item::Fn(mut function) if function.sig.ident.to_string().starts_with("pjauth_") => {
            function.sig.abi = Some(syn::parse_quote!(extern "C"));
            function.attrs.push(syn::parse_quote!(#[unsafe(no_mangle)]));
            syn::Item::Fn(function)
        }
        item => item,
    }
}
