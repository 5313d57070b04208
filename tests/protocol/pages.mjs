// The pages behind the links in emails, in a real browser: PAGE_URL is the link, PAGE_VALUES what is typed (JSON), a list
// where a page asks once more; PAGE_LANGUAGES what the browser speaks. Prints what the page says in the end, and fails
// if it says that something is wrong. BROWSER is the program of another Chromium than `chromium`.

import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

const url = required('PAGE_URL');
const steps = [JSON.parse(required('PAGE_VALUES'))].flat();
const found = execFileSync('sh', ['-c', 'command -v "${BROWSER:-chromium}"']);

const browser = await chromium.launch({
  executablePath: found.toString().trim(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ locale: process.env.PAGE_LANGUAGES ?? 'en-GB' });
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) troubles.push(message.text());
  });
  await page.goto(url);
  let told = '';
  for (const step of steps) told = await send(page, step);
  if (troubles.length > 0) throw new Error(troubles.join('\n'));
  const said = await page.locator('[role=status]').isVisible();
  console[said ? 'log' : 'error'](told || 'the page says nothing');
  process.exitCode = said ? 0 : 1;
} finally {
  await browser.close();
}

/** Fills in what is given, where a person sees it, sends it, and waits for what the page says. */
async function send(page, values) {
  for (const [name, value] of Object.entries(values)) {
    const input = page.locator(`input[name=${name}]`);
    if (!(await input.isVisible())) throw new Error(`the page does not show ${name}`);
    await (value === true ? input.check() : input.fill(value));
  }
  const shown = await page.locator('input:visible:not([type=checkbox])').evaluateAll((inputs) =>
    inputs.filter((input) => input.value === '').map((input) => input.name));
  if (shown.length > 0) throw new Error(`not filled in: ${shown}`);
  const button = page.getByRole('button');
  if (await button.isEnabled()) await button.press('Enter');
  await page.locator('[role=status], [role=alert]:not(:empty)').waitFor();
  return (await page.locator('[role=status], [role=alert]').innerText()).trim();
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; this program is started by the integration tests`);
  return value;
}
