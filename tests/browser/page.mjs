// Drives the page at / in Chromium against a running mesh; every claim is checked, screenshots are left for people.
//
// usage: node page.mjs HTTP_ADDRESS SCREENSHOT_FOLDER
//
// Exit code 0 when all holds.

import assert from 'node:assert/strict';
import { browser, gateway as origin, holds, open as openAt, sample, shot } from './support.mjs';

const left = sample('left.jpg'), right = sample('right.jpg');

async function open(options) {
  const opened = await openAt(`${origin}/`, options);
  await opened.page.waitForFunction(() => ['source', 'target'].every(id => document.querySelector(`#${id} .photo`).naturalWidth > 0));
  return opened;
}

async function match(point) {
  const form = new FormData();
  form.append('source', new Blob([left]), 'left.jpg');
  form.append('target', new Blob([right]), 'right.jpg');
  form.append('points', point);
  const answer = await fetch(`${origin}/v1/match`, { method: 'POST', body: form });
  assert.equal(answer.status, 200);
  return (await answer.json()).matches[0];
}

const row = (page, number) => page.locator('#matches tbody tr').nth(number - 1);

/** Waits for the answer of the nth point, and gives what its row says. */
async function answered(page, number) {
  await page.waitForFunction(n => document.querySelectorAll('#matches tbody tr')[n - 1]?.dataset.similarity !== undefined, number);
  return row(page, number).evaluate(tr => ({ source: tr.cells[1].textContent, ...tr.dataset }));
}

async function agrees(page, number) {
  const shown = await answered(page, number), expected = await match(shown.source.replace(' ', ''));
  assert.deepEqual([Number(shown.x), Number(shown.y)], [expected.target.x, expected.target.y]);
  assert.ok(Math.abs(Number(shown.similarity) - expected.similarity) < 1e-6);
  assert.deepEqual([Number(shown.cycle), shown.visible === 'true'], [expected.cycle_error_px, expected.visible]);
  return expected;
}

const overlaid = (page, id) => page.waitForFunction(id => {
  const image = document.querySelector(`#${id} .overlay`);
  return !image.hidden && image.complete && image.naturalWidth > 0;
}, id);

async function clickAt(page, x, y) {
  const box = await page.locator('#source').boundingBox();
  const [width, height] = await page.$eval('#source .photo', image => [image.naturalWidth, image.naturalHeight]);
  await page.locator('#source').click({ position: { x: (x + 0.5) / width * box.width, y: (y + 0.5) / height * box.height } });
}

async function fitsWidth(page) {
  const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(needed <= given, `${needed} px needed, ${given} given`);
}

try {
  console.log('desktop');
  const light = await open();
  {
    const { page } = light;
    await clickAt(page, 300, 230);
    const first = await agrees(page, 1);
    assert.ok(Math.abs(first.source.x - 300) <= 1 && Math.abs(first.source.y - 230) <= 1, `${first.source.x},${first.source.y}`);
    holds('a click matches the point under it, and shows what POST /v1/match answers');

    await overlaid(page, 'target');
    assert.ok(!await page.isVisible('#source .overlay'));
    const size = await page.$eval('#target .overlay', image => [image.naturalWidth / image.naturalHeight, image.parentElement.querySelector('.photo').naturalWidth / image.parentElement.querySelector('.photo').naturalHeight]);
    assert.ok(Math.abs(size[0] - size[1]) < 0.02, size.join());
    holds('the heat map lies over the target, in its shape');

    assert.match(await page.textContent('#curl'), /^curl -F source=@deploy\/samples\/left\.jpg -F target=@deploy\/samples\/right\.jpg .*points=/);
    holds('the curl command of the last action is shown');

    await page.focus('#source');
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'Shift+ArrowLeft']) await page.keyboard.press(key);
    assert.ok(await page.isVisible('#source .cursor'));
    await page.keyboard.press('Enter');
    const second = await agrees(page, 2);
    const step = await page.$eval('#source .photo', image => Math.round(Math.max(image.naturalWidth, image.naturalHeight) / 64));
    assert.deepEqual([second.source.x, second.source.y], [first.source.x + 2 * step - 1, first.source.y + step]);
    assert.match(await page.textContent('#said'), /^Point 2: .*similarity/);
    holds('arrow keys move the cursor, Enter matches, and the result is announced');

    await clickAt(page, 120, 330);
    await agrees(page, 3);
    await page.waitForFunction(() => document.querySelectorAll('#lines line').length === 3 && document.querySelectorAll('#target .mark').length === 3);
    holds('points stay, each with its mark and its line');

    await overlaid(page, 'target');
    await page.waitForFunction(() => document.getElementById('health-dot').classList.contains('up') && document.querySelectorAll('#processes li[data-serving=true]').length >= 3);
    await page.waitForFunction(() => /^\d+ of \d+$/.test(document.getElementById('queue').textContent));
    await page.waitForFunction(() => /memory [\d.]+ %/.test(document.querySelector('[data-tier=store]').textContent));
    await page.waitForFunction(() => ['features', 'matching'].every(name => /\d+ calls.*p50.*p99/.test(document.querySelector(`#latency [data-service=${name}]`)?.textContent)));
    holds('the panel tells health, queue, cache and where the time goes');
    await shot(page, 'page-light');

    await page.check('input[name=overlay][value=colours]');
    await overlaid(page, 'source');
    await overlaid(page, 'target');
    holds('feature colours lie over both pictures');
    await page.$eval('#opacity', range => { range.value = 90; range.dispatchEvent(new Event('input')); });
    await shot(page, 'page-colours', {});

    await page.check('input[name=overlay][value=none]');
    await page.click('#clear');
    await page.selectOption('#grid-size', '8');
    await page.click('#grid');
    await page.waitForFunction(() => /^Grid: \d+ of 64 positions visible/.test(document.getElementById('said').textContent));
    const visible = Number((await page.textContent('#said')).match(/\d+/)[0]);
    assert.ok(visible > 32, `${visible} of 64 visible`);
    assert.equal(await page.locator('#lines line').count(), visible);
    holds('a grid is matched and its visible matches are drawn');

    await page.fill('#tokens', '20');
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => document.getElementById('curl').textContent.includes('tokens=20') && /^Grid: /.test(document.getElementById('said').textContent));
    await page.fill('#tokens', '9999');
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => /^tokens: .*160.*9999/.test(document.getElementById('fault-text').textContent));
    await page.fill('#tokens', '');
    await page.keyboard.press('Tab');
    await page.click('#fault-close').catch(() => {});
    holds('another token count matches anew, and one past the bound is refused in the words of the mesh');

    const before = await page.textContent('#source-about');
    await page.setInputFiles('#source-file', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture at all') });
    await page.waitForFunction(() => document.getElementById('fault-text').textContent.startsWith('image'));
    const form = new FormData();
    form.append('image', new Blob(['no picture at all']), 'notes.txt');
    const problem = await (await fetch(`${origin}/v1/features`, { method: 'POST', body: form })).json();
    assert.equal(await page.textContent('#fault-text'), problem.detail);
    assert.equal(await page.textContent('#source-about'), before);
    holds('a file that is no picture is refused in the words of the mesh, and the picture before it stays');

    await page.setInputFiles('#source-file', { name: 'my photo.jpg', mimeType: 'image/jpeg', buffer: right });
    await page.waitForFunction(() => document.getElementById('source-about').textContent.startsWith('my photo.jpg'));
    await page.waitForFunction(() => document.getElementById('fault').hidden);
    await clickAt(page, 200, 200);
    const same = await answered(page, 1);
    assert.ok(Number(same.similarity) > 0.99 && Math.hypot(Number(same.x) - 200, Number(same.y) - 200) < 3, JSON.stringify(same));
    assert.match(await page.textContent('#curl'), /'source=@my photo\.jpg'/);
    holds('a chosen picture takes the place of the sample, and finds itself');

    await page.click('.key summary');
    await page.fill('#key', 'secret');
    const [listing] = await Promise.all([page.waitForRequest(request => request.url().endsWith('/v1/models')), page.keyboard.press('Tab')]);
    assert.equal(listing.headers()['x-api-key'], 'secret');
    assert.equal(await page.evaluate(() => Object.keys(localStorage).length), 0);
    holds('an API key goes along and is kept for the tab only');
    // The browser itself reports the two refusals that this test provoked.
    light.clean(['status of 400']);
    holds('no error, no breach of the policy, no request to another origin');
  }

  console.log('dark');
  const dark = await open({ colorScheme: 'dark' });
  await clickAt(dark.page, 300, 230);
  await clickAt(dark.page, 470, 150);
  await answered(dark.page, 2);
  await overlaid(dark.page, 'target');
  await dark.page.waitForFunction(() => document.querySelectorAll('#latency .split').length === 2);
  const ground = await dark.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.ok(ground.match(/\d+/g).every(part => Number(part) < 60), ground);
  await shot(dark.page, 'page-dark');
  dark.clean();
  holds('a dark scheme is followed');

  console.log('phone');
  const phone = await open({ viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await fitsWidth(phone.page);
  const spot = await phone.page.locator('#source').boundingBox();
  await phone.page.touchscreen.tap(spot.x + spot.width * 0.4, spot.y + spot.height * 0.45);
  await agrees(phone.page, 1);
  await overlaid(phone.page, 'target');
  await phone.page.waitForFunction(() => document.querySelectorAll('#latency .split').length === 2);
  await fitsWidth(phone.page);
  assert.ok(await phone.page.locator('#matches').evaluate(table => table.offsetWidth <= table.parentElement.clientWidth), 'the table of matches is cut off');
  await shot(phone.page, 'page-phone');
  phone.clean();
  holds("a tap matches on a phone's width, and nothing overflows");
} finally {
  await browser.close();
}
