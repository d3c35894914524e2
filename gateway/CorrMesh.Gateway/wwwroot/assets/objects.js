// The objects of the mesh: their list, registering one, removing one.

import { ask, curl, request } from './api.js';
import { $, complain, duration, element } from './dom.js';
import { blame, forgive } from './fields.js';
import { when } from './job.js';

const meshes = /\.(glb|gltf|obj|ply)$/i, archives = /\.zip$/i;
const sources = { mesh: 'from its mesh', depth: 'from pictures with depth', points: 'from pictures with points', triangulated: 'from posed pictures' };

let objects = [], chosen = '', onChoose = () => {};
let files = [];            // as they will be sent: [[field, file], ...]
let making = null;         // aborts what is being made
let leaving = null;        // the object that is to be deleted, perhaps

export const objectOf = id => objects.find(object => object.id === id);
const day = time => time ? new Date(time).toLocaleDateString([], { dateStyle: 'medium' }) : 'date not known';
const nameOf = object => object.display_name || object.id;

/** Starts the list and the form; `choose` is called with the object that requests are about, whenever it is another one. */
export async function watchObjects(choose) {
  onChoose = choose;
  $('object').addEventListener('change', () => pick($('object').value));
  listenToForm();
  $('keep').addEventListener('click', () => $('sure-to-delete').close());
  $('delete').addEventListener('click', remove);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) list(); });
  await list(new URLSearchParams(location.search).get('object') ?? '');
}

const centimetres = metres => `${Number((100 * metres).toPrecision(3))}`;
export const sizeOf = ({ box: { least, greatest } }) => `${least.map((value, i) => centimetres(greatest[i] - value)).join(' × ')} cm`;

// --- the list

async function list(wanted = chosen) {
  try {
    const found = [];
    for (let token = ''; ;) {
      const page = await ask(`/v1/objects?page_size=100${token && `&page_token=${encodeURIComponent(token)}`}`);
      found.push(...page.objects);
      token = page.next_page_token ?? '';
      if (!token) break;
    }
    objects = found;
  } catch (error) {
    $('list-said').textContent = error.message;
    if (error.status === 401) document.querySelector('details.key').open = true;
    return;
  }
  $('list-said').textContent = objects.length ? 'Choose which one to look for.' : 'None yet: register one, then look for it in a picture.';
  $('object').disabled = !objects.length;
  $('object').replaceChildren(...objects.length ? objects.map(object => new Option(nameOf(object), object.id)) : [new Option('none yet', '')]);
  pick(objectOf(wanted) ? wanted : objects[0]?.id ?? '');
}

function pick(id) {
  const isOther = id !== chosen;
  chosen = id;
  $('object').value = id;
  $('objects').replaceChildren(...objects.map(row));
  if (isOther) onChoose(objectOf(id));
}

function row(object) {
  const deeds = element('span', { className: 'group deeds' });
  const button = (text, kind, label, deed) => {
    const made = element('button', { type: 'button', className: kind, textContent: text });
    made.setAttribute('aria-label', label);
    made.addEventListener('click', deed);
    deeds.append(made);
  };
  if (object.id === chosen) deeds.append(element('span', { className: 'state succeeded', textContent: 'chosen' }));
  else button('Look for it', 'quiet', `Look for ${nameOf(object)}`, () => { pick(object.id); $('object').focus(); });
  button('Delete', 'quiet', `Delete ${nameOf(object)}`, () => askToRemove(object));
  const made = element('li', {},
    element('span', { className: 'what' }, element('strong', { textContent: nameOf(object) }), nameOf(object) === object.id ? '' : element('code', { className: 'note', textContent: ` ${object.id}` })),
    element('span', { className: 'note about', textContent: `${sizeOf(object)} · ${object.source === 'depth' && object.has_mesh ? 'from pictures and its mesh' : sources[object.source] ?? object.source}` }),
    element('span', { className: 'note about', textContent: `${object.identity.model}, ${object.tokens} tokens · ${object.pictures} pictures · ${day(object.create_time)}`, title: when(object.create_time) }),
    deeds);
  for (const finding of object.findings ?? []) made.append(element('p', { className: 'finding', textContent: finding.message }));
  made.dataset.id = object.id;
  return made;
}

// --- removing

function askToRemove(object) {
  leaving = object;
  $('delete-what').textContent = `Delete ${nameOf(object)}?`;
  $('sure-to-delete').showModal();
  $('keep').focus();
}

async function remove() {
  $('delete').disabled = true;
  try {
    await request(`/v1/objects/${encodeURIComponent(leaving.id)}`, { method: 'DELETE' });
  } catch (error) {
    complain(error);
  } finally {
    $('delete').disabled = false;
    $('sure-to-delete').close();
  }
  await list();
}

// --- registering

function listenToForm() {
  $('make').addEventListener('input', tell);
  $('make').addEventListener('submit', event => { event.preventDefault(); make(); });
  $('mesh-files').addEventListener('change', () => take([...$('mesh-files').files]));
  const dropping = on => $('drop').classList.toggle('dropping', on);
  $('drop').addEventListener('dragover', () => dropping(true));
  $('drop').addEventListener('dragleave', () => dropping(false));
  $('drop').addEventListener('drop', event => { event.preventDefault(); dropping(false); take([...event.dataTransfer.files]); });
  $('stop').addEventListener('click', () => making?.abort());
  tell();
}

function take(dropped) {
  if (!dropped.length || making) return;
  const mesh = dropped.find(file => meshes.test(file.name)), views = dropped.find(file => archives.test(file.name));
  const first = mesh ?? views ?? dropped[0];
  files = dropped.filter(file => file !== first && file !== views).map(file => ['resource', file]);
  if (views) files.unshift(['views', views]);
  if (first !== views) files.unshift(['mesh', first]);
  // A zip alone has no mesh that a unit or a search for symmetries could be about.
  $('unit').hidden = $('symmetries').hidden = first === views;
  forgive($('make'));
  $('go-said').textContent = '';
  $('drop-what').textContent = first.name;
  const size = files.reduce((sum, [, file]) => sum + file.size, 0), others = files.map(([, file]) => file).filter(file => file !== first);
  $('drop-note').textContent = `${size < 2 ** 20 ? `${Math.ceil(size / 1024)} KiB` : `${(size / 2 ** 20).toFixed(1)} MiB`}${others.length ? `, with ${others.map(file => file.name).join(', ')}` : ''}`;
  const id = $('make').elements.id;
  if (!id.value || id.dataset.guess === id.value) id.value = id.dataset.guess = first.name.replace(/\.\w+$/, '').toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '').slice(0, 64);
  tell();
}

function fields() {
  const form = $('make').elements, said = files.map(([field, file]) => [field, { blob: file, name: file.name, path: file.name }]);
  said.push(['id', form.id.value.trim()]);
  if (!$('unit').hidden && form.mesh_unit_m.value !== '1') said.push(['mesh_unit_m', form.mesh_unit_m.value]);
  if (!$('symmetries').hidden && form.detect_symmetries.checked) said.push(['detect_symmetries', 'true']);
  return said;
}

function tell() {
  const said = fields();
  $('make-curl').textContent = curl('/v1/objects', [...files.length ? [] : [['mesh', { blob: true, path: 'cup.glb' }]], ...said.map(([name, value]) => [name, name === 'id' ? value || 'cup' : value])]);
}

const fieldOf = name => ['mesh', 'resource', 'views'].includes(name) ? $('mesh-files') : $('make').elements[name];

async function make() {
  forgive($('make'));
  $('fault').hidden = true;
  const missing = [];
  if (!files.length) missing.push({ field: 'mesh', message: 'A mesh or a zip of posed views is needed.' });
  if (!$('make').elements.id.value.trim()) missing.push({ field: 'id', message: 'An id is needed.' });
  if (missing.length) {
    blame({ errors: missing }, fieldOf);
    fieldOf(missing[0].field).focus();
    return;
  }
  const id = $('make').elements.id.value.trim(), began = performance.now();
  making = new AbortController();
  busy(true);
  $('making-what').textContent = `Making ${id}: sent, looked at from all sides, features sampled…`;
  $('go-said').textContent = `Making ${id}. Leaving this page stops it.`;
  const clock = () => { $('making-for').textContent = duration((performance.now() - began) / 1000); };
  const ticking = setInterval(clock, 1000);
  clock();
  try {
    const made = await ask('/v1/objects', { fields: fields(), signal: making.signal });
    const object = made.object ?? made;
    await list(id);
    $('go-said').textContent = `${id} is there after ${duration((performance.now() - began) / 1000)}${object.box ? `: ${sizeOf(object)}. If that is not its size, delete it and choose another unit.` : '.'}`;
  } catch (error) {
    // A field that is disabled takes no focus.
    busy(false);
    if (error.name === 'AbortError') {
      await list();
      $('go-said').textContent = objectOf(id) ? `It was done already: ${id} is there.` : 'Stopped; nothing was kept.';
      return;
    }
    $('go-said').textContent = 'Not registered.';
    const rest = blame(error, fieldOf);
    if (rest.length) complain(error);
    else $('make').querySelector('[aria-invalid]').focus();
  } finally {
    clearInterval(ticking);
    making = null;
    busy(false);
  }
}

function busy(on) {
  $('making').hidden = !on;
  $('stop').hidden = !on;
  $('go').disabled = on;
  for (const field of $('make').elements) if (field.tagName !== 'BUTTON') field.disabled = on;
}
