//! Reads a table row by row in constant memory, and knows the line of the file where each row begins.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use tenants::error::{Code, Error, Result};

use super::{encoding::unreadable, text::Text};

/// Largest row, in bytes of UTF-8.
pub(super) const MAX_ROW: usize = 1024 * 1024;
/// Most columns.
pub(super) const MAX_COLUMNS: usize = 500;

/// A row as in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// Line of the file where it begins, from 1.
    pub(super) line: u64,
    /// All cells, joined.
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<u32>,
    /// The cell that contained bytes that are not text; they are shown as U+FFFD.
    pub(super) broken: Option<usize>,
    /// A quote in it is never closed: it contains the rest of the file.
    pub(super) unclosed: bool,
}

impl Row {
    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell by its position.
    pub(super) fn cell(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        self.text.get(start..end)
    }

    /// All cells in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.cell(index).unwrap_or_default())
    }

    /// Bytes of text.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }

    /// Whether all cells are blank.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The rows of a file, in order. Blank lines are skipped, but counted.
pub(super) struct Rows<R> {
    text: Text<R>,
    parser: Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// Bytes of decoded text that the rows so far used.
    offset: u64,
}

/// A position between two rows, where another reader can continue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Bytes of decoded text before it.
    pub(super) offset: u64,
    /// Line of the file that begins there.
    pub(super) line: u64,
}

impl<R: Read> Rows<R> {
    /// Reads a file from its start. `delimiter` separates the cells; quotes are `"`.
    pub(super) fn new(file: R, encoding: &'static Encoding, delimiter: u8) -> Self {
        Self {
            text: Text::new(file, encoding),
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            cells: vec![0; 4096],
            ends: vec![0; 64],
            offset: 0,
        }
    }

    /// Where the next row begins, or the blank lines before it.
    pub(super) fn place(&self) -> Place {
        Place { offset: self.offset, line: self.parser.line() }
    }

    /// Continues at a position from a reader of the same file; only before the first row.
    ///
    /// # Errors
    /// `BAD_FILE` if the file cannot be read, or is shorter than it was.
    pub(super) fn resume(&mut self, place: Place) -> Result<()> {
        while self.offset < place.offset {
            let available = self.text.fill().map_err(unreadable)?.len();
            if available == 0 {
                return Err(Error::new(Code::BadFile, "The file has changed since the import began; start again."));
            }
            let step = available.min(usize::try_from(place.offset - self.offset).unwrap_or(usize::MAX));
            self.text.consume(step);
            self.offset += step as u64;
        }
        self.parser.set_line(place.line);
        Ok(())
    }

    /// The next row; `None` after the last one.
    ///
    /// # Errors
    /// `BAD_FILE` for a row beyond the limits, with its line: the rest of the file cannot be read reliably.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>> {
        let (mut length, mut count) = (0, 0);
        loop {
            let input = self.text.fill().map_err(unreadable)?;
            let at_end = input.is_empty();
            let (result, eaten, written, ended) =
                self.parser.read_record(input, &mut self.cells[length..], &mut self.ends[count..]);
            self.text.consume(eaten);
            self.offset += eaten as u64;
            length += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow(length)?,
                ReadRecordResult::OutputEndsFull => self.more_columns(length)?,
                ReadRecordResult::Record => return Ok(Some(self.row(length, count, at_end))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn row(&self, length: usize, count: usize, at_end: bool) -> Row {
        let bytes = &self.cells[..length];
        let line = self.first_line(bytes) - u64::from(!at_end);
        let ends: Vec<u32> = self.ends[..count].iter().map(|end| *end as u32).collect();
        // every line ends with a line end, so only an open quote reaches the end of the file
        let unclosed = at_end;
        match std::str::from_utf8(bytes) {
            Ok(text) => Row { line, text: text.to_owned(), ends, broken: None, unclosed },
            Err(_) => repaired(line, bytes, &self.ends[..count], unclosed),
        }
    }

    /// The line after the row, minus the lines inside it.
    fn first_line(&self, bytes: &[u8]) -> u64 {
        self.parser.line() - bytes.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    fn grow(&mut self, length: usize) -> Result<()> {
        if self.cells.len() >= MAX_ROW {
            let line = self.first_line(&self.cells[..length]);
            return Err(Error::new(
                Code::BadFile,
                format!("The row that begins on line {line} is longer than 1 MB. Is a quote not closed there?"),
            ));
        }
        self.cells.resize((self.cells.len() * 4).min(MAX_ROW), 0);
        Ok(())
    }

    fn more_columns(&mut self, length: usize) -> Result<()> {
        // twice the limit, so that a row with a few columns too many is an error of that row alone
        if self.ends.len() >= MAX_COLUMNS * 2 {
            let line = self.first_line(&self.cells[..length]);
            return Err(Error::new(
                Code::BadFile,
                format!("The row on line {line} has more than {MAX_COLUMNS} columns. Is this the right delimiter?"),
            ));
        }
        self.ends.resize((self.ends.len() * 4).min(MAX_COLUMNS * 2), 0);
        Ok(())
    }
}

/// A row with bytes that are not text: kept as far as it can be shown.
fn repaired(line: u64, bytes: &[u8], ends: &[usize], unclosed: bool) -> Row {
    let mut row = Row { line, unclosed, ..Row::default() };
    let mut start = 0;
    for (index, end) in ends.iter().enumerate() {
        let cell = &bytes[start..*end];
        if row.broken.is_none() && std::str::from_utf8(cell).is_err() {
            row.broken = Some(index);
        }
        row.text.push_str(&String::from_utf8_lossy(cell));
        row.ends.push(row.text.len() as u32);
        start = *end;
    }
    row
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

    use super::*;

    /// Returns one byte at a time, so that everything that can be cut is cut.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn all(bytes: &[u8], encoding: &'static Encoding) -> Vec<(u64, Vec<String>)> {
        let mut rows = Rows::new(bytes, encoding, b',');
        let whole = drain(&mut rows);
        assert_eq!(whole, drain(&mut Rows::new(Trickle(bytes), encoding, b',')));
        whole
    }

    fn drain<R: Read>(rows: &mut Rows<R>) -> Vec<(u64, Vec<String>)> {
        let mut all = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            all.push((row.line, row.cells().map(str::to_owned).collect()));
        }
        all
    }

    fn expect(rows: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
        rows.iter().map(|(line, cells)| (*line, cells.iter().map(|cell| (*cell).to_owned()).collect())).collect()
    }

    #[test]
    fn counts_the_lines_an_editor_shows() {
        let wanted = expect(&[(1, &["a", "b"]), (2, &["1", "x\ny\n\nz"]), (6, &["2", ""]), (9, &["3", "end"])]);
        let text = "a,b\n1,\"x\ny\n\nz\"\n2,\n\n\n3,end";
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(all(text.replace('\n', end).as_bytes(), UTF_8), wanted, "{end:?}");
            let closed = format!("{text}\n").replace('\n', end);
            assert_eq!(all(closed.as_bytes(), UTF_8), wanted, "{end:?}");
        }
    }

    #[test]
    fn reads_every_encoding_alike() {
        let text = "pr\u{e9}nom,ville\n\"Zo\u{eb}, dite \"\"Z\"\"\",Orl\u{e9}ans\n";
        let wanted = expect(&[(1, &["pr\u{e9}nom", "ville"]), (2, &["Zo\u{eb}, dite \"Z\"", "Orl\u{e9}ans"])]);
        assert_eq!(all(text.as_bytes(), UTF_8), wanted);
        assert_eq!(all(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), UTF_8), wanted);
        assert_eq!(all(&WINDOWS_1252.encode(text).0, WINDOWS_1252), wanted);
        let wide = |mark: &[u8], order: fn(u16) -> [u8; 2]| {
            [mark.to_vec(), text.encode_utf16().flat_map(order).collect()].concat()
        };
        assert_eq!(all(&wide(b"\xff\xfe", u16::to_le_bytes), UTF_16LE), wanted);
        assert_eq!(all(&wide(b"", u16::to_le_bytes), UTF_16LE), wanted);
        assert_eq!(all(&wide(b"\xfe\xff", u16::to_be_bytes), UTF_16BE), wanted);
    }

    #[test]
    fn nothing_and_headers_alone() {
        assert!(all(b"", UTF_8).is_empty());
        assert!(all(b"\n\r\n\n", UTF_8).is_empty());
        assert_eq!(all(b"a,b", UTF_8), expect(&[(1, &["a", "b"])]));
    }

    #[test]
    fn broken_text_is_found_in_its_row_and_cell() {
        let mut rows = Rows::new(&b"a,b\n1,ok\n2,\xc3\x28x\n3,ok\n"[..], UTF_8, b',');
        let found: Vec<Row> = std::iter::from_fn(|| rows.next_row().unwrap()).collect();
        assert_eq!(found[2].broken, Some(1));
        assert_eq!((found[2].line, found[2].cell(1)), (3, Some("\u{fffd}(x")));
        assert!(found.iter().filter(|row| row.broken.is_some()).count() == 1);
        let lone_surrogate = [b"\xff\xfea\0\n\0".as_slice(), b"\x00\xd8b\0\n\0"].concat();
        let mut rows = Rows::new(lone_surrogate.as_slice(), UTF_16LE, b',');
        let found: Vec<Row> = std::iter::from_fn(|| rows.next_row().unwrap()).collect();
        assert_eq!((found[1].line, found[1].broken), (2, Some(0)));
    }

    #[test]
    fn an_open_quote_is_noticed() {
        let mut rows = Rows::new(&b"a,b\n1,\"x\n2,y\n"[..], UTF_8, b',');
        assert!(!rows.next_row().unwrap().unwrap().unclosed);
        let row = rows.next_row().unwrap().unwrap();
        assert_eq!((row.line, row.unclosed), (2, true));
        assert_eq!(rows.next_row().unwrap(), None);
    }

    #[test]
    fn another_reader_goes_on_where_one_stopped() {
        let text = "a\r\n1\r\n\r\n\"x\r\ny\"\r\n3\r\n".repeat(5000);
        let encodings: [(&Encoding, Vec<u8>); 2] =
            [(UTF_8, text.clone().into_bytes()), (UTF_16LE, text.encode_utf16().flat_map(u16::to_le_bytes).collect())];
        for (encoding, bytes) in encodings {
            let mut rows = Rows::new(bytes.as_slice(), encoding, b',');
            for _ in 0..9_999 {
                rows.next_row().unwrap();
            }
            let place = rows.place();
            let mut other = Rows::new(bytes.as_slice(), encoding, b',');
            other.resume(place).unwrap();
            for _ in 0..20 {
                assert_eq!(rows.next_row().unwrap(), other.next_row().unwrap());
            }
            let mut short = Rows::new(&b"a\n"[..], encoding, b',');
            assert!(short.resume(place).is_err());
        }
    }

    #[test]
    fn rows_have_limits() {
        let long = format!("a\n1\n\"{}", "x\n".repeat(MAX_ROW));
        let mut rows = Rows::new(long.as_bytes(), UTF_8, b',');
        rows.next_row().unwrap();
        rows.next_row().unwrap();
        let error = rows.next_row().unwrap_err();
        assert!(error.message().contains("line 3 "), "{}", error.message());
        let wide = format!("a\n{}\n", ",".repeat(5 * MAX_COLUMNS));
        let mut rows = Rows::new(wide.as_bytes(), UTF_8, b',');
        rows.next_row().unwrap();
        let error = rows.next_row().unwrap_err();
        assert!(error.message().contains("line 2 "), "{}", error.message());
    }

    #[test]
    fn northwind_rows_with_a_comma_too_many_are_told_by_their_line() {
        let file = std::fs::read("../tests/data/northwind-customers.csv").unwrap();
        let rows = all(&file, UTF_8);
        assert_eq!(rows.len(), 92);
        let bad: Vec<u64> = rows.iter().filter(|(_, cells)| cells.len() != 11).map(|(line, _)| *line).collect();
        let lines: Vec<u64> = std::str::from_utf8(&file)
            .unwrap()
            .lines()
            .enumerate()
            .filter(|(_, line)| line.matches(',').count() != 10)
            .map(|(index, _)| index as u64 + 1)
            .collect();
        assert_eq!(bad.len(), 24);
        assert_eq!(bad, lines);
    }
}
