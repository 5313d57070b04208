//! Recognises a file that is not a table by its first bytes, so that the error can say what it is.

/// First bytes of common file formats, and their names.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"BM", "a BMP image"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (save the sheet as CSV first)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file (save the sheet as CSV first)"),
    (b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (b"BZh", "a bzip2 archive (unpack it first)"),
    (b"\xfd7zXZ\x00", "an xz archive (unpack it first)"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive (unpack it first)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (unpack it first)"),
    (b"Rar!\x1a\x07", "a RAR archive (unpack it first)"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
    (b"\x00\x00\x00\x18ftyp", "a video"),
    (b"\x00\x00\x00\x20ftyp", "a video"),
    (b"{\\rtf", "an RTF document"),
];

/// Beginnings of texts that are not tables.
const MARKUP: &[(&[u8], &str)] = &[
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
    (b"[{", "a JSON document"),
    (b"{\"", "a JSON document"),
    (b"BEGIN:VCARD", "a vCard file"),
];

/// What the file is, if it is certainly not a table. `head` is its beginning (a few kilobytes). Texts in UTF-16 contain
/// zero bytes, so the caller asks [`holds_binary`] only if the file is not UTF-16.
pub(super) fn recognise(head: &[u8]) -> Option<&'static str> {
    let signature = SIGNATURES.iter().find(|(bytes, name)| {
        // a table may also begin with these two letters: check for the zero bytes of a real image
        head.starts_with(bytes) && (!name.contains("BMP") || head.iter().take(16).any(|byte| *byte == 0))
    });
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let markup = || {
        MARKUP.iter().find(|(start, _)| text.len() >= start.len() && text[..start.len()].eq_ignore_ascii_case(start))
    };
    signature.or_else(markup).map(|(_, name)| *name)
}

/// Whether it contains bytes that no text in UTF-8 or a one-byte encoding has.
pub(super) fn holds_binary(head: &[u8]) -> bool {
    head.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_no_table() {
        assert_eq!(recognise(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some("a PNG image"));
        assert!(recognise(b"PK\x03\x04\x14\0").is_some_and(|name| name.contains("Excel")));
        assert_eq!(recognise(b"\xef\xbb\xbf \n<!DOCTYPE HTML>"), Some("an HTML page"));
        assert_eq!(recognise(b"[{\"name\": 1}]"), Some("a JSON document"));
    }

    #[test]
    fn lets_tables_pass() {
        for head in [&b"name,email\n"[..], b"BMI,Name\n", b"ID,Nom\n", b"\"a\",\"b\"\n", b"", b"{x};y\n"] {
            assert_eq!(recognise(head), None);
            assert!(!holds_binary(head));
        }
        assert!(holds_binary(b"a,b\0c"));
    }
}
