//! Replays what the fuzz targets have found worth keeping.

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use std::path::Path;

#[test]
fn what_is_kept_still_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, run) in bodies::TARGETS {
        let folder = corpus.join(name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        files.sort();
        assert!(files.len() >= 10, "{name} has {} inputs", files.len());
        for file in files {
            // Said before: a panic inside tells nothing of the file.
            println!("{}", file.display());
            run(&std::fs::read(&file).expect("a readable file"));
        }
    }
}

/// Without a corpus too: bytes from a small generator.
#[test]
fn random_bytes_do_no_harm() {
    let mut state = 1u64;
    for (_, run) in bodies::TARGETS {
        for round in 0..300 {
            let bytes: Vec<u8> = (0..round * 4)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 33) as u8
                })
                .collect();
            run(&bytes);
        }
    }
}
