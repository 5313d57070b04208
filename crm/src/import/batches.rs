//! Reads a file into batches of rows in a separate thread, so that the next batch is parsed while one is written.

use std::collections::HashSet;

use records::fold::fold_v1;
use tenants::error::Result;
use tokio::sync::mpsc;

use super::{
    cells::{Cells, Reading},
    format::Format,
    rows::{Place, Row},
};

/// Most rows of a batch.
const ROWS: usize = 2_000;
/// A batch is full when its rows hold this much text.
const BYTES: usize = 4 * 1024 * 1024;
/// Batches that wait to be written.
const WAITING: usize = 1;

/// Rows that are written in one transaction.
pub(super) struct Batch {
    pub(super) readings: Vec<Reading>,
    /// Where the file continues after them.
    pub(super) place: Place,
}

/// The input of the reading thread.
pub(super) struct Source {
    pub(super) file: files::Reader,
    pub(super) format: Format,
    pub(super) cells: Cells,
    /// Where to continue; `None` at the start of the file.
    pub(super) place: Option<Place>,
    /// A column links to the object that is imported, so rows may refer to earlier rows.
    pub(super) self_linked: bool,
}

/// The batches as they are read. The thread ends when the receiver is dropped, or after an error.
pub(super) fn read(source: Source) -> mpsc::Receiver<Result<Batch>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read_all(source, &sender) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

fn read_all(source: Source, sender: &mpsc::Sender<Result<Batch>>) -> Result<()> {
    let mut rows = match source.place {
        Some(place) => {
            let mut rows = source.format.resumed(source.file);
            rows.resume(place)?;
            rows
        }
        None => {
            let mut rows = source.format.rows(source.file)?;
            if source.format.header {
                rows.next_row()?;
            }
            rows
        }
    };
    let mut filling = Filling::default();
    let mut before = rows.place();
    while let Some(row) = rows.next_row()? {
        let place = rows.place();
        if row.is_blank() {
            before = place;
            continue;
        }
        let reading = source.cells.read(row);
        if source.self_linked && filling.is_named_by(&reading) && !filling.send(before, sender) {
            return Ok(());
        }
        filling.add(reading, source.self_linked);
        before = place;
        if filling.is_full() && !filling.send(place, sender) {
            return Ok(());
        }
    }
    filling.send(before, sender);
    Ok(())
}

/// A batch that is being filled.
#[derive(Default)]
struct Filling {
    readings: Vec<Reading>,
    bytes: usize,
    /// The texts of its rows' cells, if later rows may refer to them.
    named: HashSet<String>,
}

impl Filling {
    fn add(&mut self, reading: Reading, remember: bool) {
        self.bytes += reading.row.size();
        if remember {
            self.named.extend(named(&reading.row));
        }
        self.readings.push(reading);
    }

    /// Whether a row links to a row of the batch, which must be written first.
    fn is_named_by(&self, reading: &Reading) -> bool {
        reading.links.iter().any(|link| self.named.contains(&fold_v1(&link.text)))
    }

    fn is_full(&self) -> bool {
        self.readings.len() >= ROWS || self.bytes >= BYTES
    }

    /// Sends the batch; false if nobody wants more.
    fn send(&mut self, place: Place, sender: &mpsc::Sender<Result<Batch>>) -> bool {
        let Self { readings, .. } = std::mem::take(self);
        readings.is_empty() || sender.blocking_send(Ok(Batch { readings, place })).is_ok()
    }
}

fn named(row: &Row) -> impl Iterator<Item = String> {
    row.cells().map(str::trim).filter(|cell| !cell.is_empty() && cell.len() <= 200).map(fold_v1)
}
