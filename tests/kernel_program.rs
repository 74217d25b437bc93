//! `src/turn/kernel/relay.bpf` is what clang makes of `relay.c`: `make kernel` makes it anew.
//!
//! The instructions alone are kept, without the ELF file around them: they name no symbol, and so there is nothing to
//! link. Another clang makes other instructions of the same source; only the one that made them can be compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "src/turn/kernel";
/// The release of clang that made the file.
const CLANG: &str = "clang version 14.";
/// The section that the program is in.
const SECTION: &[u8] = b"tc";

#[test]
fn the_program_is_what_its_source_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let version = Command::new("clang").arg("--version").output();
    let version = match version {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => return println!("SKIP no clang: {error}"),
    };
    if !version.contains(CLANG) {
        return println!("SKIP relay.bpf was made with {CLANG}, and this is another one");
    }
    let object = match compile(&folder) {
        Ok(object) => object,
        Err(why) => return println!("SKIP clang cannot make BPF programs here: {why}"),
    };
    let code = section(&object, SECTION).expect("the program has its section");
    assert!(code.len() > 1000 && code.len().is_multiple_of(8));
    assert_eq!(section(&object, b".reltc"), None, "something to link");
    let kept = folder.join("relay.bpf");
    if std::env::var_os("PJAUTH_UPDATE_KERNEL").is_some() {
        fs::write(&kept, code).expect("the file can be written");
    }
    let kept = fs::read(&kept).expect("the file is there");
    assert!(
        kept == code,
        "relay.bpf is not what relay.c says: make kernel"
    );
}

fn compile(folder: &Path) -> Result<Vec<u8>, String> {
    let object = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("relay.o");
    let mut clang = Command::new("clang");
    clang.args([
        "-O2", "-g0", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror",
    ]);
    // Where Debian has asm/types.h.
    let machine = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    clang.arg("-isystem").arg(machine);
    clang
        .arg("-c")
        .arg(folder.join("relay.c"))
        .arg("-o")
        .arg(&object);
    let output = clang.output().map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => fs::read(&object).map_err(|error| error.to_string()),
        false if complaint.contains("file not found") => Err(complaint),
        false => panic!("{complaint}"),
    }
}

/// The content of a section of a 64-bit little-endian ELF file.
fn section<'a>(elf: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let number = |at: usize, size: usize| {
        let bytes = elf[at..at + size].iter().rev();
        bytes.fold(0, |all, byte| all << 8 | usize::from(*byte))
    };
    let (table, size, count, names) = (number(40, 8), number(58, 2), number(60, 2), number(62, 2));
    let head = |index: usize| table + index * size;
    let content = |index: usize| {
        let (from, len) = (number(head(index) + 24, 8), number(head(index) + 32, 8));
        &elf[from..from + len]
    };
    let name = |index: usize| {
        let rest = &content(names)[number(head(index), 4)..];
        rest.split(|byte| *byte == 0).next()
    };
    (0..count)
        .find(|index| name(*index) == Some(wanted))
        .map(content)
}
