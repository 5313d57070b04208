// Random documents that are valid for a schema: merged fields, aliases, fragments, directives, variables, errors.
//
// One response key always means one field with the same arguments, so everything that is generated can be merged.

import { getNamedType, isLeafType, isObjectType } from 'graphql';
import { byId, mirrored, MOST, recordOf } from './mirror.mjs';

/** Makes documents with their variables from a source of chance. */
export function documents({ schema, records }, random) {
  const ids = new Map([...records].map(([type, rows]) => [type, [...rows.keys()].slice(0, 5)]));
  const query = schema.getQueryType();
  let fragments;

  function fieldsOf(type) {
    const all = Object.values(type.getFields());
    if (type === query) return all.filter((field) => records.has(recordOf(field.type)) || byId(field, records));
    return records.has(type) ? all.filter((field) => mirrored(field, records)) : all.filter((field) => field.args.length === 0);
  }

  /** The same field with other arguments is another response key. */
  function head(type, field) {
    if (type === query && byId(field, records)) {
      const known = ids.get(getNamedType(field.type));
      const index = random.below(known.length + 1);
      return `${field.name}${index}: ${field.name}(id: "${known[index] ?? '00000000-0000-7000-8000-000000000000'}")`;
    }
    if (records.has(recordOf(field.type))) {
      const [key, first] = random.one([['', '3'], ['One', '1'], ['Some', '$some'], ['None', '0'], ['TooMany', String(MOST + 1)]]);
      return `${field.name}${key || 'Three'}: ${field.name}(first: ${first})`;
    }
    return random.happens(0.2) ? `${field.name}Again: ${field.name}` : field.name;
  }

  function directive() {
    if (!random.happens(0.15)) return '';
    return random.one([' @include(if: $yes)', ' @skip(if: $no)', ' @include(if: $no)', ' @skip(if: false)', ' @skip(if: $no) @include(if: $yes)']);
  }

  function selection(type, depth) {
    const parts = [];
    const count = 1 + random.below(depth > 2 ? 3 : 5);
    for (let index = 0; index < count; index += 1) parts.push(part(type, depth));
    return `{ ${parts.join(' ')} }`;
  }

  function part(type, depth) {
    if (random.happens(0.08)) return random.one(['__typename', 'kindOfThing: __typename']);
    if (random.happens(0.12)) return `...${random.happens(0.5) ? ` on ${type.name}` : ''}${directive()} ${selection(type, depth)}`;
    if (random.happens(0.12)) return `...${fragment(type, depth)}${directive()}`;
    const choices = fieldsOf(type).filter((field) => depth > 0 || isLeafType(getNamedType(field.type)));
    if (choices.length === 0) return '__typename';
    const field = random.one(choices);
    const named = getNamedType(field.type);
    return `${head(type, field)}${directive()}${isObjectType(named) ? ` ${selection(named, depth - 1)}` : ''}`;
  }

  function fragment(type, depth) {
    const same = fragments.filter((known) => known.type === type && known.depth <= depth && known.text);
    if (same.length > 0 && random.happens(0.5)) return random.one(same).name;
    const made = { name: `part${fragments.length}`, type, depth };
    fragments.push(made);
    made.text = `fragment ${made.name} on ${type.name} ${selection(type, Math.min(depth, 2))}`;
    return made.name;
  }

  return () => {
    fragments = [];
    // All variables are used, whatever chance made.
    const body = selection(query, 4).slice(1, -1);
    const used = 'always: __typename @include(if: $yes) @skip(if: $no)';
    const text = `query ($yes: Boolean!, $no: Boolean!, $some: Int = 2) { ${used} ${body} ...uses } fragment uses on Query { `;
    const list = fieldsOf(query).find((field) => records.has(recordOf(field.type)));
    const end = `${list.name}Some: ${list.name}(first: $some) { __typename } } ${fragments.map((made) => made.text).join(' ')}`;
    return { query: text + end, variables: { yes: true, no: false, ...(random.happens(0.5) && { some: random.below(5) }) } };
  };
}
