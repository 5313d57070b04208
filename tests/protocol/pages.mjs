// The pages behind the links in letters, filled in and sent as a person would: PAGE_URL is the link, PAGE_VALUES what is
// typed (JSON), a list where a page asks once more. Prints what the page says in the end, and fails if it says that something is wrong.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Window } from 'happy-dom';

const url = required('PAGE_URL');
const values = JSON.parse(required('PAGE_VALUES'));

const html = await (await fetch(url)).text();
const window = new Window({ url, settings: { disableJavaScriptFileLoading: true, disableCSSFileLoading: true } });
const { document } = window;
document.write(html);
const source = new URL(document.querySelector('script').getAttribute('src'), url);
const style = new URL(document.querySelector('link').getAttribute('href'), url);
if (!(await fetch(style)).ok) throw new Error(`${style} is missing`);
const script = await (await fetch(source)).text();

const browser = { document, location: window.location, FormData: window.FormData, navigator: { language: 'en-GB' } };
for (const [name, value] of Object.entries(browser)) Object.defineProperty(globalThis, name, { value });
const ask = globalThis.fetch;
globalThis.fetch = (path, options) => ask(new URL(path, url), options);
const folder = mkdtempSync(join(tmpdir(), 'page-'));
try {
  writeFileSync(join(folder, 'page.mjs'), script);
  await import(join(folder, 'page.mjs'));
} finally {
  rmSync(folder, { recursive: true });
}

const form = document.querySelector('form');
const said = () => document.querySelector('[role=status]')?.textContent;
const wrong = () => document.querySelector('[role=alert]')?.textContent;
for (const step of [values].flat()) await send(step);
if (!said()) {
  console.error(wrong() || 'the page says nothing');
  process.exit(1);
}
console.log(said());
process.exit(0);

/** Fills in what is given, and waits for what the page says. */
async function send(values) {
  const hidden = (input) => input.closest('label').hidden;
  for (const [name, value] of Object.entries(values)) {
    const input = form.elements[name];
    if (!input) throw new Error(`the page does not ask for ${name}`);
    if (input.type === 'checkbox') {
      input.checked = value;
      input.dispatchEvent(new window.Event('change'));
    } else if (hidden(input)) throw new Error(`the page hides ${name}`);
    else input.value = value;
  }
  const inputs = [...form.querySelectorAll('input')];
  const missing = inputs.filter((input) => input.required && !hidden(input) && !input.value);
  if (missing.length > 0) throw new Error(`not filled in: ${missing.map((input) => input.name)}`);
  form.dispatchEvent(new window.Event('submit', { cancelable: true }));
  const end = Date.now() + 20_000;
  while (!said() && !wrong() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; this program is started by the integration tests`);
  return value;
}
