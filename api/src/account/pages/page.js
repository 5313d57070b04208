// What links in letters lead to: a form that brings the token of the link, which stands behind the #, to the account
// endpoint. Nothing is done by merely opening a page: mail scanners open links too.

const WORDS = {
  en: {
    confirm: ['Confirm your account', 'Enter the password that you signed up with.'],
    recover: ['Choose a new password', 'You are signed out everywhere when you do.'],
    forgotten: ['Forgotten password', 'We mail you a link to a new one.'],
    email: ['Change of email address', 'Agree that the account changes its address.'],
    invitation: ['Accept the invitation', 'Say who you are and choose a password.'],
    email_label: 'Email address',
    password: 'Password',
    newPassword: 'New password',
    firstName: 'First name',
    lastName: 'Last name',
    known: 'I have an account already',
    code: 'Code of the second factor',
    codeNeeded: 'The password is right; enter a code of your second factor too.',
    send: 'Go on',
    done: 'Done. You can sign in now.',
    mailed: 'If the address has an account, a letter is on its way.',
    waiting: 'Noted. The other address is asked too.',
    incomplete: 'The link is incomplete; copy the whole of it from the letter.',
    away: 'The server does not answer; try again shortly.',
  },
  fr: {
    confirm: ['Confirmez votre compte', 'Entrez le mot de passe de votre inscription.'],
    recover: ['Choisissez un nouveau mot de passe', 'Vous serez déconnecté partout.'],
    forgotten: ['Mot de passe oublié', 'Nous vous envoyons un lien pour en choisir un nouveau.'],
    email: ["Changement d'adresse e-mail", "Acceptez que le compte change d'adresse."],
    invitation: ["Acceptez l'invitation", 'Dites qui vous êtes et choisissez un mot de passe.'],
    email_label: 'Adresse e-mail',
    password: 'Mot de passe',
    newPassword: 'Nouveau mot de passe',
    firstName: 'Prénom',
    lastName: 'Nom',
    known: "J'ai déjà un compte",
    code: 'Code du second facteur',
    codeNeeded: 'Le mot de passe est bon ; entrez aussi un code de votre second facteur.',
    send: 'Continuer',
    done: "C'est fait. Vous pouvez vous connecter.",
    mailed: "Si l'adresse a un compte, une lettre est en route.",
    waiting: "C'est noté. L'autre adresse est consultée aussi.",
    incomplete: 'Le lien est incomplet ; copiez-le en entier depuis la lettre.',
    away: 'Le serveur ne répond pas ; réessayez bientôt.',
  },
  es: {
    confirm: ['Confirme su cuenta', 'Introduzca la contraseña con la que se registró.'],
    recover: ['Elija una nueva contraseña', 'Se cerrará su sesión en todas partes.'],
    forgotten: ['Contraseña olvidada', 'Le enviamos un enlace para elegir otra.'],
    email: ['Cambio de dirección de correo', 'Acepte que la cuenta cambie de dirección.'],
    invitation: ['Acepte la invitación', 'Diga quién es y elija una contraseña.'],
    email_label: 'Dirección de correo',
    password: 'Contraseña',
    newPassword: 'Nueva contraseña',
    firstName: 'Nombre',
    lastName: 'Apellidos',
    known: 'Ya tengo una cuenta',
    code: 'Código del segundo factor',
    codeNeeded: 'La contraseña es correcta; introduzca también un código de su segundo factor.',
    send: 'Continuar',
    done: 'Hecho. Ya puede entrar.',
    mailed: 'Si la dirección tiene una cuenta, una carta está en camino.',
    waiting: 'Anotado. También se pregunta a la otra dirección.',
    incomplete: 'El enlace está incompleto; cópielo entero de la carta.',
    away: 'El servidor no responde; inténtelo de nuevo en breve.',
  },
};

const language = Object.keys(WORDS).find((known) => navigator.language.startsWith(known)) ?? 'en';
const words = WORDS[language];
const page = location.pathname.split('/').pop();
const token = decodeURIComponent(location.hash.slice(1));

/** Asks the account endpoint; throws an error with a message for people. */
async function ask(query, variables, bearer) {
  const headers = { 'content-type': 'application/json', 'accept-language': language };
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  let answer;
  try {
    const response = await fetch('/graphql/account', {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    });
    answer = await response.json();
  } catch {
    throw new Error(words.away);
  }
  const [error] = answer.errors ?? [];
  if (error) {
    const fields = error.extensions?.fields?.map((field) => field.message) ?? [];
    const told = new Error(fields.length > 0 ? fields.join(' ') : error.message);
    throw Object.assign(told, { code: error.extensions?.code, challenge: error.extensions?.challenge });
  }
  return answer.data;
}

/** What a second factor is asked for with, once the password was right. */
let challenge;

/** Signs in; where a second factor is asked for, the page asks for its code, and this is called again with it. */
async function signIn({ email, password, code }) {
  if (challenge) {
    const query = `mutation ($challenge: String!, $code: String!) {
      finishSignIn(challenge: $challenge, code: $code) { accessToken } }`;
    return (await ask(query, { challenge, code })).finishSignIn.accessToken;
  }
  const query = `mutation ($email: String!, $password: String!) {
    signIn(email: $email, password: $password) { accessToken } }`;
  try {
    return (await ask(query, { email, password })).signIn.accessToken;
  } catch (error) {
    if (error.code !== 'SECOND_FACTOR_NEEDED') throw error;
    challenge = error.challenge;
    document.querySelector('form').elements.code.closest('label').hidden = false;
    throw new Error(words.codeNeeded);
  }
}

/** What each page asks for, and what it does with it; the answer is what it says in the end. */
const PAGES = {
  confirm: {
    fields: ['password'],
    async send({ password }) {
      const query = `mutation ($token: String!, $password: String!) {
        confirmSignUp(token: $token, password: $password) { user { id } } }`;
      await ask(query, { token, password });
      return words.done;
    },
  },
  recover: {
    fields: ['newPassword'],
    async send({ newPassword }) {
      const query = 'mutation ($token: String!, $password: String!) { recover(token: $token, password: $password) }';
      await ask(query, { token, password: newPassword });
      return words.done;
    },
  },
  forgotten: {
    fields: ['email'],
    async send({ email }) {
      await ask('mutation ($email: String!) { askRecovery(email: $email) { email } }', { email });
      return words.mailed;
    },
  },
  email: {
    fields: [],
    async send() {
      const data = await ask('mutation ($token: String!) { confirmEmail(token: $token) }', { token });
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
      await ask(query, { token, person }, bearer);
      return words.done;
    },
  },
};

const TYPES = { email: 'email', password: 'password', newPassword: 'password', known: 'checkbox' };

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function field(name) {
  const type = TYPES[name] ?? 'text';
  const input = element('input', { name, type, required: type !== 'checkbox' });
  if (type === 'password') input.autocomplete = name === 'newPassword' ? 'new-password' : 'current-password';
  const label = name === 'email' ? words.email_label : words[name];
  return element('label', {}, ...(type === 'checkbox' ? [input, ' ', label] : [label, input]));
}

/** Who has an account says which; who has none says their name. */
function follow(form) {
  const known = form.elements.known;
  if (!known) return;
  const show = (name, shown) => {
    const input = form.elements[name];
    input.required = shown;
    input.closest('label').hidden = !shown;
  };
  show('code', false);
  const change = () => {
    show('email', known.checked);
    show('firstName', !known.checked);
    show('lastName', !known.checked);
  };
  known.addEventListener('change', change);
  change();
}

function open() {
  const [title, told] = words[page];
  const { fields, send } = PAGES[page];
  document.documentElement.lang = language;
  document.title = `${title} · Clientele`;
  const wrong = element('p', { className: 'wrong', role: 'alert' });
  const button = element('button', {}, words.send);
  const form = element('form', {}, ...fields.map(field), wrong, button);
  const main = document.querySelector('main');
  main.replaceChildren(element('h1', {}, title), element('p', {}, told), form);
  follow(form);
  if (page !== 'forgotten' && token === '') {
    wrong.textContent = words.incomplete;
    button.disabled = true;
  }
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    wrong.textContent = '';
    try {
      const values = Object.fromEntries(new FormData(form));
      main.replaceChildren(element('h1', {}, title), element('p', { role: 'status' }, await send(values)));
    } catch (error) {
      wrong.textContent = error.message;
      button.disabled = false;
    }
  });
}

open();
