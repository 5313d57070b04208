//! Looking for secrets in the bytes of files: as they are, and as they would be written by those who think they hide them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use regex::bytes::{Regex, RegexBuilder};

/// What must not be found.
pub struct Scan {
    names: Vec<String>,
    pattern: Regex,
}

impl Scan {
    /// Looks for texts in any case, in hexadecimal digits and in base 64 of either alphabet.
    pub fn new<S: AsRef<str>>(secrets: &[S]) -> Self {
        Self::of(secrets.iter().map(|secret| secret.as_ref().as_bytes().to_vec()).collect())
    }

    /// The same for bytes.
    pub fn of(secrets: Vec<Vec<u8>>) -> Self {
        let (mut names, mut parts) = (Vec::new(), Vec::new());
        for (at, secret) in secrets.into_iter().enumerate() {
            assert!(secret.len() >= 8, "so short a secret is found by chance");
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            let raw: String = secret.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            let forms = [format!("(?i-u:{raw})"), format!("(?i-u:{hex})"), regex::escape(&base64(&secret))];
            names.push(String::from_utf8(secret).unwrap_or(hex));
            parts.push(format!("(?P<s{at}>{})", forms.join("|").replace("\\+", "[+-]").replace('/', "[/_]")));
        }
        let pattern = RegexBuilder::new(&parts.join("|")).unicode(false).size_limit(1 << 28).build();
        Self { names, pattern: pattern.expect("a pattern") }
    }

    /// Which secret stands in some bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<&str> {
        let found = self.pattern.captures(bytes)?;
        let at = (0..self.names.len()).find(|at| found.name(&format!("s{at}")).is_some())?;
        Some(&self.names[at])
    }

    /// What is found in the files under a folder that were written since, but for those that are passed over. Answers
    /// also how many files there were.
    pub fn files(&self, folder: &Path, since: SystemTime, but: &dyn Fn(&Path) -> bool) -> (usize, Vec<String>) {
        let (mut count, mut found) = (0, Vec::new());
        for path in below(folder).into_iter().filter(|path| !but(path)) {
            let written = fs::metadata(&path).and_then(|about| about.modified());
            // a file may go while the others are read
            let Ok(true) = written.map(|written| written >= since) else { continue };
            let Ok(bytes) = fs::read(&path) else { continue };
            count += 1;
            found.extend(self.find(&bytes).map(|secret| format!("{secret} in {}", path.display())));
        }
        (count, found)
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() { files.extend(below(&path)) } else { files.push(path) }
    }
    files
}

/// Base 64 without its end, which depends on what follows.
fn base64(bytes: &[u8]) -> String {
    const EMAILS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let number = three.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        text.extend((0..4).rev().map(|at| char::from(EMAILS[(number >> (6 * at)) as usize & 63])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let scan = Scan::new(&["Quartermaine?", "another secret"]);
        for text in ["xQUARTERMAINE?x", "51756172746572 51756172746572 6d61696e653f", "x5175617274657264"] {
            assert_eq!(scan.find(text.as_bytes()), text.contains("MAINE").then_some("Quartermaine?"), "{text}");
        }
        assert_eq!(scan.find(b"<<517561727465726d61696e653f>>"), Some("Quartermaine?"));
        assert_eq!(scan.find(b"data:UXVhcnRlcm1haW5lPw=="), Some("Quartermaine?"));
        assert_eq!(scan.find(b"an0ther secret"), None);
    }
}
