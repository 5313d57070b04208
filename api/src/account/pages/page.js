// What links in letters lead to: a form that brings the token of the link, which stands behind the #, to the account
// endpoint. Nothing is done by merely opening a page: mail scanners open links too.

import { Refused, ask } from './ask.js';
import { WORDS } from './words.js';

const spoken = navigator.languages.map((language) => language.slice(0, 2));
const language = spoken.find((known) => known in WORDS) ?? 'en';
const words = WORDS[language];
const page = location.pathname.split('/').pop();
const token = behindTheHash();

/** What a second factor is asked for with, once the password was right. */
let challenge;

/** What each page asks for, and what it does with it; the answer is what it says in the end. */
const PAGES = {
  confirm: {
    fields: ['password', 'slug'],
    async send({ password, slug }) {
      const query = `mutation ($token: String!, $password: String!, $slug: String) {
        confirmSignUp(token: $token, password: $password, slug: $slug) { user { id } } }`;
      await ask(words, query, { token, password, slug: slug || null }).catch((refused) => {
        if (!refused.fields?.includes('organisation.slug') || slug) throw refused;
        reveal('slug');
        throw new Refused(words.slugTaken);
      });
      return words.done;
    },
  },
  recover: {
    fields: ['newPassword'],
    async send({ newPassword }) {
      const query = 'mutation ($token: String!, $password: String!) { recover(token: $token, password: $password) }';
      await ask(words, query, { token, password: newPassword });
      return words.done;
    },
  },
  forgotten: {
    fields: ['email'],
    async send({ email }) {
      await ask(words, 'mutation ($email: String!) { askRecovery(email: $email) { email } }', { email });
      return words.mailed;
    },
  },
  email: {
    fields: [],
    async send() {
      const data = await ask(words, 'mutation ($token: String!) { confirmEmail(token: $token) }', { token });
      return data.confirmEmail === 'DONE' ? words.done : words.waiting;
    },
  },
  invitation: {
    fields: ['known', 'email', 'firstName', 'lastName', 'password', 'code'],
    async send({ known, firstName, lastName, password, ...rest }) {
      const bearer = known ? await signIn({ password, ...rest }) : undefined;
      const person = known ? null : { firstName, lastName, password };
      const query = `mutation ($token: String!, $person: PersonInput) {
        acceptInvitation(token: $token, person: $person) { role } }`;
      await ask(words, query, { token, person }, bearer);
      return words.done;
    },
  },
};

/** Signs in; where a second factor is asked for, the page asks for its code, and this is called again with it. */
async function signIn({ email, password, code }) {
  if (challenge) {
    const query = `mutation ($challenge: String!, $code: String!) {
      finishSignIn(challenge: $challenge, code: $code) { accessToken } }`;
    return (await ask(words, query, { challenge, code })).finishSignIn.accessToken;
  }
  const query = `mutation ($email: String!, $password: String!) {
    signIn(email: $email, password: $password) { accessToken } }`;
  try {
    return (await ask(words, query, { email, password })).signIn.accessToken;
  } catch (refused) {
    if (refused.code !== 'SECOND_FACTOR_NEEDED') throw refused;
    challenge = refused.challenge;
    reveal('code');
    throw new Refused(words.codeNeeded);
  }
}

/** How browsers and password managers are told of a field. */
const INPUTS = {
  email: { type: 'email', autocomplete: 'username' },
  password: { type: 'password', autocomplete: 'current-password' },
  newPassword: { type: 'password', autocomplete: 'new-password' },
  firstName: { type: 'text', autocomplete: 'given-name' },
  lastName: { type: 'text', autocomplete: 'family-name' },
  code: { type: 'text', autocomplete: 'one-time-code' },
  slug: { type: 'text', autocomplete: 'off', pattern: '[a-z][a-z0-9\\-]{1,39}' },
  known: { type: 'checkbox' },
};
/** Asked for only once they are needed. */
const LATER = ['code', 'slug'];

const form = element('form', { noValidate: false });
const title = element('h1', { tabIndex: -1 });
const told = element('p');
const wrong = element('p', { className: 'wrong', role: 'alert' });

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function field(name) {
  const input = element('input', { name, required: name !== 'known', ...INPUTS[name] });
  const label = name === 'email' ? words.email_label : words[name];
  return element('label', {}, ...(name === 'known' ? [input, ' ', label] : [label, input]));
}

function show(name, shown) {
  const input = form.elements[name];
  if (!input) return;
  input.required = shown;
  input.closest('label').hidden = !shown;
  if (!shown) input.value = '';
}

/** Asks for one thing more. */
function reveal(name) {
  show(name, true);
  form.elements[name].focus();
}

/** Another sign-in begins with the password. */
function forgetChallenge() {
  challenge = undefined;
  show('code', false);
}

/** Who has an account says which; who has none says their name and chooses a password. */
function follow() {
  const { known, password } = form.elements;
  if (!known) return;
  const change = () => {
    show('email', known.checked);
    show('firstName', !known.checked);
    show('lastName', !known.checked);
    password.autocomplete = known.checked ? 'current-password' : 'new-password';
    told.textContent = known.checked ? words.invitationKnown : words.invitation[1];
    forgetChallenge();
  };
  known.addEventListener('change', change);
  for (const input of [form.elements.email, password]) input.addEventListener('input', forgetChallenge);
  change();
}

/** What stands behind the # of the link; nothing where it was cut into. */
function behindTheHash() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

function complain(refused) {
  if (refused.code === 'UNAUTHENTICATED') forgetChallenge();
  wrong.replaceChildren(refused.message);
  if (page === 'recover' && refused.code === 'LINK_EXPIRED') {
    wrong.append(' ', element('a', { href: '/account/forgotten' }, words.again));
  }
}

/** Whether an answer is waited for: the button stays as it is, so that the focus does. */
let busy = false;

async function send(event) {
  event.preventDefault();
  if (busy) return;
  busy = true;
  form.ariaBusy = 'true';
  wrong.replaceChildren();
  try {
    const said = await PAGES[page].send(Object.fromEntries(new FormData(form)));
    form.replaceWith(element('p', { role: 'status' }, said));
    told.remove();
    title.focus();
  } catch (refused) {
    complain(refused);
  }
  form.ariaBusy = 'false';
  busy = false;
}

function open() {
  document.documentElement.lang = language;
  [title.textContent, told.textContent] = words[page];
  document.title = `${title.textContent} · Clientele`;
  const button = element('button', {}, words.send);
  form.append(...PAGES[page].fields.map(field), wrong, button);
  LATER.forEach((name) => show(name, false));
  document.querySelector('main').replaceChildren(title, told, form);
  follow();
  form.addEventListener('submit', send);
  if (page !== 'forgotten' && token === '') {
    wrong.textContent = words.incomplete;
    button.disabled = true;
  }
}

// the whole link is pasted into the page of one that was cut
addEventListener('hashchange', () => location.reload());
open();
