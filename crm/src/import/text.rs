//! Converts a file to clean UTF-8 with one kind of line end, so that lines are counted as an editor shows them. Invalid
//! bytes become bytes that are not UTF-8; the row reader finds them in their row.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

const CHUNK: usize = 64 * 1024;
/// A byte that does not appear in UTF-8: it marks what the file's encoding does not allow.
const BROKEN: u8 = 0xff;

/// Reads and decodes a file, with `\n` after every line, including the last.
pub(super) struct Text<R> {
    file: R,
    /// `None` if the bytes are UTF-8 already.
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    clean: Vec<u8>,
    /// How much of `clean` was returned.
    taken: usize,
    started: bool,
    ended: bool,
    /// The last byte read so far.
    last: u8,
    /// Whether the bytes read so far end in `\r`.
    after_return: bool,
}

impl<R: Read> Text<R> {
    /// Reads from the start of a file.
    pub(super) fn new(file: R, encoding: &'static Encoding) -> Self {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        Self {
            file,
            decoder,
            raw: vec![0; CHUNK],
            clean: Vec::with_capacity(CHUNK * 2),
            taken: 0,
            started: false,
            ended: false,
            last: b'\n',
            after_return: false,
        }
    }

    /// What can be read without waiting for the file; empty at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        while self.taken == self.clean.len() && !self.ended {
            self.clean.clear();
            self.taken = 0;
            let read = self.read_chunk()?;
            self.decode(read);
            self.unify_line_ends();
            if read == 0 {
                self.end();
            }
        }
        Ok(&self.clean[self.taken..])
    }

    /// Marks bytes of [`Text::fill`] as used.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.taken += bytes;
    }

    fn read_chunk(&mut self) -> io::Result<usize> {
        let mut read = 0;
        // the mark at the start must be read as a whole
        while read < 4 {
            match self.file.read(&mut self.raw[read..]) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn decode(&mut self, read: usize) {
        let Some(decoder) = &mut self.decoder else {
            let raw = &self.raw[..read];
            let raw = if self.started { raw } else { raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw) };
            self.started = true;
            self.clean.extend_from_slice(raw);
            return;
        };
        let mut rest = &self.raw[..read];
        let mut used = 0;
        loop {
            let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(CHUNK) + 16;
            self.clean.resize(used + room, 0);
            let (result, eaten, written) =
                decoder.decode_to_utf8_without_replacement(rest, &mut self.clean[used..], read == 0);
            used += written;
            rest = &rest[eaten..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.clean[used] = BROKEN;
                    used += 1;
                }
            }
        }
        self.clean.truncate(used);
    }

    /// Turns `\r\n` and a lone `\r` into `\n`, also if a pair is split between two chunks.
    fn unify_line_ends(&mut self) {
        if self.after_return || self.clean.contains(&b'\r') {
            let mut to = 0;
            for from in 0..self.clean.len() {
                let byte = self.clean[from];
                let second_half = byte == b'\n' && self.after_return;
                self.after_return = byte == b'\r';
                if !second_half {
                    self.clean[to] = if byte == b'\r' { b'\n' } else { byte };
                    to += 1;
                }
            }
            self.clean.truncate(to);
        }
        self.last = self.clean.last().copied().unwrap_or(self.last);
    }

    fn end(&mut self) {
        self.ended = true;
        if self.last != b'\n' {
            self.clean.push(b'\n');
        }
    }
}
