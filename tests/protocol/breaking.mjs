// Says what a new schema (second file) breaks for clients of an old one (first file), by the rules of graphql-js.
// What the old one marks @deprecated is no promise: it may change or go.

import { readFileSync } from 'node:fs';
import { GraphQLSchema, buildASTSchema, findBreakingChanges, parse, visit } from 'graphql';

/** The schema of a file; without what is deprecated, and without types that only that led to. */
function read(path, { promised }) {
  const kept = (node) => (node.directives.some(({ name }) => name.value === 'deprecated') ? null : undefined);
  const document = parse(readFileSync(path, 'utf8'));
  const members = { FieldDefinition: kept, InputValueDefinition: kept, EnumValueDefinition: kept };
  const schema = buildASTSchema(promised ? visit(document, members) : document, { assumeValid: promised });
  return promised ? new GraphQLSchema({ ...schema.toConfig(), types: [] }) : schema;
}

const [before, after] = process.argv.slice(2);
const broken = findBreakingChanges(read(before, { promised: true }), read(after, { promised: false }));
for (const change of broken) console.error(change.description);
process.exit(broken.length > 0 ? 1 : 0);
