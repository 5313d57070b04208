// Our execution against graphql-js: random documents over the same schema and the same data have the same answer,
// in the order of the document, with the same nulls and errors at the same paths.

import assert from 'node:assert/strict';
import { execute, parse, validate } from 'graphql';
import { ask, data } from './endpoint.mjs';
import { documents } from './oracle/documents.mjs';
import { mirror } from './oracle/mirror.mjs';
import { chance } from './oracle/random.mjs';

const seed = Number(process.env.ORACLE_SEED ?? Date.now() % 1_000_000);
const rounds = Number(process.env.ORACLE_ROUNDS ?? 400);
/** Documents that the endpoint may find too dear, of all. */
const REFUSALS = 0.1;

await mergedMutationsRunOnce();
const world = await mirror();
const next = documents(world, chance(seed));
let refused = 0;
let failing = 0;
for (let round = 0; round < rounds; round += 1) {
  const { query, variables } = next();
  const document = parse(query);
  const invalid = validate(world.schema, document);
  assert.equal(invalid.length, 0, `the generator made an invalid document: ${invalid[0]}\n${query}`);
  const ours = await ask(query, variables);
  if (ours.errors?.some((error) => ['COST_EXCEEDED', 'TOO_COMPLEX'].includes(error.extensions?.code))) {
    refused += 1;
    continue;
  }
  const theirs = await execute({ schema: world.schema, document, variableValues: variables });
  failing += theirs.errors ? 1 : 0;
  const context = `seed ${seed}, round ${round}\n${query}\n${JSON.stringify(variables)}\n${JSON.stringify(ours.errors)}`;
  assert.equal(JSON.stringify(ours.data, null, 1), JSON.stringify(theirs.data, null, 1), context);
  assert.deepEqual(paths(ours), paths(theirs), context);
}
assert.ok(refused <= rounds * REFUSALS, `${refused} of ${rounds} documents were refused`);
console.log(`${rounds - refused} documents agree (seed ${seed}, ${refused} refused, ${failing} with errors)`);

/** Where errors are, in an order of its own: the specification leaves it open. */
function paths(answer) {
  return (answer.errors ?? []).map((error) => JSON.stringify(error.path)).sort();
}

/** Two mentions of a mutation under one response key are one field: it runs once. */
async function mergedMutationsRunOnce() {
  const count = async () => (await data('{ customers { totalCount } }')).customers.totalCount;
  const before = await count();
  const { createCustomer } = await data(
    'mutation { createCustomer(data: { firstName: "Once" }) { id } createCustomer(data: { firstName: "Once" }) { firstName } }',
  );
  assert.deepEqual(Object.keys(createCustomer), ['id', 'firstName']);
  assert.equal(await count(), before + 1, 'a merged mutation ran more than once');
}
