// The page: two pictures, the points matched between them, and what can be laid over them.

import { apiKey, ask, curl, pngAddress } from './api.js';
import { Picture } from './picture.js';
import { watchMesh } from './mesh.js';

const $ = id => document.getElementById(id);
const colours = ['#d9342b', '#1c74d4', '#0e8a4a', '#b3630a', '#8b3fd1', '#00838f', '#c2257a', '#5a6b00', '#7a4a32', '#3949ab'];

const points = [];        // { number, colour, source, match, heat }: as clicked, one by one
let grid = [];            // matches of the last grid
let chosen = null;        // the point whose heat map is shown
let coloursOf = null;     // addresses of both feature pictures, for what is shown now
let generation = 0;       // goes up when pictures or model change; answers to older questions are dropped
let working = 0;
let numbers = 0;

const source = new Picture('source', { onFiles: files => choose(source, files), onPick: pick, onMove: at => say(`x ${at.x}, y ${at.y}. Enter matches.`) });
const target = new Picture('target', { onFiles: files => choose(target, files) });

const say = text => { $('said').textContent = text; };
const coordinate = value => String(Math.round(value * 10) / 10);
const place = ({ x, y }) => `${coordinate(x)}, ${coordinate(y)}`;
const overlay = () => document.querySelector('input[name=overlay]:checked').value;

function complain(error) {
  if (error.name === 'AbortError') return;
  $('fault-text').textContent = error.message;
  $('fault').hidden = false;
}

/** Runs one action of the visitor: errors are shown, and the page says that it is busy. */
async function act(work) {
  working++;
  document.querySelector('.studio').setAttribute('aria-busy', 'true');
  try {
    await work();
  } catch (error) {
    complain(error);
  } finally {
    if (--working === 0) document.querySelector('.studio').setAttribute('aria-busy', 'false');
  }
}

const spec = () => ['model', 'adapter', 'tokens'].filter(name => $(name).value.trim()).map(name => [name, $(name).value.trim()]);
const pair = () => [['source', source.file], ['target', target.file]];
const show = command => { $('curl').textContent = command; };

// --- pictures

async function choose(picture, files) {
  const other = picture === source ? target : source;
  await act(async () => {
    await load(picture, files[0]);
    if (files.length > 1) await load(other, files[1]);
  });
}

async function load(picture, blob, path = blob.name) {
  const file = { blob, name: blob.name, path };
  if (await picture.show(file)) {
    $('fault').hidden = true;
    forget();
    refreshOverlay();
    return;
  }
  // What is wrong with the file, the mesh says best.
  await ask('/v1/features', { fields: [['image', file]] });
  throw new Error(`${file.name}: this browser cannot show the picture`);
}

async function sample(picture, name) {
  const answer = await fetch(`/samples/${name}`);
  await load(picture, new File([await answer.blob()], name, { type: 'image/jpeg' }), `deploy/samples/${name}`);
}

function forget() {
  generation++;
  for (const point of points) URL.revokeObjectURL(point.heat);
  points.length = 0;
  grid = [];
  chosen = null;
  numbers = 0;
  dropColours();
  say('Nothing matched yet.');
  draw();
}

function dropColours() {
  if (coloursOf) for (const address of coloursOf) URL.revokeObjectURL(address);
  coloursOf = null;
}

// --- matching

function pick(at) {
  if (!source.file || !target.file) return;
  const number = ++numbers;
  const point = { number, colour: colours[(number - 1) % colours.length], source: { ...at }, match: null, heat: null };
  points.push(point);
  grid = [];
  chosen = point;
  draw();
  act(() => matchPoint(point));
}

async function matchPoint(point) {
  const asked = generation;
  const fields = [...pair(), ['points', `${point.source.x},${point.source.y}`], ...spec()];
  show(curl('/v1/match', fields));
  say(`Matching point ${point.number}…`);
  try {
    const [answer] = await Promise.all([ask('/v1/match', { fields }), overlay() === 'heat' ? heatOf(point) : null]);
    if (asked !== generation) return;
    point.match = answer.matches[0];
    $('fault').hidden = true;
    say(`Point ${point.number}: ${place(point.match.target)} in the target, similarity ${point.match.similarity.toFixed(3)}, cycle error ${coordinate(point.match.cycle_error_px)} px, ${point.match.visible ? 'visible' : 'not visible'}.`);
  } catch (error) {
    if (asked !== generation) return;
    remove(point);
    say('No match.');
    throw error;
  }
  draw();
}

async function heatOf(point) {
  const asked = generation;
  const answer = await ask('/v1/match:heatmap', { fields: [...pair(), ['point', `${point.source.x},${point.source.y}`], ...spec()] });
  if (asked === generation && !point.heat) point.heat = pngAddress(answer.png);
  draw();
}

function matchGrid() {
  act(async () => {
    const asked = generation;
    const fields = [...pair(), ['grid', $('grid-size').value], ...spec()];
    show(curl('/v1/match', fields));
    say('Matching the grid…');
    const answer = await ask('/v1/match', { fields });
    if (asked !== generation) return;
    $('fault').hidden = true;
    grid = answer.matches;
    const seen = grid.filter(match => match.visible).map(match => match.similarity).sort((a, b) => a - b);
    const middle = seen.length ? `; median similarity ${seen[seen.length >> 1].toFixed(3)}` : '';
    say(`Grid: ${seen.length} of ${grid.length} positions visible in the target${middle}.`);
    draw();
  });
}

/** After another model, adapter or token count: the same points anew, in one request. */
function matchAgain() {
  generation++;
  dropColours();
  for (const point of points) {
    URL.revokeObjectURL(point.heat);
    [point.match, point.heat] = [null, null];
  }
  const again = [...points], hadGrid = grid.length > 0;
  grid = [];
  draw();
  refreshOverlay();
  if (hadGrid) matchGrid();
  if (again.length === 0) return;
  act(async () => {
    const asked = generation;
    const fields = [...pair(), ['points', again.map(point => `${point.source.x},${point.source.y}`).join(';')], ...spec()];
    show(curl('/v1/match', fields));
    const answer = await ask('/v1/match', { fields });
    if (asked !== generation) return;
    $('fault').hidden = true;
    again.forEach((point, i) => { point.match = answer.matches[i]; });
    say(`${again.length} ${again.length === 1 ? 'point' : 'points'} matched anew.`);
    draw();
  });
}

function remove(point) {
  const at = points.indexOf(point);
  if (at < 0) return;
  points.splice(at, 1);
  URL.revokeObjectURL(point.heat);
  if (chosen === point) select(points.at(-1) ?? null);
  draw();
}

function select(point) {
  chosen = point;
  draw();
  refreshOverlay();
}

// --- overlays

function refreshOverlay() {
  draw();
  if (!source.file || !target.file) return;
  if (overlay() === 'heat' && chosen && !chosen.heat) act(() => heatOf(chosen));
  if (overlay() === 'colours' && !coloursOf) act(renderColours);
}

async function renderColours() {
  const asked = generation;
  const fields = [['image', source.file], ['image', target.file], ...spec()];
  show(curl('/v1/features:render', fields, { output: 'colours.png' }));
  const answer = await ask('/v1/features:render', { fields });
  if (asked !== generation) return;
  dropColours();
  coloursOf = answer.images.map(image => pngAddress(image.png));
  say('Equal colours are similar features, in both pictures.');
  draw();
}

// --- drawing

function draw() {
  const opacity = $('opacity').value / 100, over = overlay();
  source.cover(over === 'colours' ? coloursOf?.[0] : null, opacity);
  target.cover(over === 'colours' ? coloursOf?.[1] : over === 'heat' ? chosen?.heat : null, opacity);
  source.clearMarks();
  target.clearMarks();
  for (const match of grid.filter(match => match.visible)) {
    source.mark(match.source, { small: true, colour: hue(match) });
    target.mark(match.target, { small: true, colour: hue(match) });
  }
  for (const point of points) {
    const style = { text: point.number, colour: point.colour, chosen: point === chosen };
    source.mark(point.source, style);
    if (point.match) target.mark(point.match.target, { ...style, unsure: !point.match.visible });
  }
  drawLines();
  drawTable();
}

// A grid's colours follow the place in the source, so that neighbours that part ways are seen.
const hue = match => `hsl(${Math.round(300 * (match.source.x + 0.5) / source.width)} 75% ${Math.round(38 + 26 * (match.source.y + 0.5) / source.height)}%)`;

function drawLines() {
  const origin = $('stage').getBoundingClientRect(), lines = [];
  const join = (match, colour, kinds) => {
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
    const from = source.onScreen(match.source), to = target.onScreen(match.target);
    for (const [name, value] of Object.entries({ x1: from.x - origin.left, y1: from.y - origin.top, x2: to.x - origin.left, y2: to.y - origin.top, stroke: colour })) line.setAttribute(name, value);
    line.classList.add(...kinds);
    lines.push(line);
  };
  for (const match of grid.filter(match => match.visible)) join(match, hue(match), ['thin']);
  for (const point of points.filter(point => point.match)) join(point.match, point.colour, point.match.visible ? ['sure'] : ['unsure']);
  $('lines').replaceChildren(...lines);
}

function drawTable() {
  $('matches').hidden = points.length === 0;
  $('matches').tBodies[0].replaceChildren(...points.map(point => {
    const row = document.createElement('tr');
    row.classList.toggle('chosen', point === chosen);
    const cell = (...content) => { const td = document.createElement('td'); td.append(...content); row.append(td); return td; };
    const button = (kind, text, label, onClick) => {
      const made = Object.assign(document.createElement('button'), { type: 'button', className: kind, textContent: text });
      made.setAttribute('aria-label', label);
      made.style.setProperty('--mark', point.colour);
      made.addEventListener('click', onClick);
      return made;
    };
    cell(button('pick', point.number, `Show point ${point.number}`, () => select(point)));
    cell(place(point.source));
    if (point.match) {
      const { target: at, similarity, cycle_error_px: cycle, visible } = point.match;
      Object.assign(row.dataset, { x: at.x, y: at.y, similarity, cycle, visible });
      cell(place(at));
      const score = Object.assign(document.createElement('span'), { className: 'score' }), bar = document.createElement('i'), fill = document.createElement('b');
      fill.style.width = `${Math.max(0, similarity) * 100}%`;
      bar.append(fill);
      score.append(similarity.toFixed(3), bar);
      cell(score);
      cell(`${coordinate(cycle)} px`);
      cell(visible ? 'yes' : 'no');
    } else {
      cell('…').colSpan = 4;
    }
    cell(button('drop', '×', `Remove point ${point.number}`, () => remove(point)));
    return row;
  }));
}

// --- controls

async function listModels() {
  const listed = await ask('/v1/models');
  $('model').replaceChildren(...listed.models.map(model => new Option(model.name === listed.default_model ? `${model.name} (default)` : model.name, model.name, model.name === listed.default_model, model.name === listed.default_model)));
  Object.assign($('tokens'), { min: listed.min_tokens, max: listed.max_tokens });
  // A run's page leads here with its adapter chosen, which may be one that a name has meant before.
  const wanted = new URLSearchParams(location.search), named = { model: wanted.get('model'), adapter: wanted.get('adapter') };
  if (named.model && listed.models.some(model => model.name === named.model)) $('model').value = named.model;
  const fit = () => {
    const model = listed.models.find(model => model.name === $('model').value);
    $('adapter').replaceChildren(new Option('none', ''), ...(model?.adapters ?? []).map(adapter => new Option(adapter.name)));
    if (named.adapter && model?.name === (named.model ?? listed.default_model)) {
      if (![...$('adapter').options].some(option => option.value === named.adapter)) $('adapter').append(new Option(named.adapter));
      $('adapter').value = named.adapter;
    }
    $('adapter').disabled = $('adapter').options.length === 1;
    $('tokens').placeholder = model?.default_tokens ?? '';
  };
  $('model').onchange = () => { fit(); matchAgain(); };
  fit();
}

for (const id of ['adapter', 'tokens']) $(id).addEventListener('change', matchAgain);
for (const choice of document.querySelectorAll('input[name=overlay]')) choice.addEventListener('change', refreshOverlay);
$('opacity').addEventListener('input', draw);
$('grid').addEventListener('click', () => { if (source.file && target.file) matchGrid(); });
$('clear').addEventListener('click', forget);
$('fault-close').addEventListener('click', () => { $('fault').hidden = true; });
$('swap').addEventListener('click', () => act(async () => {
  const [left, right] = [source.file, target.file];
  if (!left || !right) return;
  await source.show(right);
  await target.show(left);
  forget();
  refreshOverlay();
}));
$('key').value = apiKey.get();
$('key').addEventListener('change', () => { apiKey.set($('key').value.trim()); act(listModels); });
$('copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText($('curl').textContent);
    $('copy').textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren($('curl'));
    $('copy').textContent = 'Selected';
  }
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 1500);
});
// A file dropped beside a frame would else replace the page.
for (const kind of ['dragover', 'drop']) document.addEventListener(kind, event => event.preventDefault());
const layout = new ResizeObserver(drawLines);
for (const element of [$('stage'), source.frame, target.frame]) layout.observe(element);

watchMesh();
act(listModels);
await act(async () => {
  await Promise.all([sample(source, 'left.jpg'), sample(target, 'right.jpg')]);
  show(curl('/v1/match', [...pair(), ['grid', '4']]));
});
