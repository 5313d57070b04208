// GraphQL over HTTP, by the audits of graphql-http: every MUST and every SHOULD holds.

import { serverAudits } from 'graphql-http';
import { authorised, url } from './endpoint.mjs';

let failed = 0;
for (const audit of serverAudits({ url, fetchFn: authorised })) {
  const result = await audit.fn();
  const optional = audit.name.startsWith('MAY');
  if (result.status !== 'ok' && !optional) {
    failed += 1;
    const { status, headers } = result.response;
    const body = await result.response.text().catch(() => '');
    console.error(`${audit.id} ${audit.name}\n  ${result.reason}; got ${status} ${headers.get('content-type')} ${body.slice(0, 300)}`);
  }
}
if (failed > 0) {
  console.error(`${failed} audits failed`);
  process.exit(1);
}
