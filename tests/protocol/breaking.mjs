// Says what a new schema (second file) breaks for clients of an old one (first file), by the rules of graphql-js.

import { readFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges } from 'graphql';

const [before, after] = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, 'utf8')));
const broken = findBreakingChanges(before, after);
for (const change of broken) console.error(change.description);
process.exit(broken.length > 0 ? 1 : 0);
