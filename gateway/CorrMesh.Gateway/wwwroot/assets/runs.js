// The page of runs: all of them and a form to start one, or, at /runs/ID, one of them live.

import { apiKey, ask, curl } from './api.js';
import { $, complain, element } from './dom.js';
import { nameRow, progressOf, stateOf, when } from './job.js';
import { showRun } from './run.js';

const period = 3000;     // ms from one answer to the next question
const meshes = /\.(glb|gltf|obj|ply)$/i, archives = /\.zip$/i;

// What the form asks besides what stands in the page; absent fields are the paper's. Its learning rate and black ground are for runs of 10,000
// steps, so the form begins with others.
const recipe = [
  ['loss', 'Loss', ['', 'smooth_ap', 'contrastive', 'procrustes']], ['learning_rate', 'Learning rate', '1e-5'], ['weight_decay', 'Weight decay', '1e-4'], ['clip_norm', 'Clip norm', '1'],
  ['lora_rank', 'LoRA rank', '4'], ['lora_blocks', 'LoRA blocks', '4'], ['conv_layers', 'Convolutions', '1'], ['keypoints', 'Points', '3000'], ['max_angle', 'Largest angle', '120'],
  ['pool_size', 'Variants', '16'], ['seed', 'Seed', '42'], ['made_object_count', 'Made objects beside it', '0'],
];

let chosen = [];          // files of the mesh, the first being the mesh itself; or a zip of views
let pages = 1;            // how many pages of runs are shown
let asked = 0;

$('fault-close').addEventListener('click', () => { $('fault').hidden = true; });
$('key').value = apiKey.get();
$('key').addEventListener('change', () => { apiKey.set($('key').value.trim()); location.reload(); });
// A file dropped beside the field would else replace the page.
for (const kind of ['dragover', 'drop']) document.addEventListener(kind, event => event.preventDefault());

const id = location.pathname.match(/^\/runs\/([^/]+)/)?.[1];
if (id) showRun(decodeURIComponent(id)).catch(complain);
else showAll();

function showAll() {
  $('all').hidden = false;
  for (const [name, label, preset] of recipe) {
    const field = Array.isArray(preset)
      ? element('select', { name }, ...preset.map(value => new Option(value || 'smooth_ap, the paper’s', value)))
      : name === 'learning_rate' ? element('input', { name, type: 'text', inputMode: 'decimal', value: '1e-4', autocomplete: 'off' })
      : element('input', { name, type: 'text', inputMode: 'decimal', placeholder: preset, autocomplete: 'off' });
    $('more').append(element('label', {}, `${label} `, field));
  }
  $('more').append(element('label', { className: 'check' }, element('input', { name: 'augment', type: 'checkbox', checked: true }), ' Augment the views'),
    element('label', { className: 'check' }, element('input', { name: 'backdrops', type: 'checkbox', checked: true }), ' Scenes behind the object'));
  $('start').addEventListener('input', tellCommand);
  $('start').addEventListener('submit', event => { event.preventDefault(); start(); });
  $('files').addEventListener('change', () => choose([...$('files').files]));
  const dropping = on => $('drop').classList.toggle('dropping', on);
  $('drop').addEventListener('dragover', () => dropping(true));
  $('drop').addEventListener('dragleave', () => dropping(false));
  $('drop').addEventListener('drop', event => { dropping(false); choose([...event.dataTransfer.files]); });
  $('older').addEventListener('click', () => { pages++; refresh(); });
  tellCommand();
  listModels().catch(complain);
  watch();
}

// --- the form

async function listModels() {
  const listed = await ask('/v1/models');
  $('model').replaceChildren(...listed.models.map(model => new Option(model.name, model.name, model.name === listed.default_model, model.name === listed.default_model)));
  tellCommand();
}

function choose(files) {
  if (!files.length) return;
  const mesh = files.find(file => meshes.test(file.name)) ?? files.find(file => archives.test(file.name)) ?? files[0];
  const ofViews = archives.test(mesh.name);
  chosen = ofViews ? [mesh] : [mesh, ...files.filter(file => file !== mesh)];
  // A zip has its own views, and a BOP scene perhaps several objects.
  for (const [name, shown] of [['object_id', ofViews], ['view_count', !ofViews]]) {
    const field = $('start').elements[name];
    field.closest('label').hidden = !shown;
    if (!shown) field.value = '';
  }
  $('drop').classList.remove('wrong');
  $('drop-what').textContent = mesh.name;
  const size = chosen.reduce((sum, file) => sum + file.size, 0);
  $('drop-note').textContent = `${size < 2 ** 20 ? `${Math.ceil(size / 1024)} KiB` : `${(size / 2 ** 20).toFixed(1)} MiB`}${chosen.length > 1 ? `, with ${chosen.slice(1).map(file => file.name).join(', ')}` : ''}`;
  if (!$('start').elements.display_name.value) $('start').elements.display_name.value = mesh.name.replace(meshes, '').replace(archives, '').slice(0, 100);
  tellCommand();
}

function fields() {
  const said = chosen.map((file, i) => [i > 0 ? 'resource' : archives.test(file.name) ? 'views' : 'mesh', { blob: file, name: file.name, path: file.name }]);
  for (const field of $('start').elements) {
    if (!field.name || field.type === 'file') continue;
    // Only what differs from the mesh's own defaults.
    if (field.type === 'checkbox') { if (field.checked !== (field.name === 'augment')) said.push([field.name, String(field.checked)]); } else if (field.value.trim()) said.push([field.name, field.value.trim()]);
  }
  return said;
}

function tellCommand() {
  const said = fields();
  $('curl').textContent = curl('/v1/jobs', chosen.length ? said : [['mesh', { blob: true, path: 'cup.glb' }], ...said]);
}

async function start() {
  for (const field of $('start').elements) field.removeAttribute('aria-invalid');
  $('fault').hidden = true;
  if (!chosen.length) {
    $('drop').classList.add('wrong');
    $('go-said').textContent = 'A mesh or a zip of views is needed first.';
    return;
  }
  $('go').disabled = true;
  $('go-said').textContent = 'Sending it…';
  try {
    const job = await ask('/v1/jobs', { fields: fields() });
    location.assign(`/runs/${encodeURIComponent(job.id)}`);
  } catch (error) {
    complain(error);
    for (const name of error.fields ?? []) {
      const field = $('start').elements[name];
      field?.setAttribute('aria-invalid', 'true');
      if (field?.closest('details')) field.closest('details').open = true;
      if (['mesh', 'resource', 'views'].includes(name)) $('drop').classList.add('wrong');
    }
    $('go-said').textContent = 'Not started.';
    $('go').disabled = false;
  }
}

// --- the list

async function watch() {
  for (;;) {
    await refresh();
    await new Promise(resolve => setTimeout(resolve, period));
    if (document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
  }
}

async function refresh() {
  const mine = ++asked;
  try {
    const jobs = [];
    let token = '';
    for (let page = 0; page < pages; page++) {
      const answer = await ask(`/v1/jobs?page_size=20${token && `&page_token=${encodeURIComponent(token)}`}`, { signal: AbortSignal.timeout(10_000) });
      jobs.push(...answer.jobs);
      token = answer.next_page_token ?? '';
      if (!token) break;
    }
    const { adapters } = await ask('/v1/adapters', { signal: AbortSignal.timeout(10_000) });
    if (mine !== asked) return;
    $('older').hidden = !token;
    const active = jobs.filter(job => ['queued', 'running'].includes(job.state)).length;
    $('list-said').textContent = !jobs.length ? 'None yet.' : active ? `${active} under way or waiting` : 'None under way.';
    fill($('list'), jobs.map(row));
    $('names-said').textContent = adapters.length ? 'What requests may name as adapter.' : 'None yet: a run that the gate accepts can be published.';
    // An open list of versions stays open.
    const open = new Set([...$('names').querySelectorAll('details[open]')].map(details => details.closest('li').dataset.name));
    fill($('names'), adapters.map(adapter => nameRow(adapter, { onChange: refresh, open: open.has(adapter.name) })));
  } catch (error) {
    if (mine !== asked) return;
    $('list-said').textContent = error.name === 'TimeoutError' ? 'The mesh gives no answer; trying again.' : error.message;
    if (error.status === 401) document.querySelector('details.key').open = true;
  }
}

// Elements that say the same stay, so that what is focused or being clicked does.
function fill(list, rows) {
  if (list.children.length === rows.length && rows.every((made, i) => made.isEqualNode(list.children[i]))) return;
  list.replaceChildren(...rows);
}

function row(job) {
  const change = job.verdict?.own?.pcdp_010_change, { text, part } = progressOf(job);
  const made = element('li', {},
    element('a', { className: 'what', href: `/runs/${encodeURIComponent(job.id)}` }, element('strong', { textContent: job.display_name ?? job.id })),
    stateOf(job),
    element('span', { className: 'note about', textContent: [job.kind === 'evaluate' ? 'evaluation' : 'fine-tuning', job.model, when(job.create_time)].join(' · ') }),
    element('span', { className: 'said', textContent: change === undefined ? text : `PCDP@0.1 ${change >= 0 ? '+' : '−'}${Math.abs(change).toFixed(3)}` }));
  made.dataset.id = job.id;
  made.dataset.state = job.state;
  if (job.state === 'running') {
    const meter = element('div', { className: 'meter' }, element('span'));
    meter.firstElementChild.style.width = `${100 * part}%`;
    made.append(meter);
  }
  return made;
}
