// Asks the account endpoint, and tells what it refuses in the words of the page.

/** What was refused: a message for people, and what the page may act on. */
export class Refused extends Error {
  constructor(message, { code, challenge, fields = [] } = {}) {
    super(message);
    Object.assign(this, { code, challenge, fields: fields.map((field) => field.field) });
  }
}

/** The answer's data; throws {@link Refused}. */
export async function ask(words, query, variables, bearer) {
  const headers = { 'content-type': 'application/json', 'accept-language': document.documentElement.lang };
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  let answer;
  try {
    const body = JSON.stringify({ query, variables });
    answer = await (await fetch('/graphql/account', { method: 'POST', headers, body })).json();
  } catch {
    throw new Refused(words.away);
  }
  const [error] = answer.errors ?? [];
  if (error) throw new Refused(told(words, error), error.extensions);
  return answer.data;
}

function told(words, { message, extensions = {} }) {
  const { code, fields = [], retryAfterMs } = extensions;
  if (retryAfterMs) return words.wait(Math.ceil(retryAfterMs / 1000));
  if (fields.length > 0) return fields.map((field) => field.message).join(' ');
  return words.codes[code] ?? message;
}
