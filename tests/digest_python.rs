//! Differential: 200 random requests through Python's hashlib and through us.

use pjauth::digest::{Algorithm, Answer, Protection, Qop, Secret, nonce_count, response, userhash};
use std::io::Write;
use std::process::{Command, Stdio};

const CASES: usize = 200;
const NAMES: [&str; 6] = [
    "MD5",
    "MD5-sess",
    "SHA-256",
    "SHA-256-sess",
    "SHA-512-256",
    "SHA-512-256-sess",
];

/// Reads a case a line, fields in hexadecimal; writes response and userhash.
const SCRIPT: &str = r#"
import hashlib, sys
names = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
for line in sys.stdin:
    algorithm, qop, *fields = line.rstrip("\n").split(" ")
    user, realm, password, method, uri, nonce, nc, cnonce, body, opened = map(bytes.fromhex, fields)
    def H(*parts):
        name = names[algorithm.removesuffix("-sess")]
        return hashlib.new(name, b":".join(parts)).hexdigest().encode()
    a1 = H(user, realm, password)
    if algorithm.endswith("-sess"):
        a1 = H(a1, nonce, opened)
    a2 = H(method, uri, H(body)) if qop == "auth-int" else H(method, uri)
    answer = H(a1, nonce, a2) if qop == "-" else H(a1, nonce, nc, cnonce, qop.encode(), a2)
    print(answer.decode(), H(user, realm).decode())
"#;

const HAS_HASHES: &str = "import hashlib; hashlib.new('md5'); hashlib.new('sha512_256')";

/// xorshift64*, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize;
        high % end
    }

    fn bytes(&mut self) -> Vec<u8> {
        let most = if self.below(10) == 0 { 600 } else { 60 };
        (0..self.below(most))
            .map(|_| self.below(256) as u8)
            .collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One case: the line for Python, and our own line.
fn case(random: &mut Random, name: &str) -> (String, String) {
    let algorithm = Algorithm::parse(name.as_bytes()).expect("a name of ours");
    let qop = [None, Some(Qop::Auth), Some(Qop::AuthInt)][random.below(3)];
    let [
        username,
        realm,
        password,
        method,
        uri,
        nonce,
        cnonce,
        body,
        opened,
    ] = std::array::from_fn(|_| random.bytes());
    let nc = nonce_count(random.below(1 << 32) as u32);
    let answer = Answer {
        algorithm,
        username: &username,
        realm: &realm,
        secret: Secret::Password(&password),
        method: &method,
        uri: &uri,
        nonce: &nonce,
        protection: qop.map(|qop| Protection {
            qop,
            nc: &nc,
            cnonce: &cnonce,
            body: &body,
        }),
        session_cnonce: Some(&opened),
    };
    let fields = [
        &username,
        &realm,
        &password,
        &method,
        &uri,
        &nonce,
        &nc[..],
        &cnonce,
        &body,
        &opened,
    ];
    let fields = fields.map(|field: &[u8]| hex(field)).join(" ");
    let input = format!("{name} {} {fields}", qop.map_or("-", Qop::as_str));
    let response = response(&answer).expect("an answer");
    let userhash = userhash(algorithm.hash, &username, &realm);
    let ours = [response.as_bytes(), userhash.as_bytes()].map(|hex| hex.escape_ascii().to_string());
    (input, ours.join(" "))
}

#[test]
fn same_as_hashlib() {
    match Command::new("python3").args(["-c", HAS_HASHES]).output() {
        Ok(probe) if probe.status.success() => {}
        Ok(_) => return println!("SKIP this python3 lacks MD5 or SHA-512/256"),
        Err(error) => return println!("SKIP no python3: {error}"),
    }
    let mut random = Random(0x7616_8760_3261_2617);
    let (inputs, ours): (Vec<_>, Vec<_>) = NAMES
        .iter()
        .cycle()
        .take(CASES)
        .map(|name| case(&mut random, name))
        .unzip();

    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut stdin = python.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all((inputs.join("\n") + "\n").as_bytes()));
    let output = python.wait_with_output().expect("python3 ends");
    writer.join().expect("no panic").expect("python3 reads all");
    assert!(output.status.success(), "{}", output.status);

    let theirs = String::from_utf8(output.stdout).expect("hexadecimal");
    let theirs: Vec<_> = theirs.lines().collect();
    assert_eq!(theirs.len(), CASES);
    for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(ours, theirs, "case {i}, {}", NAMES[i % NAMES.len()]);
    }
}
