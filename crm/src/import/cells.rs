//! Turns the cells of a row into values of a record.

use std::sync::Arc;

use entities::ids::FieldId;
use records::{
    catalog::{Cardinality, Catalog, Field, FieldKind, Object},
    engine::Draft,
    values::{self, Locale, Value, Warning, country, limits},
};
use tenants::Issue;

use super::{
    complaint::{Complaint, Reason},
    mapping::Mapping,
    rows::Row,
};

/// Texts that mean "no value".
const NOTHING: &str = "NULL";

/// Reads rows with a mapping.
pub(super) struct Cells {
    columns: Vec<Option<Filled>>,
    /// Cells before the first column of the mapping: the columns that an errors file puts first.
    skip: usize,
    /// The column with the country of a phone number.
    country: Option<usize>,
    locale: Locale,
    catalog: Arc<Catalog>,
}

struct Filled {
    field: Field,
    header: String,
}

/// A row as values, with its errors and warnings.
pub(super) struct Reading {
    pub(super) row: Row,
    pub(super) draft: Draft,
    /// Links, as the text that names their target.
    pub(super) links: Vec<Link>,
    pub(super) complaints: Vec<Complaint>,
    pub(super) warnings: Vec<Notice>,
}

/// A link whose target has not been looked up yet.
pub(super) struct Link {
    pub(super) column: usize,
    pub(super) field: FieldId,
    pub(super) text: String,
    /// One of several targets of the field.
    pub(super) many: bool,
}

/// A warning about a cell that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notice {
    pub(super) column: String,
    pub(super) value: String,
    pub(super) warning: Warning,
}

impl Cells {
    /// A reader for the rows of one file. The first `skip` cells belong to no column.
    pub(super) fn new(catalog: Arc<Catalog>, object: &Object, mapping: &Mapping, skip: usize, locale: Locale) -> Self {
        let by_id = |id: FieldId| object.fields.iter().find(|field| field.id == id);
        let columns: Vec<Option<Filled>> = mapping
            .0
            .iter()
            .map(|column| {
                let field = column.field.and_then(by_id)?.clone();
                Some(Filled { field, header: column.header.clone() })
            })
            .collect();
        let is_country = |column: &Option<Filled>| {
            column.as_ref().is_some_and(|filled| object.standard("country").is_some_and(|it| it.id == filled.field.id))
        };
        let country = columns.iter().position(is_country);
        Self { columns, skip, country, locale, catalog }
    }

    /// The cell of a column of the mapping.
    pub(super) fn cell<'a>(&self, row: &'a Row, column: usize) -> &'a str {
        row.cell(column + self.skip).unwrap_or_default()
    }

    /// Reads a row. An incomplete row is refused as a whole: its cells would end up in the wrong fields.
    pub(super) fn read(&self, row: Row) -> Reading {
        let mut reading =
            Reading { row, draft: Draft::default(), links: Vec::new(), complaints: Vec::new(), warnings: Vec::new() };
        if let Some(complaint) = self.damage(&reading.row) {
            reading.complaints.push(complaint);
            return reading;
        }
        let country = self.country.and_then(|index| country::alpha2(self.cell(&reading.row, index)));
        let abroad = country
            .filter(|code| *code != self.locale.country)
            .map(|code| Locale { country: code.to_owned(), ..self.locale.clone() });
        for (index, filled) in self.columns.iter().enumerate() {
            let Some(filled) = filled else { continue };
            let text = reading.row.cell(index + self.skip).unwrap_or_default();
            if text.is_empty() || text == NOTHING || text.trim().is_empty() {
                continue;
            }
            match &filled.field.kind {
                FieldKind::Relation(relation) => {
                    let many = relation.cardinality == Cardinality::ManyToMany;
                    let texts: Vec<String> = references(text, many).map(str::to_owned).collect();
                    reading.link(index, filled, texts, many);
                }
                FieldKind::Link { .. } => {
                    let value = values::target_from_text(&self.catalog, &filled.field, text).map(|value| (value, None));
                    let text = text.to_owned();
                    reading.accept(filled, text, value);
                }
                kind => {
                    let dialled = *kind == FieldKind::Phone;
                    let locale = abroad.as_ref().filter(|_| dialled).unwrap_or(&self.locale);
                    let text = text.to_owned();
                    let value = values::from_text(&filled.field, &text, locale);
                    reading.accept(filled, text, value);
                }
            }
        }
        reading
    }

    /// What makes a whole row unreadable.
    fn damage(&self, row: &Row) -> Option<Complaint> {
        let expected = self.columns.len() + self.skip;
        let whole = |reason| Some(Complaint { column: String::new(), value: String::new(), reason });
        if row.unclosed {
            return whole(Reason::Unclosed);
        }
        if row.len() != expected {
            return whole(Reason::Columns {
                found: row.len() - self.skip.min(row.len()),
                expected: expected - self.skip,
            });
        }
        let broken = row.broken?;
        let header = broken.checked_sub(self.skip).and_then(|index| self.columns.get(index)?.as_ref());
        Some(Complaint {
            column: header.map(|filled| filled.header.clone()).unwrap_or_default(),
            value: row.cell(broken).unwrap_or_default().to_owned(),
            reason: Reason::Broken,
        })
    }
}

/// The texts in a cell that name records. Several are separated by `|`, or else by `;`. A comma does not separate,
/// because names contain commas.
fn references(cell: &str, many: bool) -> impl Iterator<Item = &str> {
    let separator = if cell.contains('|') { '|' } else { ';' };
    let texts = cell.split(move |c| many && c == separator);
    texts.map(str::trim).filter(|text| !text.is_empty())
}

impl Reading {
    fn link(&mut self, column: usize, filled: &Filled, texts: Vec<String>, many: bool) {
        if texts.len() > limits::LINKS {
            let (column, value) = (filled.header.clone(), format!("{} …", texts[..3].join("; ")));
            let reason = Reason::Issue(Issue::TooLarge(limits::LINKS.to_string()));
            self.complaints.push(Complaint { column, value, reason });
            return;
        }
        let field = filled.field.id;
        self.links.extend(texts.into_iter().map(|text| Link { column, field, text, many }));
    }

    fn accept(&mut self, filled: &Filled, text: String, value: Result<(Value, Option<Warning>), Issue>) {
        match value {
            Ok((Value::Null, _)) => {}
            Ok((value, warning)) => {
                if let Some(warning) = warning {
                    self.warnings.push(Notice { column: filled.header.clone(), value: text, warning });
                }
                self.draft.values.push((filled.field.id, value));
            }
            Err(issue) => {
                let reason = Reason::Issue(issue);
                self.complaints.push(Complaint { column: filled.header.clone(), value: text, reason });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use encoding_rs::UTF_8;
    use entities::ids::ObjectId;
    use records::catalog::Origin;

    use super::*;
    use crate::import::{mapping, rows::Rows};

    fn read(text: &str, skip: usize) -> Vec<Reading> {
        let id = ObjectId::new();
        let field = |name: &str, kind: FieldKind| Field {
            origin: Origin::Standard,
            ..Field::new(FieldId::new(), id, name, name, kind)
        };
        let fields = vec![
            field("firstName", FieldKind::Text),
            field("email", FieldKind::Email),
            field("phone", FieldKind::Phone),
            field("country", FieldKind::Text),
            field("birthDate", FieldKind::Date),
        ];
        let object = Object::new(id, "customer", "customers", "o1", Origin::Standard).with_fields(fields);
        let mut rows = Rows::new(text.as_bytes(), UTF_8, b',');
        let first = rows.next_row().unwrap().unwrap();
        let headers = mapping::headers(first.cells().skip(skip));
        let locale = Locale {
            country: "DZ".to_owned(),
            time_zone: "Africa/Algiers".parse().unwrap(),
            currency: *b"DZD",
            language: "fr".to_owned(),
            rates: BTreeMap::new(),
        };
        let catalog = Arc::new(Catalog::new(0, Vec::new()));
        let cells = Cells::new(catalog, &object, &mapping::suggest(&object, &headers), skip, locale);
        std::iter::from_fn(|| rows.next_row().unwrap()).map(|row| cells.read(row)).collect()
    }

    #[test]
    fn nothing_is_nothing() {
        let rows = read("firstName,email,phone\n NULL,,NULL\nNull,  ,\n", 0);
        assert_eq!(rows[0].draft.values.len(), 1);
        assert_eq!(rows[1].draft.values.len(), 1);
        assert!(rows.iter().all(|row| row.complaints.is_empty()));
    }

    #[test]
    fn a_row_that_is_not_whole_fills_no_field() {
        let rows = read("firstName,email,phone\na,a@b.org\nb,b@b.org,,\nc,c@b.org,\"1\n", 0);
        assert!(rows.iter().all(|row| row.draft.values.is_empty() && row.complaints.len() == 1));
        assert_eq!(rows[0].complaints[0].reason, Reason::Columns { found: 2, expected: 3 });
        assert_eq!(rows[1].complaints[0].reason, Reason::Columns { found: 4, expected: 3 });
        assert_eq!(rows[2].complaints[0].reason, Reason::Unclosed);
        let lines: Vec<u64> = rows.iter().map(|row| row.row.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }

    #[test]
    fn every_bad_cell_is_named() {
        let rows = read("firstName,email,birthDate\na,nope,never\n", 0);
        let named: Vec<(&str, &str)> =
            rows[0].complaints.iter().map(|c| (c.column.as_str(), c.value.as_str())).collect();
        assert_eq!(named, [("email", "nope"), ("birthDate", "never")]);
        assert_eq!(rows[0].draft.values.len(), 1);
    }

    #[test]
    fn a_phone_is_dialled_in_the_country_of_its_row() {
        let rows = read("phone,country\n030-0074321,Germany\n021 23 45 67,\n12,\n", 0);
        let key = |row: &Reading| match &row.draft.values[0].1 {
            Value::Contact(contact) => contact.key.clone(),
            other => format!("{other:?}"),
        };
        assert_eq!(key(&rows[0]), "+49300074321");
        assert_eq!(key(&rows[1]), "+21321234567");
        assert_eq!(rows[2].warnings.len(), 1);
        assert_eq!(rows[2].draft.values.len(), 1);
    }

    #[test]
    fn several_records_are_named_in_one_cell() {
        let texts = |cell, many| references(cell, many).collect::<Vec<_>>();
        assert_eq!(texts("A-1; Dupont, Jean ;; ", true), ["A-1", "Dupont, Jean"]);
        assert_eq!(texts("a;b | c", true), ["a;b", "c"]);
        assert_eq!(texts(" a;b | c ", false), ["a;b | c"]);
    }

    #[test]
    fn what_an_errors_file_adds_is_passed_over() {
        let rows =
            read("line,column,value,reason,firstName,email\n7,email,x,bad,Zo,z@b.org\n7,,,bad,Zo,z@b.org,1\n", 4);
        assert_eq!(rows[0].draft.values.len(), 2);
        assert_eq!(rows[1].complaints[0].reason, Reason::Columns { found: 3, expected: 2 });
    }
}
