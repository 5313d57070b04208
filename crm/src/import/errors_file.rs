//! The refused rows, unchanged, each behind the reason: to be corrected and imported again. The file is stored in parts,
//! one for each batch that refused rows, because files of a store cannot be written on.

use std::{collections::HashMap, fmt, pin::pin};

use bytes::Bytes;
use entities::ids::RunId;
use files::Files;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tenants::{
    TenantDb,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{
    complaint::{Complaint, Reason},
    rows::Row,
    staging,
};

/// The columns before the file's own. They come first, so that a row with a column too many does not move them.
pub(super) const COLUMNS: [&str; 4] = ["line", "column", "value", "reason"];

/// Whether these are the headers of an errors file, which has [`COLUMNS`] before its own.
pub(super) fn is_errors_file<'a>(mut headers: impl Iterator<Item = &'a str>) -> bool {
    COLUMNS.iter().all(|column| headers.next() == Some(*column))
}

/// Reads the errors file of a run up to a part; `None` if it was deleted.
///
/// # Errors
/// `UNAVAILABLE`; in the stream also `BAD_FILE` for a damaged part.
pub(super) async fn open(
    files: &Files,
    run: RunId,
    last: Uuid,
) -> Result<Option<impl Stream<Item = Result<Bytes>> + Send + use<>>> {
    let folder = staging::errors(run);
    let mut names: HashMap<Uuid, Part> = HashMap::new();
    let mut entries = pin!(files.list(&folder));
    while let Some(entry) = entries.try_next().await? {
        let part = entry.name.rsplit('/').next().and_then(Part::parse);
        names.extend(part.map(|part| (part.id, part)));
    }
    // from the last to the first; what a killed process left is not among them
    let mut parts = Vec::new();
    let mut next = Some(last);
    while let Some(id) = next {
        let Some(part) = names.remove(&id) else { return Ok(None) };
        parts.push(format!("{folder}/{part}"));
        next = part.previous;
    }
    parts.reverse();
    let files = files.clone();
    let each = move |name: String| {
        let files = files.clone();
        async move { files.read(&name).await }
    };
    Ok(Some(stream::iter(parts).then(each).try_flatten()))
}

/// A part of an errors file: the refused rows of one batch. Its name says which part comes before it, so that a run's
/// progress need only hold the last. Parts of batches that were never committed are in no chain.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    id: Uuid,
    previous: Option<Uuid>,
}

impl Part {
    fn parse(name: &str) -> Option<Self> {
        let (id, previous) = match name.split_once('.') {
            Some((id, previous)) => (id, Some(Uuid::try_parse(previous).ok()?)),
            None => (name, None),
        };
        Some(Self { id: Uuid::try_parse(id).ok()?, previous })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        self.previous.map_or(Ok(()), |previous| write!(f, ".{previous}"))
    }
}

/// An errors file that is being written.
pub(super) struct ErrorsFile {
    files: Files,
    run: RunId,
    delimiter: u8,
    headers: Vec<String>,
    /// Number of columns before the file's own, if the imported file is itself an errors file.
    skip: usize,
    /// The last part that belongs to a committed batch.
    last: Option<Uuid>,
}

impl ErrorsFile {
    /// The errors file of a run, which continues after a part.
    pub(super) fn new(
        db: &TenantDb,
        run: RunId,
        delimiter: u8,
        headers: Vec<String>,
        skip: usize,
        last: Option<Uuid>,
    ) -> Self {
        Self { files: Files::of(db), run, delimiter, headers, skip, last }
    }

    /// The text of the next part; `None` without rows.
    ///
    /// # Errors
    /// None that a file causes.
    pub(super) fn text<'a>(
        &self,
        rows: impl Iterator<Item = (&'a Row, &'a [Complaint])>,
        language: &str,
    ) -> Result<Option<Vec<u8>>> {
        let mut text = csv::WriterBuilder::new().flexible(true).delimiter(self.delimiter).from_writer(Vec::new());
        if self.last.is_none() {
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
        let bytes = text.into_inner().map_err(|error| Error::internal(error.into_error()))?;
        Ok(any.then_some(bytes))
    }

    /// Stores the next part and returns its id. It counts only once the run's progress names it.
    ///
    /// # Errors
    /// `STORAGE_FULL`; `UNAVAILABLE` if the file store does not answer.
    pub(super) async fn store(&self, text: &[u8]) -> Result<Uuid> {
        let part = Part { id: Uuid::now_v7(), previous: self.last };
        self.files.put(&format!("{}/{part}", staging::errors(self.run)), text).await?;
        Ok(part.id)
    }

    /// The batch that this part belongs to is committed.
    pub(super) fn keep(&mut self, last: Option<Uuid>) {
        self.last = last;
    }
}

/// A reason that others may follow.
fn sentence(reason: &Reason, language: &str) -> String {
    let message = reason.message(language);
    if message.ends_with('.') { message.into_owned() } else { format!("{message}.") }
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;
    use tenants::{Issue, testing};

    use super::*;
    use crate::import::rows::Rows;

    fn rows(text: &str) -> Vec<Row> {
        let mut rows = Rows::new(text.as_bytes(), UTF_8, b';');
        std::iter::from_fn(|| rows.next_row().unwrap()).collect()
    }

    #[tokio::test]
    async fn says_what_is_wrong_in_front_of_the_row_as_it_was() {
        let (db, run) = (testing::space().await, RunId::new());
        let headers = vec!["a".to_owned(), "b".to_owned()];
        let mut file = ErrorsFile::new(&db, run, b';', headers, 0, None);
        let source = rows("a;b\n1;\"x;\"\"y\"\"\n\nz\"\n2;3;4\n");
        let wrong = [Complaint {
            column: String::new(),
            value: String::new(),
            reason: Reason::Columns { found: 3, expected: 2 },
        }];
        assert_eq!(file.text([].into_iter(), "en").unwrap(), None);
        let lost = file.text([(&source[2], &wrong[..])].into_iter(), "en").unwrap().unwrap();
        // a killed process: the next one does not know this row
        file.store(&lost).await.unwrap();
        let complaint = |column: &str, reason| Complaint { column: column.to_owned(), value: String::new(), reason };
        let issue = Reason::Issue(Issue::WrongType("a date like 2026-03-01".into()));
        let odd = [Complaint { value: "x".to_owned(), ..complaint("b", issue) }, complaint("a", Reason::NoSuchRecord)];
        for (row, complaints) in [(&source[1], &odd[..]), (&source[2], &wrong[..])] {
            let text = file.text([(row, complaints)].into_iter(), "en").unwrap().unwrap();
            let part = file.store(&text).await.unwrap();
            file.keep(Some(part));
        }
        let parts = open(&Files::of(&db), run, file.last.unwrap()).await.unwrap().unwrap();
        let parts: Vec<Bytes> = parts.try_collect().await.unwrap();
        let text = String::from_utf8(parts.concat()).unwrap();
        let written = rows(&text);
        assert!(is_errors_file(written[0].cells()));
        let cells = |row: &Row| row.cells().map(str::to_owned).collect::<Vec<_>>();
        let reason = "Not accepted; expected: a date like 2026-03-01. There is no such record.";
        assert_eq!(cells(&written[1])[..4], ["2", "b; a", "x", reason]);
        assert_eq!(cells(&written[1])[4..], ["1", "x;\"y\"\n\nz"]);
        assert_eq!(cells(&written[2])[0], "5");
        assert_eq!(cells(&written[2])[4..], ["2", "3", "4"]);
        assert!(written.iter().all(|row| row.len() >= 6));
        assert!(open(&Files::of(&db), run, Uuid::now_v7()).await.unwrap().is_none(), "a part is missing");
    }

    #[test]
    fn other_tables_are_none() {
        assert!(!is_errors_file(["line", "column", "value"].into_iter()));
        assert!(!is_errors_file(["line", "column", "value", "name"].into_iter()));
    }
}
