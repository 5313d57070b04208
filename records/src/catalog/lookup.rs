//! Looks things up in a catalog, and assembles one.

use std::collections::{BTreeMap, HashMap};

use tenants::keys::DataKeys;

use super::{
    Catalog, Constraint, ConstraintId, Encryption, Field, FieldId, FieldKind, FieldState, Labels, Object, ObjectId,
    Origin, Relation, Rollup, Section, SectionId, Validation,
};
use crate::values::Rates;

impl Catalog {
    /// A snapshot of these objects at this version.
    pub fn new(version: i64, objects: Vec<Object>) -> Self {
        let object_by_id = objects.iter().enumerate().map(|(i, object)| (object.id, i)).collect();
        let object_by_name = objects.iter().enumerate().map(|(i, object)| (object.name.clone(), i)).collect();
        let mut field_by_id = HashMap::new();
        for (i, object) in objects.iter().enumerate() {
            field_by_id.extend(object.fields.iter().enumerate().map(|(j, field)| (field.id, (i, j))));
        }
        Self { version, objects, rates: Rates::new(), object_by_id, object_by_name, field_by_id }
    }

    /// The same snapshot with these exchange rates.
    pub fn with_rates(self, rates: Rates) -> Self {
        Self { rates, ..self }
    }

    /// The object with this API name (singular).
    pub fn object(&self, name: &str) -> Option<&Object> {
        self.object_by_name.get(name).map(|i| &self.objects[*i])
    }

    /// The object of that name that code declared; an admin's own object of that name is not it.
    pub fn standard(&self, name: &str) -> Option<&Object> {
        self.object(name).filter(|object| object.origin == Origin::Standard)
    }

    /// The object with this id.
    pub fn object_by_id(&self, id: ObjectId) -> Option<&Object> {
        self.object_by_id.get(&id).map(|i| &self.objects[*i])
    }

    /// The field with this id, of any object.
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.field_by_id.get(&id).map(|(i, j)| &self.objects[*i].fields[*j])
    }

    /// The object that a field belongs to.
    pub fn object_of(&self, field: FieldId) -> Option<&Object> {
        self.field_by_id.get(&field).map(|(i, _)| &self.objects[*i])
    }

    /// All rollups over the one-to-many relation whose to-one side is this field, with their objects.
    pub fn rollups_over(&self, to_one: FieldId) -> impl Iterator<Item = (&Object, &Field, &Rollup)> {
        let inverse = self.field(to_one).and_then(|field| field.relation()?.inverse);
        self.objects.iter().flat_map(|object| object.fields.iter().map(move |field| (object, field))).filter_map(
            move |(object, field)| {
                let rollup = field.rollup()?;
                (Some(rollup.relation) == inverse && field.usable()).then_some((object, field, rollup))
            },
        )
    }

    /// Roughly how many bytes it uses in memory.
    pub fn weight(&self) -> u64 {
        let labels = |labels: &Labels| labels.values().map(|text| text.len() + 80).sum::<usize>();
        let field = |field: &Field| {
            let options = field.options().iter().map(|option| option.value.len() + labels(&option.label) + 64);
            640 + 3 * field.name.len() + labels(&field.label) + labels(&field.help) + options.sum::<usize>()
        };
        let object = |object: &Object| {
            let sections = object.sections.iter().map(|section| 160 + labels(&section.label)).sum::<usize>();
            800 + 200 * object.constraints.len()
                + labels(&object.label)
                + sections
                + object.fields.iter().map(field).sum::<usize>()
        };
        self.objects.iter().map(object).sum::<usize>() as u64 + 256
    }
}

impl Object {
    /// An object without fields.
    pub fn new(id: ObjectId, name: &str, plural: &str, table: &str, origin: Origin) -> Self {
        Self {
            id,
            name: name.to_owned(),
            plural: plural.to_owned(),
            label: BTreeMap::new(),
            plural_label: BTreeMap::new(),
            table: table.to_owned(),
            origin,
            writable: true,
            sections: Vec::new(),
            fields: Vec::new(),
            constraints: Vec::new(),
            field_by_name: HashMap::new(),
        }
    }

    /// The same object with these fields, in order: system fields, then by section and position.
    pub fn with_fields(mut self, mut fields: Vec<Field>) -> Self {
        self.sections.sort_by_key(|section| section.position);
        self.constraints.sort_by_key(|constraint| constraint.id);
        let place = |id: Option<SectionId>| {
            id.and_then(|id| self.sections.iter().position(|section| section.id == id)).unwrap_or(usize::MAX)
        };
        fields.sort_by_key(|field| match field.origin {
            Origin::System => (false, 0, field.position),
            Origin::Standard | Origin::Custom => (true, place(field.section), field.position),
        });
        let named = fields.iter().enumerate().filter(|(_, field)| field.state != FieldState::Inactive);
        self.field_by_name = named.map(|(i, field)| (field.name.clone(), i)).collect();
        self.fields = fields;
        self
    }

    /// The field with this API name, unless it is inactive.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.field_by_name.get(name).map(|i| &self.fields[*i])
    }

    /// A constraint of this object.
    pub fn constraint(&self, id: ConstraintId) -> Option<&Constraint> {
        self.constraints.iter().find(|constraint| constraint.id == id)
    }

    /// The fields of a constraint, if all of them can be used.
    pub fn members(&self, constraint: &Constraint) -> Option<Vec<&Field>> {
        let field = |id: &FieldId| self.fields.iter().find(|field| field.id == *id && field.usable());
        constraint.fields.iter().map(field).collect()
    }

    /// The fields that are unique together, for each constraint that has not failed.
    pub(crate) fn combined(&self) -> impl Iterator<Item = Vec<&Field>> {
        let held = self.constraints.iter().filter(|constraint| constraint.state != FieldState::Failed);
        held.filter_map(|constraint| self.members(constraint))
    }

    /// The field that code declared under this name, never an admin's.
    pub fn standard(&self, name: &str) -> Option<&Field> {
        self.field(name).filter(|field| field.origin != Origin::Custom)
    }

    /// The section with this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

impl Field {
    /// A usable custom field without rules.
    pub fn new(id: FieldId, object: ObjectId, name: &str, column: &str, kind: FieldKind) -> Self {
        Self {
            id,
            object,
            name: name.to_owned(),
            column: column.to_owned(),
            kind,
            label: BTreeMap::new(),
            help: BTreeMap::new(),
            section: None,
            position: 0,
            origin: Origin::Custom,
            required: false,
            unique: false,
            default: None,
            validation: Validation::default(),
            searchable: false,
            audited: true,
            personal: None,
            state: FieldState::Active,
            failure: None,
            writable: true,
            encryption: Encryption::None,
            keys: None,
            changing: None,
            past: Vec::new(),
        }
    }

    /// The same field; its values are sealed with these keys if they must be.
    pub(crate) fn with_keys(mut self, keys: &DataKeys) -> Self {
        self.keys = self.encryption.is_some().then(|| keys.clone());
        self
    }

    /// The type that values written in a commit are of.
    pub fn kind_at(&self, seq: i64) -> &FieldKind {
        self.past.iter().find(|past| seq <= past.until).map_or(&self.kind, |past| &past.kind)
    }

    /// Whether its type differs from that in another version of the catalog.
    pub fn retyped_since(&self, version: i64) -> bool {
        self.past.last().is_some_and(|past| past.version > version)
    }

    /// Whether its values identify records: they are unique, and the database enforces it already.
    pub fn identifies(&self) -> bool {
        self.unique && (self.state == FieldState::Active || self.changing.is_some())
    }

    /// Whether values can be read and written.
    pub fn usable(&self) -> bool {
        matches!(self.state, FieldState::Active | FieldState::Building | FieldState::Failed)
    }

    /// The link, if it is one.
    pub fn relation(&self) -> Option<&Relation> {
        match &self.kind {
            FieldKind::Relation(relation) => Some(relation),
            _ => None,
        }
    }

    /// The rollup, if it is one.
    pub fn rollup(&self) -> Option<&Rollup> {
        match &self.kind {
            FieldKind::Rollup(rollup) => Some(rollup),
            _ => None,
        }
    }

    /// The options of a select, in their order.
    pub fn options(&self) -> &[super::Choice] {
        match &self.kind {
            FieldKind::Select { options } | FieldKind::MultiSelect { options } => options,
            _ => &[],
        }
    }
}
