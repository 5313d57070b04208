//! The refused rows, unchanged, each behind the reason: to be corrected and imported again. The file is sealed with the
//! tenant's key; its length is counted as on disk.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use tenants::{
    error::{Code, Error, Result},
    keys::DataKeys,
    sealed::{Sealer, Unsealed},
};

use super::{
    complaint::{Complaint, Reason},
    rows::Row,
};

/// The columns before the file's own. They come first, so that a row with a column too many does not move them.
pub(super) const COLUMNS: [&str; 4] = ["line", "column", "value", "reason"];

/// Whether these are the headers of an errors file, which has [`COLUMNS`] before its own.
pub(super) fn is_errors_file<'a>(mut headers: impl Iterator<Item = &'a str>) -> bool {
    COLUMNS.iter().all(|column| headers.next() == Some(*column))
}

/// The purpose that errors files are sealed for.
pub(super) const PURPOSE: &str = "import errors";

/// Reads an errors file of which `length` bytes are committed; `None` if there is none.
///
/// # Errors
/// `STORAGE_FULL` if it cannot be read from the disk.
pub(super) fn open(path: &Path, key: &DataKeys, length: u64) -> Result<Option<impl Read + Send + use<>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(Unsealed::growing(file.take(length), key, PURPOSE))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(Code::StorageFull, "The errors file cannot be read.").caused_by(error)),
    }
}

/// An errors file that is being written.
pub(super) struct ErrorsFile {
    path: PathBuf,
    key: DataKeys,
    delimiter: u8,
    headers: Vec<String>,
    /// Number of columns before the file's own, if the imported file is itself an errors file.
    skip: usize,
    /// Bytes that belong to committed batches.
    length: u64,
}

impl ErrorsFile {
    /// An errors file of which `length` bytes are committed. What a crashed process wrote after them is dropped with
    /// the next rows.
    pub(super) fn new(
        path: PathBuf,
        key: &DataKeys,
        delimiter: u8,
        headers: Vec<String>,
        skip: usize,
        length: u64,
    ) -> Self {
        Self { path, key: key.clone(), delimiter, headers, skip, length }
    }

    /// Appends rows and returns the new length of the file. They count only after [`ErrorsFile::keep`].
    ///
    /// # Errors
    /// `STORAGE_FULL` if they cannot be written to the disk.
    pub(super) fn append<'a>(
        &self,
        rows: impl Iterator<Item = (&'a Row, &'a [Complaint])>,
        language: &str,
    ) -> Result<u64> {
        let mut text = csv::WriterBuilder::new().flexible(true).delimiter(self.delimiter).from_writer(Vec::new());
        if self.length == 0 {
            let headers = COLUMNS.iter().copied().chain(self.headers.iter().map(String::as_str));
            text.write_record(headers).map_err(Error::internal)?;
        }
        let mut any = false;
        for (row, complaints) in rows {
            any = true;
            let joined = |part: fn(&Complaint) -> &str| {
                let parts: Vec<&str> = complaints.iter().map(part).filter(|part| !part.is_empty()).collect();
                parts.join("; ")
            };
            let reasons: Vec<_> = complaints.iter().map(|complaint| sentence(&complaint.reason, language)).collect();
            let front = [row.line.to_string(), joined(|c| &c.column), joined(|c| &c.value), reasons.join(" ")];
            let cells = row.cells().skip(self.skip);
            text.write_record(front.iter().map(String::as_str).chain(cells)).map_err(Error::internal)?;
        }
        if !any {
            return Ok(self.length);
        }
        let bytes = text.into_inner().map_err(|error| Error::internal(error.into_error()))?;
        let mut sealer = Sealer::new(&self.key, PURPOSE, self.length);
        let sealed = [sealer.push(&bytes)?, sealer.flush()?].concat();
        self.write(&sealed).map_err(|error| {
            Error::new(Code::StorageFull, "The errors file cannot be written; is the disk full?").caused_by(error)
        })?;
        Ok(self.length + sealed.len() as u64)
    }

    /// The last rows are committed.
    pub(super) fn keep(&mut self, length: u64) {
        self.length = length;
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = private(&self.path)?;
        file.set_len(self.length)?;
        file.seek(SeekFrom::Start(self.length))?;
        file.write_all(bytes)?;
        file.sync_data()
    }
}

/// A reason that others may follow.
fn sentence(reason: &Reason, language: &str) -> String {
    let message = reason.message(language);
    if message.ends_with('.') { message.into_owned() } else { format!("{message}.") }
}

/// Cuts a file to its committed length: what a stopped process wrote after it was never committed.
///
/// # Errors
/// `STORAGE_FULL` if the file cannot be changed.
pub(super) fn cut(path: &Path, length: u64) -> Result<()> {
    let cut = match OpenOptions::new().write(true).open(path) {
        Ok(_) if length == 0 => std::fs::remove_file(path),
        Ok(file) => file.set_len(length),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    cut.map_err(|error| Error::new(Code::StorageFull, "The errors file cannot be written.").caused_by(error))
}

/// Opens a file that only this user may read, because it holds personal data.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;
    use entities::ids::TenantId;
    use tenants::{Issue, keys::MasterKeys};

    use super::*;
    use crate::import::rows::Rows;

    fn rows(text: &str) -> Vec<Row> {
        let mut rows = Rows::new(text.as_bytes(), UTF_8, b';');
        std::iter::from_fn(|| rows.next_row().unwrap()).collect()
    }

    #[test]
    fn says_what_is_wrong_in_front_of_the_row_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("errors.csv");
        let headers = vec!["a".to_owned(), "b".to_owned()];
        let (master, tenant) = (MasterKeys::from_hex(&"ab".repeat(32)).unwrap(), TenantId::new());
        let key = DataKeys::open(&master, tenant, &master.first_keys(tenant).unwrap()).unwrap();
        let mut file = ErrorsFile::new(path.clone(), &key, b';', headers, 0, 0);
        let source = rows("a;b\n1;\"x;\"\"y\"\"\n\nz\"\n2;3;4\n");
        let wrong = [Complaint {
            column: String::new(),
            value: String::new(),
            reason: Reason::Columns { found: 3, expected: 2 },
        }];
        let length = file.append([(&source[2], &wrong[..])].into_iter(), "en").unwrap();
        // a killed process: the next one does not know this row
        let complaint = |column: &str, reason| Complaint { column: column.to_owned(), value: String::new(), reason };
        let issue = Reason::Issue(Issue::WrongType("a date like 2026-03-01".into()));
        let odd = [Complaint { value: "x".to_owned(), ..complaint("b", issue) }, complaint("a", Reason::NoSuchRecord)];
        let again = file.append([(&source[1], &odd[..]), (&source[2], &wrong[..])].into_iter(), "en").unwrap();
        assert!(again > length);
        file.keep(again);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), again);
        let mut text = String::new();
        open(&path, &key, again).unwrap().unwrap().read_to_string(&mut text).unwrap();
        let written = rows(&text);
        assert!(is_errors_file(written[0].cells()));
        let cells = |row: &Row| row.cells().map(str::to_owned).collect::<Vec<_>>();
        let reason = "Not accepted; expected: a date like 2026-03-01. There is no such record.";
        assert_eq!(cells(&written[1])[..4], ["2", "b; a", "x", reason]);
        assert_eq!(cells(&written[1])[4..], ["1", "x;\"y\"\n\nz"]);
        assert_eq!(cells(&written[2])[0], "5");
        assert_eq!(cells(&written[2])[4..], ["2", "3", "4"]);
        assert!(written.iter().all(|row| row.len() >= 6));
        cut(&path, length).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
        cut(&path, 0).unwrap();
        cut(&path, 0).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn other_tables_are_none() {
        assert!(!is_errors_file(["line", "column", "value"].into_iter()));
        assert!(!is_errors_file(["line", "column", "value", "name"].into_iter()));
    }
}
