// Drives the page of poses in Chromium; every claim is checked, screenshots are left for people.
//
// usage: node poses.mjs HTTP_ADDRESS SCREENSHOT_FOLDER
//
// The page's files come from the gateway at HTTP_ADDRESS; objects and poses are played by a server in here, so that each answer is known and
// comes when it should. At the end the gateway itself is asked, with an object that takes seconds to make. Exit code 0 when all holds.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { browser, fitsWidth, gateway, holds, json, open as openAt, passOn, sample, serve, shot, text } from './support.mjs';

const photo = { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: sample('left.jpg') };
const mesh = name => ({ name, mimeType: 'model/gltf-binary', buffer: Buffer.from('glTF') });

// --- the mesh that is played

const objectOf = (id, more) => ({
  id, create_time: new Date().toISOString(), source: 'mesh', identity: { model: 'compact', model_digest: 'a'.repeat(64) }, tokens: 40, pictures: 42, kept: 5120, diameter_m: 0.24,
  box: { least: [-0.1, -0.05, -0.06], greatest: [0.1, 0.05, 0.06] }, has_mesh: true, findings: [], ...more,
});
const objects = new Map();
const seen = { creates: [], poses: [], deletes: [], atOnce: 0 };
let under = 0, letGo = null, next = () => ({});

// Turned by 30 degrees about x, 1 m away and to the left: three of its sides are seen.
const [cos, sin] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
const matrix = [[1, 0, 0, -0.2], [0, cos, -sin, 0.02], [0, sin, cos, 1], [0, 0, 0, 1]];
const project = ([x, y, z], { fx, fy, cx, cy }) => {
  const [a, b, c] = matrix.slice(0, 3).map(row => row[0] * x + row[1] * y + row[2] * z + row[3]);
  return [fx * a / c + cx, fy * b / c + cy];
};
const outlineOf = camera => [[-0.1, -0.05, -0.06], [-0.1, 0.05, -0.06], [0.1, 0.05, -0.06], [0.1, 0.05, 0.06], [0.1, -0.05, 0.06], [-0.1, -0.05, 0.06]].map(corner => project(corner, camera));

const problem = (answer, status, errors) => {
  answer.writeHead(status, { 'content-type': 'application/problem+json' });
  answer.end(JSON.stringify({ type: 'about:blank', title: 'x', status, detail: errors.map(({ field, message }) => `${field}: ${message}`).join('; '), errors }));
};
const valueIn = (body, name) => body.match(new RegExp(`name="?${name}"?\r\n\r\n(.*?)\r\n`))?.[1];
const until = async (holdsNow, what) => { for (let i = 0; !holdsNow(); i++) { assert.ok(i < 300, `${what}: not within 30 s`); await new Promise(resolve => setTimeout(resolve, 100)); } };

const server = createServer(async (asked, answer) => {
  const url = new URL(asked.url, 'http://localhost'), chunks = [];
  for await (const chunk of asked) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('latin1');
  if (!url.pathname.startsWith('/v1/')) {
    await passOn(asked, answer);
    return;
  }
  const [, , what, id] = url.pathname.split('/').map(decodeURIComponent);
  if (what === 'objects' && asked.method === 'GET') {
    // Two to a page, so that pages have to be asked for.
    const all = [...objects.values()], from = Number(url.searchParams.get('page_token') ?? 0);
    return json(answer, { objects: all.slice(from, from + 2), next_page_token: from + 2 < all.length ? String(from + 2) : undefined });
  }
  if (what === 'objects' && asked.method === 'DELETE') {
    seen.deletes.push(id);
    objects.delete(id);
    return json(answer, {});
  }
  if (what === 'objects') {
    seen.creates.push(body);
    const name = valueIn(body, 'id');
    if (objects.has(name)) return problem(answer, 409, [{ field: 'id', message: `'${name}' is taken` }]);
    await new Promise(resolve => { letGo = resolve; });
    objects.set(name, objectOf(name));
    return json(answer, objects.get(name), 201);
  }
  assert.equal(what, 'pose');
  seen.poses.push(body);
  const camera = Object.fromEntries(['fx', 'fy', 'cx', 'cy'].map(name => [name, Number(valueIn(body, name))]));
  if (!(camera.fx > 0)) return problem(answer, 400, [{ field: 'fx', message: `must be above 0, ${camera.fx} given` }]);
  seen.atOnce = Math.max(seen.atOnce, ++under);
  await new Promise(resolve => setTimeout(resolve, 120));
  under--;
  json(answer, {
    poses: [{ object: valueIn(body, 'object'), status: 'solved', best: { object_to_camera: matrix }, alternatives: [], confidence: 0.874, matches: 512, inliers: 301, noise_px: 1.26, outline: outlineOf(camera), findings: [], ...next() }],
    image_size: { width: 640, height: 480 }, timings: { features_ms: 181.2, matching_ms: 64.9, solver_ms: 22.4, total_ms: 270.3 },
  });
});
const origin = await serve(server);
const open = (where, { from = origin, ...options } = {}) => openAt(from + where, options);

const errorAt = (page, selector) => page.evaluate(selector => document.getElementById(document.querySelector(selector).getAttribute('aria-describedby') ?? '')?.textContent ?? null, selector);
const ends = (page, kind) => page.locator(`#drawing line.${kind}:not(.halo)`).evaluateAll(lines => lines.map(line => ['x1', 'y1', 'x2', 'y2'].map(name => Number(line.getAttribute(name)))));
const near = (given, expected, tolerance = 1e-3) => given.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < tolerance, `${given} is not ${expected}`));

/** A cube of 20 cm with a colour at each corner, as a PLY. */
function cube() {
  const corners = [...Array(8).keys()].map(i => [i & 1, i >> 1 & 1, i >> 2]);
  const faces = ['0 2 3', '0 3 1', '4 5 7', '4 7 6', '0 1 5', '0 5 4', '2 6 7', '2 7 3', '0 4 6', '0 6 2', '1 3 7', '1 7 5'];
  return `ply\nformat ascii 1.0\nelement vertex 8\n${['x', 'y', 'z'].map(name => `property float ${name}\n`).join('')}${['red', 'green', 'blue'].map(name => `property uchar ${name}\n`).join('')}element face 12\nproperty list uchar int vertex_indices\nend_header\n${corners.map(corner => `${corner.map(value => value * 0.2 - 0.1).join(' ')} ${corner.map(value => 40 + 180 * value).join(' ')}`).join('\n')}\n${faces.map(face => `3 ${face}`).join('\n')}\n`;
}

/** A clip of a moving square, made by the browser itself; given to the page as a chosen file. */
const chooseClip = page => page.evaluate(async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 }), drawing = canvas.getContext('2d'), parts = [];
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/webm' });
  recorder.ondataavailable = event => parts.push(event.data);
  const over = new Promise(resolve => { recorder.onstop = resolve; });
  recorder.start();
  for (let i = 0; i < 60; i++) {
    drawing.fillStyle = '#345';
    drawing.fillRect(0, 0, 320, 240);
    drawing.fillStyle = '#fc6';
    drawing.fillRect(40 + 3 * i, 80, 60, 60);
    await new Promise(resolve => setTimeout(resolve, 33));
  }
  recorder.stop();
  await over;
  const given = new DataTransfer();
  given.items.add(new File(parts, 'clip.webm', { type: 'video/webm' }));
  document.getElementById('file').files = given.files;
  document.getElementById('file').dispatchEvent(new Event('change'));
});

try {
  console.log('registering');
  const { page, clean } = await open('/poses');
  await text(page, 'list-said', /^None yet/);
  assert.ok(await page.isDisabled('#find') && await page.isDisabled('#camera [name=fx]'));
  await page.click('#go');
  assert.match(await errorAt(page, '#mesh-files'), /mesh or a zip/);
  assert.match(await errorAt(page, '[name=id]'), /id is needed/);
  holds('what is missing is said at its fields');
  await shot(page, 'poses-empty');

  await page.setInputFiles('#mesh-files', [{ name: 'Cup of tea.png', mimeType: 'image/png', buffer: Buffer.from('texture') }, mesh('Cup of tea.obj')]);
  assert.equal(await page.inputValue('[name=id]'), 'cup-of-tea');
  assert.equal(await errorAt(page, '[name=id]'), null);
  await page.setInputFiles('#mesh-files', [{ name: 'views.zip', mimeType: 'application/zip', buffer: Buffer.from('PK') }]);
  assert.ok(await page.isHidden('#unit') && await page.isHidden('#symmetries'));
  assert.match(await page.textContent('#make-curl'), /-F views=@views\.zip --form-string id=views /);
  await page.setInputFiles('#mesh-files', [{ name: 'Cup of tea.png', mimeType: 'image/png', buffer: Buffer.from('texture') }, mesh('Cup of tea.obj')]);
  await page.fill('[name=id]', 'cup');
  await page.selectOption('[name=mesh_unit_m]', '0.01');
  await page.check('[name=detect_symmetries]');
  await page.click('#go');
  await until(() => letGo, 'the upload');
  letGo = null;
  await page.click('#stop');
  await text(page, 'go-said', /^Stopped; nothing was kept\.$/);
  holds('what is being made can be stopped');
  await page.click('#go');
  await text(page, 'making-for', /^\d+ s$/);
  assert.ok(await page.isVisible('#making') && await page.isDisabled('#go') && await page.isVisible('#stop'));
  await until(() => letGo, 'the upload');
  letGo();
  await text(page, 'go-said', /^cup is there after \d+ s: 20 × 10 × 12 cm/);
  const sent = seen.creates.at(-1);
  assert.deepEqual(['id', 'mesh_unit_m', 'detect_symmetries'].map(name => valueIn(sent, name)), ['cup', '0.01', 'true']);
  assert.ok(/name="mesh"; filename="Cup of tea\.obj"/.test(sent) && /name="resource"; filename="Cup of tea\.png"/.test(sent));
  assert.equal(await page.inputValue('#object'), 'cup');
  await text(page, 'objects', /20 × 10 × 12 cm · from its mesh.*compact, 40 tokens/);
  assert.ok(await page.isHidden('#making') && await page.isEnabled('#go'));
  holds('a mesh is sent with what it names, its unit and the wish for symmetries; its object is listed with its size, and chosen');

  await page.click('#go');
  await page.waitForFunction(() => document.querySelector('[name=id]').getAttribute('aria-invalid') === 'true');
  assert.equal(await errorAt(page, '[name=id]'), "'cup' is taken");
  assert.ok(await page.isHidden('#fault'));
  assert.ok(await page.evaluate(() => document.activeElement.name === 'id'));
  holds('a refusal is said at its field, which gets the focus');

  console.log('a photo');
  const register = () => page.locator('#register').evaluate(section => section.getBoundingClientRect().top + scrollY);
  await page.setInputFiles('#file', [photo]);
  await text(page, 'verdict', /^Likely right: 87 %$/);
  const [width, height] = (await page.textContent('#about')).match(/(\d+) × (\d+)/).slice(1).map(Number);
  const guess = { fx: 1.2 * Math.max(width, height), fy: 1.2 * Math.max(width, height), cx: (width - 1) / 2, cy: (height - 1) / 2 };
  for (const [name, value] of Object.entries(guess)) {
    near([Number(valueIn(seen.poses.at(-1), name))], [value]);
    near([Number(await page.inputValue(`#camera [name=${name}]`))], [value]);
  }
  assert.deepEqual([valueIn(seen.poses.at(-1), 'object'), valueIn(seen.poses.at(-1), 'outline'), await page.textContent('#camera-kind')], ['cup', 'true', 'a guess']);
  holds('the camera is a guess, called one, and goes along');
  near((await page.getAttribute('#drawing polygon.outline', 'points')).split(/[ ,]/).map(Number), outlineOf(guess).flat());
  for (const [kind, end] of [['x', [0.12, 0, 0]], ['y', [0, 0.12, 0]], ['z', [0, 0, 0.12]]])
    near((await ends(page, `axis.${kind}`))[0], [...project([0, 0, 0], guess), ...project(end, guess)]);
  assert.deepEqual(await page.locator('#drawing text').allTextContents(), ['x', 'y', 'z']);
  holds('outline and axes lie where the camera sees them');
  assert.equal((await ends(page, 'edge')).length, 0);
  await page.check('#show-box');
  assert.equal((await ends(page, 'edge')).length, 12);
  // Those of the corner that is farthest.
  assert.equal((await ends(page, 'behind')).length, 3);
  holds('the box is drawn when it is wanted, what it hides itself dotted');
  assert.equal(await page.getAttribute('#sure', 'aria-valuenow'), '87');
  assert.equal(await page.textContent('#position'), '−20.0, 2.0, 100.0 cm');
  assert.match(await page.textContent('#rotation'), /^w 0\.966 x 0\.259 y 0\.000 z 0\.000$/);
  assert.equal(await page.textContent('#matches'), '301 of 512 fit, to 1.3 px');
  assert.deepEqual(await Promise.all(['total', 'features-ms', 'matching-ms', 'solver-ms'].map(id => page.textContent(`#${id}`))), ['270 ms', '181 ms', '65 ms', '22 ms']);
  await text(page, 'said', /^cup: Likely right: 87 %. Position −20\.0, 2\.0, 100\.0 cm\./);
  holds('confidence in words and percent, the pose, and where the time went; said aloud, too');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  await page.click('#copy');
  await text(page, 'copy', /^Copied$/);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'object cup\nposition_cm -20.000 2.000 100.000\nrotation_wxyz 0.965926 0.258819 0.000000 0.000000\nconfidence 0.874');
  holds('the pose is copied as text');
  await shot(page, 'poses-light');

  const before = await register();
  await page.fill('#camera [name=fx]', '700');
  await page.keyboard.press('Tab');
  await until(() => valueIn(seen.poses.at(-1), 'fx') === '700', 'asking anew');
  assert.equal(valueIn(seen.poses.at(-1), 'fy'), '700');
  await text(page, 'verdict', /^Likely right/);
  assert.equal(await page.textContent('#camera-kind'), 'yours');
  assert.equal(await register(), before);
  holds('another focal length asks anew, the other one follows, and nothing on the page moves');
  await page.fill('#camera [name=fx]', '-3');
  await page.keyboard.press('Tab');
  await text(page, 'verdict', /^Not looked for$/);
  assert.equal(await errorAt(page, '#camera [name=fx]'), 'must be above 0, -3 given');
  assert.equal(await page.locator('#drawing *').count(), 0);
  holds('a number that the mesh refuses is refused at its field, and nothing old stays drawn');
  await page.fill('#camera [name=fx]', '700');
  await page.keyboard.press('Tab');
  await text(page, 'verdict', /^Likely right/);
  assert.equal(await errorAt(page, '#camera [name=fx]'), null);

  next = () => ({ status: 'no_consensus', best: undefined, confidence: 0, inliers: 0, outline: [], findings: [{ kind: 'swapped_focal', message: 'camera: fx and fy look swapped: 700 and 650 given, 650 and 700 would fit better' }] });
  await page.click('#find');
  await text(page, 'verdict', /^No pose$/);
  await text(page, 'why', /do not fit together/);
  await text(page, 'tries', /camera’s numbers right/);
  await text(page, 'findings', /fx and fy look swapped/);
  assert.ok(await page.locator('#drawing *').count() === 0 && await page.isDisabled('#copy'));
  holds('without a pose the page says why and what can be tried, and warns of likely mistakes');
  await shot(page, 'poses-none');
  next = () => ({});

  await page.setInputFiles('#file', [{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('words') }]);
  await text(page, 'fault-text', /^notes\.txt: this browser cannot show it as a picture$/);
  await page.setInputFiles('#file', [{ name: 'notes.mp4', mimeType: 'video/mp4', buffer: Buffer.from('words') }]);
  await text(page, 'fault-text', /^notes\.mp4: this browser cannot play it/);
  assert.match(await page.textContent('#about'), /^photo\.jpg/);
  holds('a file that is neither a picture nor a clip is said to be none, and the one before stays');
  await page.reload();
  await page.waitForFunction(() => document.getElementById('object').value === 'cup');
  await page.setInputFiles('#file', [photo]);
  await text(page, 'verdict', /^Likely right/);
  assert.deepEqual([await page.inputValue('#camera [name=fx]'), await page.textContent('#camera-kind')], ['700', 'yours']);
  await page.click('#guess');
  await page.waitForFunction(() => document.getElementById('camera-kind').textContent === 'a guess');
  holds('a camera is remembered for the size of its pictures until it is given up');

  console.log('a clip');
  const asked = seen.poses.length;
  seen.atOnce = 0;
  await chooseClip(page);
  await page.waitForFunction(() => document.getElementById('video').ended);
  await text(page, 'clip-said', /^At \d+\.\d\d s, \d+ ms after it was shown\. \d+ frames answered, \d+\.\d a second; \d+ passed by meanwhile\.$/);
  const [frames, dropped] = (await page.textContent('#clip-said')).match(/(\d+) frames answered.*; (\d+) passed/).slice(1).map(Number);
  assert.ok(frames >= 4 && dropped > frames, `${frames} answered, ${dropped} dropped`);
  assert.equal(seen.atOnce, 1);
  assert.ok(seen.poses.length - asked >= frames && seen.poses.slice(asked + 1).every(body => /filename="frame\.jpg"\r\nContent-Type: image\/jpeg/.test(body)));
  assert.ok(await page.isVisible('#still') && await page.locator('#drawing polygon.outline').count() === 1);
  assert.deepEqual(await page.$eval('#still', still => [still.width, still.height]), [320, 240]);
  holds('a clip is followed one frame at a time, the newest next, and what passed by is counted');
  await shot(page, 'poses-clip');

  console.log('several objects');
  objects.set('box', objectOf('box', { display_name: 'A box of cookies, as they are sold', source: 'depth', findings: [{ kind: 'millimetres', message: 'mesh_unit_m: 1 given, 0.001 would fit better: the mesh is 180 m long' }] }));
  objects.set('duck', objectOf('duck'));
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll('#objects li').length === 3);
  await text(page, 'objects', /0\.001 would fit better/);
  await page.click('#objects li[data-id=duck] button:text("Look for it")');
  assert.equal(await page.inputValue('#object'), 'duck');
  await page.click('#objects li[data-id=duck] button:text("Delete")');
  await text(page, 'delete-what', /^Delete duck\?$/);
  await page.keyboard.press('Escape');
  assert.deepEqual(seen.deletes, []);
  await page.click('#objects li[data-id=duck] button:text("Delete")');
  await page.click('#delete');
  await page.waitForFunction(() => document.querySelectorAll('#objects li').length === 2);
  assert.deepEqual(seen.deletes, ['duck']);
  assert.equal(await page.inputValue('#object'), 'cup');
  holds('all pages of objects are listed; one is deleted only after a second word');
  clean(['status of 400', 'status of 409']);
  await page.context().close();

  console.log('dark');
  const dark = await open('/poses?object=box', { colorScheme: 'dark' });
  await dark.page.waitForFunction(() => document.getElementById('object').value === 'box');
  next = () => ({ confidence: 0.31 });
  await dark.page.setInputFiles('#file', [photo]);
  await text(dark.page, 'verdict', /^Doubtful: 31 %$/);
  assert.equal(await dark.page.$eval('#drawing', drawing => drawing.classList.contains('unsure')), true);
  await shot(dark.page, 'poses-dark');
  dark.clean();
  holds('a pose that may well be wrong looks like one');

  console.log('phone');
  next = () => ({});
  const phone = await open('/poses', { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await phone.page.waitForFunction(() => document.querySelectorAll('#objects li').length === 2);
  await phone.page.setInputFiles('#file', [photo]);
  await text(phone.page, 'verdict', /^Likely right/);
  await fitsWidth(phone.page);
  await shot(phone.page, 'poses-phone');
  phone.clean();
  holds("nothing overflows on a phone's width");

  console.log('the mesh itself');
  const id = `cube-${process.pid}`, made = new FormData();
  made.append('mesh', new Blob([cube()]), 'cube.ply');
  for (const [name, value] of [['id', id], ['view_count', '8'], ['tokens', '16']]) made.append(name, value);
  assert.equal((await fetch(`${gateway}/v1/objects`, { method: 'POST', body: made })).status, 201);
  const real = await open(`/poses?object=${id}`, { from: gateway });
  await real.page.waitForFunction(id => document.getElementById('object').value === id, id);
  await text(real.page, 'objects', /20 × 20 × 20 cm · from its mesh/);
  await real.page.setInputFiles('#file', [photo]);
  await text(real.page, 'verdict', /%$|^No pose$/);
  await text(real.page, 'total', /^[\d.]+ m?s$/);
  assert.ok(await real.page.isHidden('#fault'));
  await real.page.fill('#camera [name=cx]', '');
  await real.page.keyboard.press('Tab');
  await text(real.page, 'verdict', /^Not looked for$/);
  assert.match(await errorAt(real.page, '#camera [name=cx]'), /needed, none given/);
  await real.page.setInputFiles('#mesh-files', [mesh('nothing.glb')]);
  await real.page.fill('[name=id]', 'Not An Id');
  await real.page.click('#go');
  await real.page.waitForFunction(() => document.querySelector('#make [aria-invalid=true]'));
  assert.ok(await errorAt(real.page, '[name=id]') ?? await errorAt(real.page, '#mesh-files'));
  await real.page.click(`#objects li[data-id=${id}] button:text("Delete")`);
  await real.page.click('#delete');
  await real.page.waitForFunction(id => !document.querySelector(`#objects li[data-id=${id}]`), id);
  real.clean(['status of 400']);
  holds('what it answers is what was played: lists, poses, refusals at their fields, deletion');
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
