// What the browser tests share: their arguments, Chromium, and a page that tells what it must not do.
//
// Each is called as: node NAME.mjs HTTP_ADDRESS SCREENSHOT_FOLDER
// PLAYWRIGHT is the folder of playwright-core (default: the one that tests/run installs), CHROMIUM the browser's program (default:
// /usr/bin/chromium), TIMEOUT how long a page may take for anything, ms.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT ?? path.join(root, 'artifacts/tools/node_modules/playwright-core'));
const [address, shots] = process.argv.slice(2);
if (!shots) {
  console.error(`usage: node ${path.basename(process.argv[1])} HTTP_ADDRESS SCREENSHOT_FOLDER`);
  process.exit(2);
}

mkdirSync(shots, { recursive: true });

/** Where the gateway is, without a slash at the end. */
export const gateway = new URL(address).origin;

/** A file of the samples that are shipped. */
export const sample = name => readFileSync(path.join(root, 'deploy/samples', name));

export const holds = claim => console.log(`  holds: ${claim}`);

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** Opens an address and collects everything that a page must not do; clean() says that it has not. */
export async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage(), faults = [], asked = [], origin = new URL(url).origin;
  page.setDefaultTimeout(Number(process.env.TIMEOUT ?? 60_000));
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) faults.push(`${message.text()} (${message.location().url})`); });
  page.on('pageerror', error => faults.push(String(error)));
  page.on('request', request => asked.push(request.url()));
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  const answer = await page.goto(url);
  assert.equal(answer.status(), 200);
  assert.ok(!/unsafe/.test(answer.headers()['content-security-policy']) && /default-src 'none'/.test(answer.headers()['content-security-policy']));
  return {
    context, page, faults,
    clean(expected = []) {
      assert.deepEqual(faults.filter(fault => !expected.some(one => fault.includes(one))), []);
      assert.deepEqual(asked.filter(url => !url.startsWith(`${origin}/`) && !url.startsWith(`blob:${origin}/`)), []);
    },
  };
}

/** Waits until an element's text is as expected. */
export const text = (page, id, expected) => page.waitForFunction(([id, source]) => new RegExp(source).test(document.getElementById(id).textContent), [id, expected.source]);

export const fitsWidth = async page => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, 'the page is wider than the window');

export const shot = (page, name, options) => page.screenshot({ path: path.join(shots, `${name}.png`), ...(options ?? { fullPage: true }) });

// --- a mesh that is played: the pages' own files come from the gateway, answers from the test

/** Passes a request for a page's file on to the gateway. */
export async function passOn(asked, answer) {
  const file = await fetch(gateway + asked.url);
  answer.writeHead(file.status, { ...Object.fromEntries([...file.headers].filter(([name]) => !['content-length', 'content-encoding', 'transfer-encoding', 'connection', 'date'].includes(name))) });
  answer.end(Buffer.from(await file.arrayBuffer()));
}

/** Starts a server on a free port of the loopback and returns its origin. */
export async function serve(server) {
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

export const json = (answer, value, status = 200) => {
  answer.writeHead(status, { 'content-type': 'application/json' });
  answer.end(JSON.stringify(value));
};
