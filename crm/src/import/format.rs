//! How a file is read: encoding, delimiter, and whether its first row contains headers. What the caller does not
//! specify is detected.

use std::io::{Read, Seek, SeekFrom};

use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Serialize};
use tenants::error::{Code, Error, Result};

use super::{
    encoding::{self, unreadable},
    rows::{Row, Rows},
};

/// How much is read to find the delimiter.
const SAMPLE_BYTES: u64 = 256 * 1024;
/// How many rows are read to find the delimiter, and shown in a preview.
const SAMPLE_ROWS: usize = 100;
/// Delimiters, most frequent first.
const DELIMITERS: &[u8] = b",;\t|";

/// What the caller specifies about a file; the rest is detected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FormatChoice {
    /// Name of the encoding: `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`.
    pub encoding: Option<String>,
    /// The delimiter: one ASCII character, or `tab`.
    pub delimiter: Option<String>,
    /// Whether the first row contains headers.
    pub header: Option<bool>,
}

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Format {
    /// Name of the encoding, as in the WHATWG standard.
    pub encoding: String,
    /// The delimiter.
    pub delimiter: char,
    /// Whether the first row contains headers.
    pub header: bool,
    /// The first line only names the delimiter (`sep=;`, as Excel writes it).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announced: bool,
}

impl Format {
    /// The rows of a file in this format, including the headers.
    ///
    /// # Errors
    /// `BAD_FILE` if the file cannot be read.
    pub(super) fn rows<R: Read>(&self, file: R) -> Result<Rows<R>> {
        let mut rows = self.resumed(file);
        if self.announced {
            rows.next_row()?;
        }
        Ok(rows)
    }

    /// The same for a reader that continues somewhere.
    pub(super) fn resumed<R: Read>(&self, file: R) -> Rows<R> {
        let encoding = Encoding::for_label(self.encoding.as_bytes()).unwrap_or(UTF_8);
        Rows::new(file, encoding, self.delimiter as u8)
    }
}

/// Detects how a file is read. `known` tells whether a text is the name of a field.
///
/// # Errors
/// `BAD_FILE` for a file without rows or that is not text; `BAD_REQUEST` for an unknown choice.
pub(super) fn detect(
    file: &mut (impl Read + Seek),
    choice: &FormatChoice,
    known: impl Fn(&str) -> bool,
) -> Result<Format> {
    let detected = encoding::detect(file)?;
    let encoding = choice.encoding.as_deref().map(encoding::named).transpose()?.unwrap_or(detected);
    let announcement = announced_delimiter(&sample(file, encoding, 0)?);
    let chosen = choice.delimiter.as_deref().map(named_delimiter).transpose()?;
    let delimiter = match chosen.or(announcement) {
        Some(delimiter) => delimiter,
        None => likeliest_delimiter(file, encoding)?,
    };
    let mut rows = sample(file, encoding, delimiter)?;
    if announcement.is_some() {
        rows.remove(0);
    }
    let Some(first) = rows.first() else {
        return Err(Error::new(Code::BadFile, "The file has no rows. It needs a row of headers and rows below it."));
    };
    let header = choice.header.unwrap_or_else(|| is_header(first, known));
    if header && first.unclosed {
        return Err(Error::new(
            Code::BadFile,
            format!(
                "A quote opens in the row of headers, on line {}, and never closes: it takes in the rest of the file.",
                first.line
            ),
        ));
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(Format {
        encoding: encoding.name().to_owned(),
        delimiter: char::from(delimiter),
        header,
        announced: announcement.is_some(),
    })
}

fn named_delimiter(name: &str) -> Result<u8> {
    match name {
        "tab" | "\\t" | "\t" => Ok(b'\t'),
        _ => match name.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
            _ => Err(Error::new(Code::BadRequest, format!("`{name}` is not a delimiter; use `,` `;` `|` or `tab`."))),
        },
    }
}

fn sample(file: &mut (impl Read + Seek), encoding: &'static Encoding, delimiter: u8) -> Result<Vec<Row>> {
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut rows = Rows::new(file.take(SAMPLE_BYTES), encoding, delimiter);
    let mut sample = Vec::new();
    while sample.len() < SAMPLE_ROWS {
        match rows.next_row()? {
            // the sample may end inside the row
            Some(row) if row.unclosed && !sample.is_empty() => break,
            Some(row) => sample.push(row),
            None => break,
        }
    }
    Ok(sample)
}

fn announced_delimiter(rows: &[Row]) -> Option<u8> {
    match rows.first()?.cell(0)?.to_ascii_lowercase().strip_prefix("sep=")?.as_bytes() {
        [byte] => Some(*byte),
        _ => None,
    }
}

/// The delimiter that gives the most columns in the most rows; a comma if there is one column.
fn likeliest_delimiter(file: &mut (impl Read + Seek), encoding: &'static Encoding) -> Result<u8> {
    let mut best = (0.0, b',');
    for delimiter in DELIMITERS {
        // with a wrong delimiter a row may exceed the limits
        let Ok(rows) = sample(file, encoding, *delimiter) else { continue };
        let Some(columns) = rows.first().map(Row::len) else { continue };
        let alike = rows.iter().filter(|row| row.len() == columns).count() as f64 / rows.len() as f64;
        let score = alike * (columns as f64).ln();
        if score > best.0 {
            best = (score, *delimiter);
        }
    }
    Ok(best.1)
}

/// The first row contains headers if one of its cells is the name of a field, or none of them looks like a value.
fn is_header(row: &Row, known: impl Fn(&str) -> bool) -> bool {
    let looks_like_value = |cell: &str| {
        cell.contains('@')
            || cell.len() > 100
            || (cell.contains(|c: char| c.is_ascii_digit()) && !cell.contains(char::is_alphabetic))
    };
    row.cells().any(known) || !row.cells().any(|cell| looks_like_value(cell.trim()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn detected(text: &[u8]) -> Format {
        detect(&mut Cursor::new(text), &FormatChoice::default(), |cell| cell == "name").unwrap()
    }

    #[test]
    fn finds_the_delimiter() {
        for (text, wanted) in [
            ("name,city\na,b\n", ','),
            ("name;city\n\"a;b, c, d\";1,5\nx, y, z;2,5\n", ';'),
            ("name\tcity, or town\na\tb\n", '\t'),
            ("name|city\na|b,c\n", '|'),
            ("name\nanna\n", ','),
        ] {
            assert_eq!(detected(text.as_bytes()).delimiter, wanted, "{text}");
        }
    }

    #[test]
    fn an_announced_delimiter_counts() {
        let text = b"sep=;\r\nname;city\r\na;b\r\n";
        let format = detected(text);
        assert_eq!((format.delimiter, format.announced, format.header), (';', true, true));
        let row = format.rows(&text[..]).unwrap().next_row().unwrap().unwrap();
        assert_eq!((row.line, row.len()), (2, 2));
    }

    #[test]
    fn finds_the_header() {
        assert!(detected(b"name,2024\na,b\n").header);
        assert!(detected(b"Vorname,Stadt\na,b\n").header);
        assert!(!detected(b"Anna,anna@example.com\nBob,bob@example.com\n").header);
        assert!(!detected(b"Anna,+33 1 49 70 65 65\n").header);
    }

    #[test]
    fn the_caller_decides() {
        let choice = FormatChoice {
            encoding: Some("latin1".to_owned()),
            delimiter: Some("tab".to_owned()),
            header: Some(false),
        };
        let format = detect(&mut Cursor::new(b"name;a\n"), &choice, |_| true).unwrap();
        assert_eq!((format.encoding.as_str(), format.delimiter, format.header), ("windows-1252", '\t', false));
        for (encoding, delimiter) in [(Some("klingon"), None), (None, Some("ab")), (None, Some("\""))] {
            let choice = FormatChoice {
                encoding: encoding.map(str::to_owned),
                delimiter: delimiter.map(str::to_owned),
                header: None,
            };
            let error = detect(&mut Cursor::new(b"name;a\n"), &choice, |_| true).unwrap_err();
            assert_eq!(error.code(), Code::BadRequest);
        }
    }

    #[test]
    fn a_file_of_blank_lines_has_no_rows() {
        let error = detect(&mut Cursor::new(b"\n\n"), &FormatChoice::default(), |_| true).unwrap_err();
        assert_eq!(error.code(), Code::BadFile);
    }

    #[test]
    fn headers_with_an_open_quote_are_refused() {
        let open = |bytes: &[u8]| detect(&mut Cursor::new(bytes), &FormatChoice::default(), |text| text == "name");
        let error = open(b"\nname,\"city\nAda,Oran\nBob,Paris\n").unwrap_err();
        assert!(error.code() == Code::BadFile && error.message().contains("line 2"), "{}", error.message());
        assert!(open(b"name,\"the\ncity\"\nAda,Oran\n").is_ok());
    }

    #[test]
    fn northwind_in_spite_of_its_faults() {
        let file = std::fs::read("../tests/data/northwind-customers.csv").unwrap();
        let format = detected(&file);
        assert_eq!((format.encoding.as_str(), format.delimiter, format.header), ("UTF-8", ',', true));
    }
}
