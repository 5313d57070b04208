// A mail server to hand emails to, over STARTTLS and over TLS from the first byte. It takes one user, and says on its
// standard output, a line of JSON each, where it listens and what it received.

import { readFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';

const key = readFileSync(required('SMTP_KEY'));
const cert = readFileSync(required('SMTP_CERT'));
const [user, password] = [required('SMTP_USER'), required('SMTP_PASSWORD')];

/** How often each receiver was written to. */
const tries = new Map();

function server(secure) {
  return new SMTPServer({
    secure,
    key,
    cert,
    disableReverseLookup: true,
    onAuth({ username, password: given }, session, done) {
      if (username === user && given === password) return done(null, { user });
      done(new Error('535 wrong user or password'));
    },
    onRcptTo({ address }, session, done) {
      const count = (tries.get(address) ?? 0) + 1;
      tries.set(address, count);
      if (address.startsWith('nobody@')) return done(refusal(550, `no such user ${address}`));
      if (address.startsWith('late@') && count < 2) return done(refusal(550, `no such user yet ${address}`));
      if (address.startsWith('busy@') && count < 3) return done(refusal(451, `try ${address} later`));
      done();
    },
    onData(stream, session, done) {
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        say({
          received: Buffer.concat(chunks).toString('base64'),
          secure,
          encrypted: session.secure,
          user: session.user,
          from: mailFrom.address,
          to: rcptTo.map(({ address }) => address),
        });
        done();
      });
    },
  });
}

function refusal(code, message) {
  return Object.assign(new Error(message), { responseCode: code });
}

function say(fact) {
  process.stdout.write(JSON.stringify(fact) + '\n');
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; this program is started by the integration tests`);
  return value;
}

function listen(secure) {
  return new Promise((resolve) => {
    const mail = server(secure);
    // clients that distrust us hang up; that is what some tests are about
    mail.on('error', () => {});
    const listening = mail.listen(0, '127.0.0.1', () => resolve(listening.address().port));
  });
}

const [starttls, tls] = [await listen(false), await listen(true)];
say({ starttls, tls });
