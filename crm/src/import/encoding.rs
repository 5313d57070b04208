//! Finds the encoding of a text file. The whole file is read: a list of customers may have its first accent after a
//! hundred thousand rows.

use std::io::{Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use tenants::error::{Code, Error, Result};

use super::binary;

/// Read at a time.
const CHUNK: usize = 64 * 1024;
/// The guess between old encodings uses this many bytes, from the first that is not UTF-8.
const GUESS: usize = 4 * 1024 * 1024;
/// How many non-ASCII letters are needed to guess an encoding other than Windows-1252.
const RARE: u64 = 32;

/// The encoding that the caller names (`utf-8`, `utf-16le`, `windows-1252`, `latin1` …).
///
/// # Errors
/// `BAD_REQUEST` for an unknown name.
pub(super) fn named(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label(name.trim().as_bytes()).ok_or_else(|| {
        Error::new(
            Code::BadRequest,
            format!("There is no encoding `{name}`; use utf-8, utf-16le, utf-16be or windows-1252, or leave it out."),
        )
    })
}

/// The encoding of a file, from its byte order mark, its zero bytes, or its other bytes. The file is left at its start.
///
/// # Errors
/// `BAD_FILE` for an empty file and for a file that is not text.
pub(super) fn detect(file: &mut (impl Read + Seek)) -> Result<&'static Encoding> {
    let head = head(file)?;
    if head.is_empty() {
        return Err(Error::new(Code::BadFile, "The file is empty. It needs a row of headers and rows below it."));
    }
    if let Some(what) = binary::recognise(&head) {
        return Err(Error::new(Code::BadFile, format!("The file is not a CSV table but {what}.")));
    }
    if let Some((encoding, _)) = Encoding::for_bom(&head) {
        return Ok(encoding);
    }
    if let Some(encoding) = utf16_without_mark(&head) {
        return Ok(encoding);
    }
    if binary::holds_binary(&head) {
        return Err(Error::new(Code::BadFile, "The file is not a CSV table: it contains bytes that are not text."));
    }
    let census = census(file)?;
    let encoding = match census.first_broken {
        // valid sequences rarely appear by chance in another encoding: the file is UTF-8 with errors
        Some(at) if census.broken > census.sequences => guess(file, at, census.broken)?,
        _ => UTF_8,
    };
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(encoding)
}

fn head(file: &mut (impl Read + Seek)) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4096);
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    file.take(4096).read_to_end(&mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(head)
}

/// Headers are mostly ASCII: in UTF-16 every second byte of them is zero.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.as_chunks::<2>().0;
    if pairs.len() < 2 {
        return None;
    }
    let high_first = pairs.iter().filter(|[a, b]| *a == 0 && *b != 0).count();
    let low_first = pairs.iter().filter(|[a, b]| *a != 0 && *b == 0).count();
    let most = pairs.len() * 6 / 10;
    match () {
        () if low_first > most && high_first == 0 => Some(UTF_16LE),
        () if high_first > most && low_first == 0 => Some(UTF_16BE),
        () => None,
    }
}

#[derive(Default)]
struct Census {
    /// Characters beyond ASCII that are well-formed UTF-8.
    sequences: u64,
    /// Bytes that are not.
    broken: u64,
    /// Position of the first one.
    first_broken: Option<u64>,
}

fn census(file: &mut (impl Read + Seek)) -> Result<Census> {
    let mut census = Census::default();
    let mut buffer = vec![0; CHUNK + 4];
    // the end of the chunk may cut a character; its beginning moves to the front of the next chunk
    let mut kept = 0;
    let mut offset = 0u64;
    loop {
        let read = file.read(&mut buffer[kept..CHUNK]).map_err(unreadable)?;
        let used = census.count(&buffer[..kept + read], offset, read == 0);
        if read == 0 {
            return Ok(census);
        }
        buffer.copy_within(used..kept + read, 0);
        offset += used as u64;
        kept = kept + read - used;
    }
}

impl Census {
    /// Counts a piece, and returns how much of it was complete.
    fn count(&mut self, bytes: &[u8], offset: u64, last: bool) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let error = match std::str::from_utf8(rest) {
                Ok(_) => {
                    self.sequences += beyond_ascii(rest);
                    return bytes.len();
                }
                Err(error) => error,
            };
            self.sequences += beyond_ascii(&rest[..error.valid_up_to()]);
            at += error.valid_up_to();
            let bad = match error.error_len() {
                None if !last => return at,
                None => bytes.len() - at,
                Some(length) => length,
            };
            self.first_broken.get_or_insert(offset + at as u64);
            self.broken += 1;
            at += bad;
        }
        at
    }
}

fn beyond_ascii(valid: &[u8]) -> u64 {
    if valid.is_ascii() {
        return 0;
    }
    valid.iter().filter(|byte| **byte >= 0xc0).count() as u64
}

fn guess(file: &mut (impl Read + Seek), from: u64, broken: u64) -> Result<&'static Encoding> {
    // the words around the first accent help the guess
    file.seek(SeekFrom::Start(from.saturating_sub(CHUNK as u64))).map_err(unreadable)?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut buffer = vec![0; CHUNK];
    let mut seen = 0;
    let (mut likely, mut unlikely) = (0, 0);
    while seen < GUESS {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        detector.feed(&buffer[..read], false);
        for (index, byte) in buffer[..read].iter().enumerate().filter(|(_, byte)| !byte.is_ascii()) {
            let before = index.checked_sub(1).map_or(b' ', |index| buffer[index]);
            let after = buffer[..read].get(index + 1).copied().unwrap_or(b' ');
            *if western(before, *byte, after) { &mut likely } else { &mut unlikely } += 1;
        }
        seen += read;
    }
    detector.feed(&[], true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    Ok(match guess {
        // a few letters are not enough to guess a rare encoding
        _ if guess != WINDOWS_1252 && broken >= RARE => guess,
        _ if likely > unlikely => WINDOWS_1252,
        // better to report the rows than to import characters that nobody wrote
        _ => UTF_8,
    })
}

/// Whether a byte reads as it would in Western European text: a letter beside letters, no capital within a word, or a
/// common sign. A broken UTF-8 character does not.
fn western(before: u8, byte: u8, after: u8) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0xc0;
    match byte {
        0x80 | 0x82..=0x87 | 0x8a..=0x8c | 0x8e | 0x91..=0x97 | 0x9a..=0x9c | 0x9e | 0x9f => true,
        0xa0..=0xbf => true,
        0xc0..=0xde => !before.is_ascii_lowercase() && letter(after),
        0xdf..=0xfd => letter(before) || letter(after),
        _ => false,
    }
}

/// What an error of reading means: the file store does not answer, or the file cannot be read.
pub(super) fn unreadable(error: std::io::Error) -> Error {
    files::of_reading(error)
        .unwrap_or_else(|error| Error::new(Code::BadFile, "The file cannot be read; upload it again.").caused_by(error))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn detected(bytes: &[u8]) -> &'static str {
        detect(&mut Cursor::new(bytes)).unwrap().name()
    }

    #[test]
    fn knows_the_usual_encodings() {
        assert_eq!(detected(b"name,city\nAnna,Berlin\n"), "UTF-8");
        assert_eq!(detected("name,city\nZo\u{eb},Bogot\u{e1}\n".as_bytes()), "UTF-8");
        assert_eq!(detected(b"\xef\xbb\xbfname\nAnna\n"), "UTF-8");
        assert_eq!(detected(b"\xff\xfen\0a\0m\0e\0\n\0"), "UTF-16LE");
        assert_eq!(detected(b"\xfe\xff\0n\0a\0m\0e\0\n"), "UTF-16BE");
        assert_eq!(detected(b"n\0a\0m\0e\0\n\0A\0\n\0"), "UTF-16LE");
        assert_eq!(detected(b"\0n\0a\0m\0e\0\n\0A\0\n"), "UTF-16BE");
        assert_eq!(detected(b"nom,ville\nZo\xe9,Orl\xe9ans\nFran\xe7ois,B\xe9ziers\n"), "windows-1252");
    }

    #[test]
    fn a_first_accent_after_many_rows_is_seen() {
        let mut file = b"nom,ville\n".to_vec();
        file.extend(b"Anne,Paris\n".repeat(50_000));
        file.extend(b"Andr\xe9,N\xeemes\nH\xe9l\xe8ne,Besan\xe7on\n");
        assert_eq!(detected(&file), "windows-1252");
    }

    #[test]
    fn a_character_cut_by_a_chunk_is_whole() {
        for shift in 0..4 {
            let mut file = vec![b'a'; CHUNK - shift];
            file.extend("\u{20ac}\u{20ac}\n".as_bytes());
            assert_eq!(detected(&file), "UTF-8");
        }
    }

    #[test]
    fn utf8_with_a_fault_stays_utf8() {
        let mostly = ["nom\nZo\u{eb}\nRen\u{e9}\n".as_bytes(), b"\xe9t\n"].concat();
        assert_eq!(detected(&mostly), "UTF-8");
        for faulty in [&b"name\nbroken \x81\xfe text\n"[..], b"name\nAl\xffice\n", b"a\n\xc3\x28\n", b"a\nZo\xc3\n"] {
            assert_eq!(detected(faulty), "UTF-8", "{}", String::from_utf8_lossy(faulty));
        }
    }

    #[test]
    fn a_rare_encoding_needs_many_letters() {
        let text = "\u{438}\u{43c}\u{44f},\u{433}\u{43e}\u{440}\u{43e}\u{434}\n\u{410}\u{43d}\u{43d}\u{430},\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}\n".repeat(4);
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(&text);
        assert_eq!(detected(&bytes), "windows-1251");
    }

    #[test]
    fn refuses_what_is_no_text() {
        for (bytes, words) in [(&b""[..], "empty"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"a\x01b\0\0", "not text")] {
            let error = detect(&mut Cursor::new(bytes)).unwrap_err();
            assert_eq!(error.code(), Code::BadFile);
            assert!(error.message().contains(words), "{}", error.message());
        }
    }

    #[test]
    fn a_real_file_in_windows_1252() {
        let text = std::fs::read_to_string("../tests/data/northwind-customers.csv").unwrap();
        let (bytes, _, _) = WINDOWS_1252.encode(&text);
        assert_eq!(detected(&bytes), "windows-1252");
    }
}
