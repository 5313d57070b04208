// A real provider of OpenID Connect on loopback. `POST /who` with { sub, email, email_verified } says who signs in next;
// nobody is asked for a password, everything else is as the specification has it.

import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirectUri] = process.argv.slice(2);
const accounts = new Map();
let who = '';

// the test reads the first line alone
process.stdout.on('error', () => {});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'clientele', client_secret: 'a secret of the provider', redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...accounts.get(sub) }) }),
  });
  const handle = provider.callback();
  server.on('request', async (request, response) => {
    if (request.url === '/who') {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { sub, ...claims } = JSON.parse(body);
      accounts.set((who = sub), { given_name: 'Nadia', family_name: 'Benali', ...claims });
      return response.end('ok');
    }
    if (!request.url.startsWith('/interaction/')) return handle(request, response);
    const { params } = await provider.interactionDetails(request, response);
    const grant = new provider.Grant({ accountId: who, clientId: params.client_id });
    grant.addOIDCScope('openid email profile');
    const result = { login: { accountId: who }, consent: { grantId: await grant.save() } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  });
  console.log(issuer);
});
