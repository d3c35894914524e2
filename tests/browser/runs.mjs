// Drives the page of runs in Chromium; every claim is checked, screenshots are left for people.
//
// usage: node runs.mjs HTTP_ADDRESS SCREENSHOT_FOLDER
//
// The page's files come from the gateway at HTTP_ADDRESS; the jobs are played by a server in here, so that a run takes seconds, its stream
// can be cut, and each answer is known. Exit code 0 when all holds.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { browser, fitsWidth, holds, json, open as openAt, passOn, sample, serve, shot, text } from './support.mjs';

// --- the mesh that is played

const digest = letter => letter.repeat(64);
const figures = value => ({ ape: 0.2 - value / 4, pcdp_005: value * 0.6, pcdp_010: value, pcdp_020: Math.min(1, value * 1.3) });
const change = (name, before, after, error) => ({ name, before: figures(before), after: figures(after), pcdp_010_change: after - before, ...error && { pcdp_010_change_error: error } });
const verdict = accepted => ({
  accepted, reasons: accepted ? [] : ['reference: PCDP@0.1 may fall by at most 0.02 on the mean, it fell by 0.041'], elapsed_s: 83.5, own: change('own', 0.412, 0.548, 0.012),
  reference_mean: change('reference', 0.52, accepted ? 0.526 : 0.479), references: ['torus knot', 'teapot of many spouts', 'bunny', 'stairs', 'gear'].map((name, i) => change(name, 0.4 + i / 20, (accepted ? 0.41 : 0.36) + i / 19)),
});
const recipe = { loss: 'smooth_ap', conv_layers: 1, lora_rank: 4, lora_blocks: 4, learning_rate: 1e-5, weight_decay: 1e-4, clip_norm: 1, iterations: 200, tokens: 28, keypoints: 3000, max_angle: 120, augment: true, cache_trunk: true, pool_size: 16, seed: 42 };
const created = new Date(Date.now() - 600_000).toISOString();
const jobOf = (id, state, more = {}) => ({
  id, state, kind: 'finetune', model: 'compact', model_digest: digest('a'), view_count: 42, mesh_digest: digest('b'), thread_count: 1, create_time: created, pictures: [], measure_count: 10, recipe, ...more,
});
const adapter = { digest: digest('e'), size: 123456, card: { schema_version: 1 } };
const jobs = new Map([
  jobOf('refused', 'succeeded', { display_name: 'an object with quite a long name, as people give them', verdict: verdict(false), adapter, start_time: created, end_time: new Date().toISOString() }),
  jobOf('measured', 'succeeded', { kind: 'evaluate', recipe: undefined, verdict: verdict(true) }),
  jobOf('broken', 'failed', { display_name: 'duck', reason: 'the disk is full: 4096 bytes needed, 0 left' }),
].map(job => [job.id, job]));
const names = [];
const seen = { creates: [], streams: [], publishes: [], rollbacks: [], pictures: 0, keys: new Set() };
const listeners = new Map();   // open streams by job

const problem = (answer, status, detail, errors) => {
  answer.writeHead(status, { 'content-type': 'application/problem+json' });
  answer.end(JSON.stringify({ type: 'about:blank', title: 'x', status, detail, errors }));
};
const tell = (id, event, data) => { for (const stream of listeners.get(id) ?? []) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n${event === 'progress' || event === 'measurement' ? `id: ${data.step}\n` : ''}\n`); };
const altered = (id, more) => { jobs.set(id, { ...jobs.get(id), ...more }); tell(id, 'job', jobs.get(id)); };
const cut = id => { for (const stream of listeners.get(id) ?? []) stream.destroy(); };
const finish = id => { for (const stream of listeners.get(id) ?? []) stream.end(); };
const until = async (holdsNow, what) => { for (let i = 0; !holdsNow(); i++) { assert.ok(i < 300, `${what}: not within 30 s`); await new Promise(resolve => setTimeout(resolve, 100)); } };

const server = createServer(async (asked, answer) => {
  const url = new URL(asked.url, 'http://localhost'), parts = url.pathname.split('/').map(decodeURIComponent);
  const chunks = [];
  for await (const chunk of asked) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('latin1');
  if (!url.pathname.startsWith('/v1/')) {
    await passOn(asked, answer);
    return;
  }
  seen.keys.add(asked.headers['x-api-key'] ?? '');
  const [, , what, id, part, name] = parts;
  if (what === 'models') return json(answer, { default_model: 'compact', min_tokens: 8, max_tokens: 160, models: [{ name: 'compact', digest: digest('a'), patch_size: 14, width: 192, depth: 8, default_tokens: 40, adapters: names.map(({ name, digest }) => ({ name, digest })) }] });
  if (what === 'status') return json(answer, { serving: true, processes: [] });
  if (what === 'adapters') {
    if (asked.method === 'PUT') {
      seen.publishes.push([id, url.searchParams.get('job')]);
      if (id === 'Not A Name') return problem(answer, 400, "name: a-z, 0-9, dot, dash and underscore allowed, 'Not A Name' given", [{ field: 'name', message: 'x' }]);
      names.push({ name: id, digest: digest('e'), model: 'compact', versions: [{ digest: digest('e'), model: 'compact', publish_time: new Date().toISOString(), job: url.searchParams.get('job') }, { digest: digest('d'), model: 'compact' }] });
      return json(answer, names.at(-1));
    }
    if (asked.method === 'POST') {
      seen.rollbacks.push([id, url.searchParams.get('digest')]);
      const rolled = names.find(one => `${one.name}:rollback` === id);
      rolled.digest = rolled.versions.find(version => version.digest !== rolled.digest).digest;
      return json(answer, rolled);
    }
    return json(answer, { adapters: names });
  }
  if (!id && asked.method === 'POST') {
    seen.creates.push(body);
    if (/name="?iterations"?\r\n\r\n0\r\n/.test(body)) return problem(answer, 400, 'iterations: 1 to 1000000 allowed, 0 given', [{ field: 'iterations', message: 'x' }]);
    jobs.set('new', jobOf('new', 'queued', { display_name: 'cup', queue_position: 1, publish_as: 'my-cup' }));
    return json(answer, jobs.get('new'), 201);
  }
  if (!id) return json(answer, { jobs: [...jobs.values()].reverse() });
  const [known, deed] = id.split(':'), job = jobs.get(known);
  if (!job) return problem(answer, 404, `job: there is none called '${known}'`);
  if (deed === 'cancel') { altered(known, { state: 'cancelled' }); finish(known); return json(answer, jobs.get(known)); }
  if (deed === 'resume') { altered(known, { state: 'queued', reason: undefined }); return json(answer, jobs.get(known)); }
  if (!part) return json(answer, job);
  if (part === 'pictures') {
    seen.pictures++;
    answer.writeHead(200, { 'content-type': 'image/jpeg', 'cache-control': 'no-store' });
    return answer.end(sample({ training: 'matches.jpg', view: 'matches.jpg', matches_before: 'matches.jpg', matches_after: 'matches.jpg', colours_before: 'left.jpg' }[name] ?? 'right.jpg'));
  }
  if (part === 'report') return json(answer, { accepted: true });
  assert.equal(part, 'events');
  const after = Number(asked.headers['last-event-id'] ?? 0);
  seen.streams.push([known, after]);
  answer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  if (!listeners.has(known)) listeners.set(known, new Set());
  listeners.get(known).add(answer);
  answer.on('close', () => listeners.get(known).delete(answer));
  answer.write(`event: job\ndata: ${JSON.stringify(job)}\n\n`);
  if (['succeeded', 'failed', 'cancelled'].includes(job.state)) answer.end();
});
const origin = await serve(server);
const open = (where, options) => openAt(origin + where, options);

try {
  console.log('all runs');
  const { page, clean } = await open('/runs');
  await page.waitForFunction(() => document.querySelectorAll('#list li').length === 3);
  assert.deepEqual(await page.locator('#list .state').allTextContents(), ['failed', 'succeeded', 'refused by the gate']);
  holds('runs are listed, the newest first, and what the gate refused is no success');

  await page.click('#go');
  await text(page, 'go-said', /mesh or a zip of views is needed/);
  await page.setInputFiles('#files', [{ name: 'cup.png', mimeType: 'image/png', buffer: Buffer.from('texture') }, { name: 'cup.glb', mimeType: 'model/gltf-binary', buffer: Buffer.from('glTF') }]);
  await page.fill('[name=iterations]', '0');
  await page.click('#go');
  await text(page, 'fault-text', /^iterations: 1 to 1000000 allowed, 0 given$/);
  assert.equal(await page.getAttribute('[name=iterations]', 'aria-invalid'), 'true');
  holds('a refusal is shown in the words of the mesh, at its field');
  await page.setInputFiles('#files', [{ name: 'cup.zip', mimeType: 'application/zip', buffer: Buffer.from('PK') }]);
  await page.fill('[name=object_id]', '5');
  assert.match(await page.textContent('#curl'), /^curl -F views=@cup\.zip .*--form-string object_id=5/);
  assert.equal(await page.isVisible('[name=view_count]'), false);
  await page.setInputFiles('#files', [{ name: 'cup.png', mimeType: 'image/png', buffer: Buffer.from('texture') }, { name: 'cup.glb', mimeType: 'model/gltf-binary', buffer: Buffer.from('glTF') }]);
  assert.equal(await page.isVisible('[name=object_id]'), false);
  assert.doesNotMatch(await page.textContent('#curl'), /object_id/);
  holds('a zip is sent as views, with the fields that go with it');
  await shot(page, 'runs-light');
  await page.fill('[name=iterations]', '200');
  await page.fill('[name=publish_as]', 'my-cup');
  assert.match(await page.textContent('#curl'), /-F mesh=@cup\.glb -F resource=@cup\.png .*--form-string iterations=200/);
  await Promise.all([page.waitForURL(`${origin}/runs/new`), page.click('#go')]);
  const sent = seen.creates.at(-1);
  for (const [name, value] of [['display_name', 'cup'], ['iterations', '200'], ['tokens', '28'], ['cache_trunk', 'true'], ['publish_as', 'my-cup'], ['model', 'compact']])
    assert.ok(new RegExp(`name="${name}"\r\n\r\n${value}\r\n`).test(sent), `${name}=${value} was not sent`);
  assert.ok(/name="mesh"; filename="cup\.glb"/.test(sent) && /name="resource"; filename="cup\.png"/.test(sent) && !/name="(seed|augment|view_count)"/.test(sent));
  holds('the form sends the mesh, what it names and what was typed, nothing else, and leads to the run');

  console.log('one run');
  await text(page, 'state', /^queued$/);
  await page.waitForFunction(() => document.getElementById('link').textContent === 'live');
  altered('new', { state: 'running', queue_position: undefined, start_time: created });
  for (let step = 10; step <= 90; step += 10) tell('new', 'progress', { step, loss: 0.9 - step / 400 + Math.sin(step) / 60, gradient_norm: 1, steps_per_second: 2.5, remaining_s: (200 - step) / 2.5, live_tensor_count: 1, cache_size: 1 });
  await text(page, 'steps-done', /^step 90 of 200$/);
  await text(page, 'steps-left', /^2\.50 steps\/s · about 44 s left$/);
  assert.equal((await page.getAttribute('#loss .curve.c0', 'points')).split(' ').length, 9);
  jobs.get('new').pictures = ['training', 'view', 'colours_before', 'colours_after', 'matches_before', 'matches_after', 'curves'];
  for (const step of [0, 20, 40, 60, 80]) tell('new', 'measurement', { step, figures: figures(0.41 + step / 700) });
  await page.waitForFunction(() => document.querySelectorAll('#samples img').length === 6 && [...document.querySelectorAll('#samples img')].every(img => img.naturalWidth > 0));
  await page.waitForFunction(() => document.querySelectorAll('#pcdp circle').length === 15);
  holds('events draw curves, steps and time left; pictures come with the first measurement');

  const before = seen.pictures, sources = await page.locator('#samples img').evaluateAll(images => images.map(image => image.src));
  tell('new', 'measurement', { step: 100, figures: figures(0.56) });
  await page.waitForFunction(old => [...document.querySelectorAll('#samples img')].every((image, i) => image.src !== old[i]), sources);
  assert.ok(seen.pictures >= before + 6);
  await text(page, 'pictures-said', /^after step 100$/);
  holds('each measurement fetches the pictures anew');

  await page.hover('#pcdp svg', { position: { x: 48, y: 80 } });
  await text(page, 'pcdp', /within 0\.1 0\.410.*step 0/);
  await page.focus('#loss svg');
  await page.keyboard.press('ArrowRight');
  await text(page, 'loss', /step 10/);
  await page.mouse.move(5, 5);
  holds('values are read off by pointer and by keys');
  await shot(page, 'run-training');

  cut('new');
  await text(page, 'link', /connection lost/);
  await until(() => seen.streams.filter(([id]) => id === 'new').length === 2, 'coming back');
  assert.deepEqual(seen.streams.at(-1), ['new', 100]);
  tell('new', 'progress', { step: 200, loss: 0.31, gradient_norm: 1, steps_per_second: 2.5, remaining_s: 0, live_tensor_count: 1, cache_size: 1 });
  await text(page, 'steps-done', /^step 200 of 200$/);
  assert.equal((await page.getAttribute('#loss .curve.c0', 'points')).split(' ').length, 10);
  holds('a stream that is cut is taken up where it ended, and nothing drawn is lost');

  tell('new', 'gauge', { object: 'torus knot', done: 12, total: 80 });
  await text(page, 'gauge-what', /torus knot/);
  await text(page, 'gauge-done', /^12 of 80$/);
  altered('new', { state: 'succeeded', verdict: verdict(true), adapter, end_time: new Date().toISOString() });
  finish('new');
  await text(page, 'verdict', /^accepted$/);
  assert.equal(await page.locator('#bars .object').count(), 7);
  await text(page, 'bars', /0\.412 → 0\.548\+0\.136 ± 0\.012/);
  assert.ok(await page.isHidden('#gauge') && await page.isHidden('#cancel') && await page.isVisible('#publish') && await page.isVisible('#download'));
  assert.equal(await page.getAttribute('#download', 'href'), '/v1/jobs/new/adapter');
  holds('the gate is followed, then its verdict stands with a pair of bars for each object');

  await page.fill('#publish-name', 'Not A Name');
  await page.click('#publish button');
  await text(page, 'fault-text', /^name: a-z/);
  await page.fill('#publish-name', 'my-cup');
  await page.click('#publish button');
  await text(page, 'run-names', /my-cup.*means this run’s adapter since/);
  assert.deepEqual(seen.publishes.at(-1), ['my-cup', 'new']);
  assert.equal(await page.getAttribute('#run-names a.button', 'href'), '/?model=compact&adapter=my-cup');
  await shot(page, 'run-light');
  await page.click('#run-names button:text("Roll back")');
  await text(page, 'run-names', /means dddddddddd/);
  assert.deepEqual(seen.rollbacks.at(-1), ['my-cup:rollback', null]);
  holds('an accepted adapter is published under a name and rolled back again');

  await page.goto(`${origin}/?model=compact&adapter=my-cup`);
  await page.waitForFunction(() => document.getElementById('adapter').value === 'my-cup');
  holds('the page that matches pictures opens with the adapter chosen');
  clean(['status of 400', 'ERR_INCOMPLETE_CHUNKED_ENCODING']);
  await page.context().close();

  console.log('a run that failed, with a key');
  const failed = await open('/runs/broken');
  await text(failed.page, 'why', /disk is full/);
  await failed.page.click('.key summary');
  await failed.page.fill('#key', 'secret');
  seen.keys.clear();
  await Promise.all([failed.page.waitForEvent('load'), failed.page.keyboard.press('Tab')]);
  await failed.page.waitForFunction(() => document.getElementById('why').textContent.includes('disk'));
  await until(() => seen.streams.at(-1)[0] === 'broken', 'following');
  assert.deepEqual([...seen.keys], ['secret']);
  holds('a key goes along with every question, the stream of events too');
  await failed.page.click('#resume');
  await text(failed.page, 'state', /^queued$/);
  await failed.page.waitForFunction(() => document.getElementById('link').textContent === 'live');
  await failed.page.click('#cancel');
  await text(failed.page, 'state', /^cancelled$/);
  await failed.page.waitForFunction(() => document.getElementById('link').textContent === '');
  holds('a failed run says why, is resumed and followed again, and cancelled');
  failed.clean();

  const missing = await open('/runs/nothing');
  await text(missing.page, 'fault-text', /there is none called 'nothing'/);
  holds('a run that there is not is said to be none');
  missing.clean(['status of 404']);

  console.log('dark');
  const dark = await open('/runs/refused', { colorScheme: 'dark' });
  await text(dark.page, 'verdict', /^refused$/);
  await text(dark.page, 'reasons', /may fall by at most 0\.02/);
  assert.ok(await dark.page.isHidden('#publish'));
  await shot(dark.page, 'run-dark');
  dark.clean();
  holds('what the gate refused says why and cannot be published');

  console.log('phone');
  const small = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
  const phone = await open('/runs', small);
  await phone.page.waitForFunction(() => document.querySelectorAll('#list li').length === 4 && document.querySelectorAll('#names > li').length === 1);
  await fitsWidth(phone.page);
  await shot(phone.page, 'runs-phone');
  await phone.page.goto(`${origin}/runs/new`);
  await text(phone.page, 'verdict', /^accepted$/);
  await phone.page.waitForFunction(() => document.querySelectorAll('#samples img').length === 6);
  await fitsWidth(phone.page);
  await shot(phone.page, 'run-phone');
  phone.clean();
  holds("nothing overflows on a phone's width");
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
