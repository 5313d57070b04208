// The endpoint under test, as the harness names it in the environment, and a way to ask it.

/** Where the tenant's GraphQL endpoint is. */
export const url = required('GRAPHQL_URL');

/** The same endpoint's WebSocket. */
export const socketUrl = url.replace(/^http/, 'ws') + '/ws';

/** A credential of the tenant. */
export const token = required('GRAPHQL_TOKEN');

/** `fetch` with the tenant's credential. */
export function authorised(input, options = {}) {
  return fetch(input, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
}

/** The whole answer to a document. */
export async function ask(query, variables) {
  const response = await authorised(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

/** The data of a document that must succeed. */
export async function data(query, variables) {
  const answer = await ask(query, variables);
  if (answer.errors) throw new Error(`${query}\n${JSON.stringify(answer.errors, null, 2)}`);
  return answer.data;
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; these programs are started by the integration tests`);
  return value;
}
