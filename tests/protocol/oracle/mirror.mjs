// All data of a tenant, read once through the simplest documents, behind the tenant's own schema: graphql-js executes
// any document over it, and so says what our endpoint should have answered.

import { buildClientSchema, getIntrospectionQuery, getNamedType, GraphQLError, isLeafType, isNonNullType, isObjectType } from 'graphql';
import { data } from '../endpoint.mjs';

/** The most records a page may ask for. */
export const MOST = 200;
/** More than there is of any object. */
const WHOLE = 60;
/** How deep values that are no records (an actor, an amount) are read. */
const DEPTH = 3;

/** The tenant's schema with resolvers over a copy of the tenant's data. */
export async function mirror() {
  const schema = buildClientSchema(await data(getIntrospectionQuery({ inputValueDeprecation: true })));
  const lists = Object.values(schema.getQueryType().getFields()).filter((field) => recordOf(field.type));
  const records = new Map(lists.map((field) => [recordOf(field.type), new Map()]));
  const roots = new Map();
  for (const list of lists) {
    const answer = await data(`{ ${list.name}(first: ${WHOLE}) ${everything(list.type, records)} }`);
    roots.set(list.name, answer[list.name]);
    for (const { node } of answer[list.name].edges) records.get(recordOf(list.type)).set(node.id, node);
  }
  for (const type of records.keys()) {
    for (const field of Object.values(type.getFields())) field.resolve = resolver(field, records);
  }
  for (const field of Object.values(schema.getQueryType().getFields())) {
    if (roots.has(field.name)) field.resolve = (_, args) => page(roots.get(field.name), args, records.get(recordOf(field.type)));
    else if (byId(field, records)) field.resolve = (_, { id }) => records.get(getNamedType(field.type)).get(id) ?? null;
  }
  return { schema, records };
}

/** The record type of a connection type, or nothing for other types. */
export function recordOf(type) {
  const named = getNamedType(type);
  if (!isObjectType(named) || !named.name.endsWith('Connection') || !named.getFields().nodes) return undefined;
  const node = getNamedType(named.getFields().nodes.type);
  return node.getFields().id ? node : undefined;
}

/** Whether a root field answers one record by its id. */
export function byId(field, records) {
  return records.has(getNamedType(field.type)) && field.args.length === 1 && field.args[0].name === 'id';
}

/** Whether the mirror can answer a field of a record: leaves, links, pages of links, and values without arguments. */
export function mirrored(field, records) {
  const named = getNamedType(field.type);
  if (isLeafType(named) || recordOf(field.type)) return !recordOf(field.type) || records.has(recordOf(field.type));
  return isObjectType(named) && !field.args.some((argument) => isNonNullType(argument.type)) && !named.name.endsWith('Connection');
}

/** A selection of all there is to know about a page of records. */
function everything(connection, records) {
  const fields = Object.values(recordOf(connection).getFields()).filter((field) => mirrored(field, records));
  const node = fields.map((field) => {
    const named = getNamedType(field.type);
    if (isLeafType(named)) return field.name;
    if (recordOf(field.type)) return `${field.name}(first: 20) { totalCount pageInfo { ${PAGE} } edges { cursor node { id } } }`;
    return records.has(named) ? `${field.name} { id }` : `${field.name} ${leaves(named, DEPTH)}`;
  });
  return `{ totalCount pageInfo { ${PAGE} } edges { cursor node { ${node.join(' ')} } } }`;
}

const PAGE = 'hasNextPage hasPreviousPage startCursor endCursor';

function leaves(type, depth) {
  const fields = Object.values(type.getFields()).filter((field) => isLeafType(getNamedType(field.type)) || depth > 1);
  const parts = fields.map((field) => (isLeafType(getNamedType(field.type)) ? field.name : `${field.name} ${leaves(getNamedType(field.type), depth - 1)}`));
  return `{ ${parts.join(' ')} }`;
}

function resolver(field, records) {
  const target = recordOf(field.type);
  if (target) return (record, args) => page(record[field.name], args, records.get(target));
  const named = getNamedType(field.type);
  // A link to a record that a list hides (archived) shows what the link itself showed.
  if (records.has(named)) return (record) => record[field.name] && (records.get(named).get(record[field.name].id) ?? record[field.name]);
  return undefined;
}

/** The beginning of a page that was read whole, as `first` asks for. */
function page(whole, { first = 50, last, after, before }, records) {
  if (first < 0 || first > MOST) throw new GraphQLError('out of range');
  if (last !== undefined || after !== undefined || before !== undefined) throw new GraphQLError('the mirror only reads forwards');
  const edges = whole.edges.slice(0, first).map(({ cursor, node }) => ({ cursor, node: records.get(node.id) }));
  return {
    totalCount: whole.totalCount,
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: edges.length < whole.edges.length || whole.pageInfo.hasNextPage,
      hasPreviousPage: false,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
