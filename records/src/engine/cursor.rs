//! Cursors: the position of a record in an order. They are opaque to clients and bound to the list they came from.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::ids::{FieldId, ObjectId};
use tenants::error::{Code, Error, Result};
use uuid::Uuid;

use crate::{filter::Filter, values::Value};

use super::{Archived, Order};

/// First byte, changed with the format.
const FORMAT: u8 = 1;

/// A position in an order: the values of its keys, and the record as tie-break.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Position {
    pub keys: Vec<Value>,
    pub id: Uuid,
}

/// Identifies the list that a cursor belongs to. It is the same in every process, because a client may continue at
/// another one.
pub(super) fn fingerprint(
    object: ObjectId,
    relation: Option<FieldId>,
    order: &[Order],
    archived: Archived,
    filter: Option<&Filter>,
) -> Result<u64> {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.add(object.0.as_bytes());
    hash.add(relation.map_or(Uuid::nil(), |field| field.0).as_bytes());
    for key in order {
        hash.add(key.field.0.as_bytes());
        hash.add(&[u8::from(key.descending)]);
    }
    hash.add(&[archived as u8]);
    if let Some(filter) = filter {
        serde_json::to_writer(&mut hash, filter).map_err(Error::internal)?;
    }
    Ok(hash.0)
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl std::io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) fn encode(fingerprint: u64, keys: &[Value], id: Uuid) -> String {
    let mut bytes = Vec::with_capacity(25 + keys.len() * 16);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&fingerprint.to_be_bytes());
    bytes.extend_from_slice(id.as_bytes());
    for key in keys {
        match key {
            Value::Int(value) => {
                bytes.push(b'i');
                bytes.extend_from_slice(&value.to_be_bytes());
            }
            Value::Bool(value) => bytes.push(if *value { b't' } else { b'f' }),
            Value::Text(value) => {
                bytes.push(b's');
                // a column holds far less than 4 GB
                bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
                bytes.extend_from_slice(value.as_bytes());
            }
            _ => bytes.push(b'n'),
        }
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a cursor.
///
/// # Errors
/// `BAD_CURSOR` if it is damaged or belongs to another list.
pub(super) fn decode(cursor: &str, fingerprint: u64) -> Result<Position> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::of(Code::BadCursor))?;
    parse(&bytes, fingerprint).ok_or_else(|| Error::of(Code::BadCursor))
}

fn parse(mut rest: &[u8], fingerprint: u64) -> Option<Position> {
    if take::<1>(&mut rest)? != [FORMAT] || u64::from_be_bytes(take(&mut rest)?) != fingerprint {
        return None;
    }
    let id = Uuid::from_bytes(take(&mut rest)?);
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let [tag] = take(&mut rest)?;
        keys.push(match tag {
            b'n' => Value::Null,
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'i' => Value::Int(i64::from_be_bytes(take(&mut rest)?)),
            b's' => {
                let length = usize::try_from(u32::from_be_bytes(take(&mut rest)?)).ok()?;
                let (text, after) = rest.split_at_checked(length)?;
                rest = after;
                Value::Text(std::str::from_utf8(text).ok()?.to_owned())
            }
            _ => return None,
        });
    }
    Some(Position { keys, id })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let keys = vec![
            Value::Null,
            Value::Int(i64::MIN),
            Value::Text("é\"".to_owned()),
            Value::Bool(true),
            Value::Text(String::new()),
        ];
        let id = Uuid::now_v7();
        let cursor = encode(7, &keys, id);
        assert_eq!(decode(&cursor, 7).unwrap(), Position { keys, id });
    }

    #[test]
    fn another_list_or_broken_is_refused() {
        let cursor = encode(7, &[Value::Text("abc".to_owned())], Uuid::now_v7());
        assert_eq!(decode(&cursor, 8).unwrap_err().code(), Code::BadCursor);
        for end in 0..cursor.len() {
            assert_eq!(decode(&cursor[..end], 7).map(|p| p.keys.len()).unwrap_or(0), 0, "{end}");
        }
        for text in ["", "é", "AAAA", "====", &format!("{cursor}A")] {
            assert_eq!(decode(text, 7).unwrap_err().code(), Code::BadCursor, "{text}");
        }
    }

    #[test]
    fn names_object_order_filter_and_archive() {
        let object = ObjectId::new();
        let (a, b) = (FieldId::new(), FieldId::new());
        let up = |field| Order { field, descending: false };
        let filter = Filter::And(Vec::new());
        let all = [
            fingerprint(object, None, &[], Archived::Exclude, None).unwrap(),
            fingerprint(ObjectId::new(), None, &[], Archived::Exclude, None).unwrap(),
            fingerprint(object, Some(a), &[], Archived::Exclude, None).unwrap(),
            fingerprint(object, None, &[up(a)], Archived::Exclude, None).unwrap(),
            fingerprint(object, None, &[up(b)], Archived::Exclude, None).unwrap(),
            fingerprint(object, None, &[Order { descending: true, ..up(a) }], Archived::Exclude, None).unwrap(),
            fingerprint(object, None, &[up(a)], Archived::Include, None).unwrap(),
            fingerprint(object, None, &[up(a)], Archived::Exclude, Some(&filter)).unwrap(),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[i + 1..].contains(one));
        }
    }
}
