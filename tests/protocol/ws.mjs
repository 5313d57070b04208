// GraphQL over WebSocket (graphql-transport-ws): the close codes of the protocol, and graphql-ws as a client.

import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { data, socketUrl, token } from './endpoint.mjs';

const PROTOCOL = 'graphql-transport-ws';
const INIT = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } };
const STREAM = 'subscription { customerChanged { id kind } }';

/** A raw connection: `send` messages or text, take the `next` message, wait for the code it is `closed` with. */
function connect(protocol = PROTOCOL) {
  const socket = new WebSocket(socketUrl, protocol);
  const received = [];
  const waiting = [];
  socket.on('message', (text) => {
    const message = JSON.parse(text);
    waiting.length > 0 ? waiting.shift()(message) : received.push(message);
  });
  const closed = new Promise((resolve) => {
    socket.on('close', (code) => resolve(code));
    socket.on('unexpected-response', (_, response) => resolve(`HTTP ${response.statusCode}`));
    socket.on('error', () => {});
  });
  const opened = new Promise((resolve) => socket.on('open', resolve));
  return {
    closed,
    close: () => socket.close(),
    async send(...messages) {
      await opened;
      for (const message of messages) socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    },
    next: () => (received.length > 0 ? Promise.resolve(received.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
}

const subscribe = (id, query = STREAM) => ({ id, type: 'subscribe', payload: { query } });

async function closesWith(code, ...messages) {
  const connection = connect();
  await connection.send(...messages);
  assert.equal(await connection.closed, code);
}

async function ready() {
  const connection = connect();
  await connection.send(INIT);
  assert.equal((await connection.next()).type, 'connection_ack');
  return connection;
}

const cases = {
  'text that is not JSON closes with 4400': () => closesWith(4400, '{'),
  'an unknown message closes with 4400': () => closesWith(4400, { type: 'hello' }),
  'a subscription without id closes with 4400': () => closesWith(4400, INIT, { type: 'subscribe', payload: { query: STREAM } }),
  'subscribing before the handshake closes with 4401': () => closesWith(4401, subscribe('1')),
  'a wrong credential closes with 4403': () => closesWith(4403, { type: 'connection_init', payload: { authorization: 'Bearer nobody' } }),
  'no credential closes with 4403': () => closesWith(4403, { type: 'connection_init' }),
  'no handshake in time closes with 4408': () => closesWith(4408),
  'a second handshake closes with 4429': () => closesWith(4429, INIT, INIT),

  async 'an id in use closes with 4409'() {
    const connection = await ready();
    await connection.send(subscribe('1'), subscribe('1'));
    assert.equal(await connection.closed, 4409);
  },

  async 'another sub-protocol is refused'() {
    const connection = connect('graphql-ws');
    const code = await connection.closed;
    assert.ok([4406, 'HTTP 400', 1006].includes(code), `closed with ${code}`);
  },

  async 'a ping is answered, before and after the handshake'() {
    const connection = connect();
    await connection.send({ type: 'ping' });
    assert.equal((await connection.next()).type, 'pong');
    await connection.send(INIT, { type: 'ping' });
    assert.equal((await connection.next()).type, 'connection_ack');
    assert.equal((await connection.next()).type, 'pong');
    connection.close();
  },

  async 'a document that is not valid is an error of its id, and the connection lives on'() {
    const connection = await ready();
    await connection.send(subscribe('bad', 'subscription { nothingOfTheKind }'));
    const refused = await connection.next();
    assert.equal(refused.type, 'error');
    assert.equal(refused.id, 'bad');
    assert.ok(Array.isArray(refused.payload) && refused.payload[0].message, 'the payload is a list of errors');
    await connection.send(subscribe('bad', '{ __typename }'));
    assert.deepEqual(await connection.next(), { id: 'bad', type: 'next', payload: { data: { __typename: 'Query' } } });
    connection.close();
  },

  async 'a query is answered once and completed'() {
    const connection = await ready();
    await connection.send(subscribe('q', '{ __typename }'));
    assert.deepEqual(await connection.next(), { id: 'q', type: 'next', payload: { data: { __typename: 'Query' } } });
    assert.deepEqual(await connection.next(), { id: 'q', type: 'complete' });
    connection.close();
  },

  async 'a completed id may be used again'() {
    const connection = await ready();
    await connection.send(subscribe('1'), { id: '1', type: 'complete' }, subscribe('1'), { type: 'ping' });
    assert.equal((await connection.next()).type, 'pong');
    connection.close();
  },

  async 'graphql-ws receives what is written, in order'() {
    const client = createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: INIT.payload, retryAttempts: 0 });
    const stream = client.iterate({ query: STREAM });
    const first = stream.next();
    await new Promise((resolve, reject) => {
      // A query on the same connection is answered after the subscription was taken.
      client.subscribe({ query: '{ __typename }' }, { next() {}, error: reject, complete: resolve });
    });
    const written = [];
    for (const name of ['Ada', 'Grace', 'Katherine']) {
      const { createCustomer } = await data('mutation ($data: CustomerCreateInput!) { createCustomer(data: $data) { id } }', { data: { firstName: name } });
      written.push(createCustomer.id);
    }
    const told = [(await first).value, (await stream.next()).value, (await stream.next()).value];
    assert.deepEqual(told.map((message) => message.data.customerChanged.id), written);
    await stream.return();
    await client.dispose();
  },
};

let failed = 0;
await Promise.all(
  Object.entries(cases).map(async ([name, run]) => {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('nothing happened for 60 s')), 60_000).unref());
    try {
      await Promise.race([run(), late]);
    } catch (error) {
      failed += 1;
      console.error(`${name}\n  ${error.message}`);
    }
  }),
);
process.exit(failed > 0 ? 1 : 0);
