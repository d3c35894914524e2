// One run, live: its events drawn as they come, its pictures, the gate's verdict, and what can be done about it.

import { apiKey, ask, request } from './api.js';
import { Chart } from './chart.js';
import { $, complain, duration, element } from './dom.js';
import { follow } from './events.js';
import { isOver, nameRow, progressOf, stateOf, when } from './job.js';

// In the order that they are shown in; pairs stand side by side.
const samples = [
  ['training', 'Trained on'], ['view', 'Not trained on: a pair of views'], ['colours_before', 'Features as colours, bare model'], ['colours_after', 'Features as colours, with the adapter'],
  ['matches_before', 'Matches, bare model'], ['matches_after', 'Matches, with the adapter'],
];
const losses = new Map(), figures = new Map();   // by step, so that steps that come once more change nothing
const shown = new Map();                         // pictures by name: { figure, address }

let job = null, names = [], lastId = '', following = false, drawing = false, picturesAsked = 0, charts = null;

export async function showRun(id) {
  $('one').hidden = false;
  charts = {
    loss: new Chart($('loss'), { label: 'Loss', series: ['mean loss'], digits: 4 }),
    pcdp: new Chart($('pcdp'), { label: 'PCDP of unseen views', series: ['within 0.05', 'within 0.1', 'within 0.2'], low: 0, high: 1, dots: true }),
  };
  listen(id);
  while (!job) {
    try {
      take(await ask(path(id)));
      $('fault').hidden = true;
    } catch (error) {
      $('name').textContent = error.status === 404 ? 'There is no such run' : 'This run cannot be shown';
      // A mesh that starts anew answers in a moment.
      if (error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
      complain(error);
      await new Promise(resolve => setTimeout(resolve, 2000));
    }
  }
  await Promise.all([run(), refreshPictures(), listNames()]);
}

const path = id => `/v1/jobs/${encodeURIComponent(id)}`;

/** Follows the job until it is over; after Resume it is followed again. */
async function run() {
  if (following) return;
  following = true;
  try {
    lastId = await follow(`${path(job.id)}/events`, {
      lastId, isOver: () => isOver(job), onEvent: hear,
      onLink: live => { $('link').textContent = live ? (isOver(job) ? '' : 'live') : 'connection lost; trying again…'; $('link').classList.toggle('lost', !live); },
    });
    $('link').textContent = '';
  } finally {
    following = false;
  }
}

function hear(name, said) {
  if (name === 'job') {
    const before = job;
    take(said);
    if (before.state !== job.state || before.pictures.length !== job.pictures.length) refreshPictures();
    if (before.state !== job.state && isOver(job)) listNames().catch(complain);
  } else if (name === 'progress') {
    if (!losses.size && !job.pictures.length) refreshPictures();
    losses.set(said.step, said.loss);
    job.progress = said;
  } else if (name === 'measurement') {
    figures.set(said.step, said.figures);
    refreshPictures();
  } else if (name === 'gauge') {
    job.gauge = said;
  }
  draw();
}

function take(said) {
  job = said;
  if (job.progress) losses.set(job.progress.step, job.progress.loss);
  if (job.measurement) figures.set(job.measurement.step, job.measurement.figures);
  draw();
}

// --- drawing; many events at once are drawn once

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; drawHead(); drawCurves(); drawGate(); drawFacts(); });
}

function drawHead() {
  const title = job.display_name ?? job.id;
  document.title = `${title} · ${job.state} · CorrMesh`;
  $('name').textContent = title;
  const state = stateOf(job);
  Object.assign($('state'), { className: state.className, textContent: state.textContent });
  $('what').textContent = [job.kind === 'evaluate' ? 'Evaluation' : 'Fine-tuning', job.model, job.id, `made ${when(job.create_time)}`,
    job.start_time && job.end_time && `took ${spell((new Date(job.end_time) - new Date(job.start_time)) / 1000)}`].filter(Boolean).join(' · ');
  $('why').hidden = !job.reason;
  $('why').textContent = job.reason ?? '';
  const { text, part } = progressOf({ ...job, gauge: null });
  $('steps').hidden = !job.recipe || job.state === 'succeeded';
  $('steps-done').textContent = text;
  $('steps-fill').style.width = `${100 * part}%`;
  const progress = job.progress;
  $('steps-left').textContent = job.state === 'running' && progress
    ? progress.step < job.recipe?.iterations ? `${progress.steps_per_second.toFixed(progress.steps_per_second < 10 ? 2 : 0)} steps/s · about ${spell(progress.remaining_s)} left` : 'trained; the gate measures' : '';
  $('cancel').hidden = !['queued', 'running'].includes(job.state);
  $('resume').hidden = !['failed', 'cancelled'].includes(job.state);
  const accepted = job.state === 'succeeded' && job.verdict?.accepted;
  $('publish').hidden = !accepted;
  if (accepted && !$('publish-name').value && document.activeElement !== $('publish-name'))
    $('publish-name').value = job.publish_as ?? (job.display_name ?? '').toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '').slice(0, 64);
  $('download').hidden = !(job.kind === 'finetune' && job.adapter);
  $('download').href = `${path(job.id)}/adapter`;
  $('report').hidden = job.state !== 'succeeded';
  $('report').href = `${path(job.id)}/report`;
}

const spell = s => s < 100 || s >= 36_000 ? duration(s) : s < 3600 ? `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s` : `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
const sorted = map => [...map].sort((a, b) => a[0] - b[0]);

function drawCurves() {
  $('curves').hidden = losses.size + figures.size === 0;
  const end = job.recipe?.iterations ?? 1, measured = sorted(figures);
  charts.loss.show([sorted(losses)], end);
  charts.pcdp.show(['pcdp_005', 'pcdp_010', 'pcdp_020'].map(name => measured.map(([step, values]) => [step, values[name]])), end);
}

function drawGate() {
  const { gauge, verdict } = job, measuring = gauge && !isOver(job);
  $('gate').hidden = !measuring && !verdict;
  $('gauge').hidden = !measuring;
  if (measuring) {
    $('gauge-what').textContent = `measures ${gauge.object}, without and with the adapter`;
    $('gauge-done').textContent = `${gauge.done} of ${gauge.total}`;
    $('gauge-fill').style.width = `${gauge.total ? 100 * gauge.done / gauge.total : 0}%`;
  }
  $('verdict').hidden = !verdict;
  $('bars-part').hidden = !verdict?.own && !verdict?.references.length;
  $('gate-said').textContent = verdict ? `measured in ${spell(verdict.elapsed_s)}` : 'An adapter is judged before it may be published.';
  $('reasons').replaceChildren(...(verdict?.reasons ?? []).map(reason => element('li', { textContent: reason })));
  if (!verdict) return;
  Object.assign($('verdict'), { className: `state ${verdict.accepted ? 'succeeded' : 'refused'}`, textContent: verdict.accepted ? 'accepted' : 'refused' });
  $('bars').replaceChildren(...[[verdict.own, 'This object, unseen views', 'own'], [verdict.reference_mean, 'Mean of the others', 'mean'], ...verdict.references.map(change => [change, change.name, ''])]
    .filter(([change]) => change).map(([change, name, kind]) => barsOf(change, name, kind)));
}

function barsOf(change, name, kind) {
  const { before, after, pcdp_010_change: gained, pcdp_010_change_error: error } = change;
  const sign = `${gained >= 0 ? '+' : '−'}${Math.abs(gained).toFixed(3)}`;
  const made = element('div', { className: `object ${kind}` },
    element('span', { className: 'whose', textContent: name }),
    element('span', { className: 'pair' }, ...[['before', before], ['after', after]].map(([which, values]) => {
      const fill = element('i', { className: which });
      fill.style.width = `${100 * values.pcdp_010}%`;
      return element('b', {}, fill);
    })),
    element('span', { className: 'numbers', textContent: `${before.pcdp_010.toFixed(3)} → ${after.pcdp_010.toFixed(3)}` }),
    element('span', { className: `gain ${gained > 0.0005 ? 'up' : gained < -0.0005 ? 'down' : ''}`, textContent: error === undefined ? sign : `${sign} ± ${error.toFixed(3)}` }));
  made.title = ['pcdp_005', 'pcdp_020', 'ape'].map(figure => `${figure} ${before[figure].toFixed(3)} → ${after[figure].toFixed(3)}`).join(', ');
  return made;
}

function drawFacts() {
  $('recipe').hidden = false;
  const facts = { 'model’s weights': job.model_digest, [job.from_views ? 'views' : 'mesh']: job.mesh_digest, adapter: job.adapter?.digest, [job.from_views ? 'views trained on' : 'views rendered']: job.view_count || undefined, objects: job.object_count > 1 ? job.object_count : undefined, measured: job.recipe && `${job.measure_count} times on the way`,
    'publish as': job.publish_as, threads: job.thread_count || undefined, ...job.recipe };
  $('facts').replaceChildren(...Object.entries(facts).filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => {
    const text = String(value), digest = /^[0-9a-f]{64}$/.test(text);
    return element('div', {}, element('dt', { textContent: name.replaceAll('_', ' ') }), element('dd', { textContent: digest ? `${text.slice(0, 16)}…` : text, title: digest ? text : '' }));
  }));
}

// --- pictures

/** Shows what pictures there are now, and never throws; `no-store` and an address of its own for each keep the ones before from being shown again. */
async function refreshPictures() {
  const mine = ++picturesAsked;
  try {
    const now = await ask(path(job.id));
    if (mine !== picturesAsked) return;
    // Events tell the rest, and may be ahead of this answer.
    job.pictures = now.pictures;
    const wanted = samples.filter(([name]) => now.pictures.includes(name));
    const bodies = await Promise.all(wanted.map(async ([name]) => (await request(`${path(job.id)}/pictures/${name}`)).blob()));
    if (mine !== picturesAsked) return;
    wanted.forEach(([name, caption], i) => {
      const old = shown.get(name), address = URL.createObjectURL(bodies[i]);
      const figure = old?.figure ?? element('figure', { className: name }, element('img', { alt: caption }), element('figcaption', { className: 'note', textContent: caption }));
      figure.dataset.fetched = mine;
      figure.firstElementChild.src = address;
      if (old) URL.revokeObjectURL(old.address);
      shown.set(name, { figure, address });
    });
    $('samples').replaceChildren(...samples.filter(([name]) => shown.has(name)).map(([name]) => shown.get(name).figure));
    $('pictures').hidden = shown.size === 0;
    const steps = [...figures.keys()];
    $('pictures-said').textContent = steps.length ? `after step ${Math.max(...steps)}` : '';
  } catch (error) {
    // The next measurement asks again, and whether the mesh can be reached is said elsewhere.
    if (mine === picturesAsked) $('pictures-said').textContent = `not renewed: ${error.message}`;
  }
}

// --- what can be done

async function listNames() {
  names = (await ask('/v1/adapters')).adapters;
  const mine = names.filter(name => name.versions.some(version => version.job === job.id || (job.adapter && version.digest === job.adapter.digest)));
  $('run-names').replaceChildren(...mine.map(name => nameRow(name, { onChange: listNames, ofRun: job })));
}

function listen(id) {
  const deed = (button, work) => async event => {
    event.preventDefault();
    button.disabled = true;
    $('fault').hidden = true;
    try { await work(); } catch (error) { complain(error); } finally { button.disabled = false; }
  };
  $('cancel').addEventListener('click', deed($('cancel'), async () => take(await ask(`${path(id)}:cancel`, { method: 'POST' }))));
  $('resume').addEventListener('click', deed($('resume'), async () => {
    take(await ask(`${path(id)}:resume`, { method: 'POST' }));
    runAgain().catch(complain);
  }));
  const publish = $('publish').querySelector('button');
  $('publish').addEventListener('submit', deed(publish, async () => {
    const name = $('publish-name').value.trim();
    if (!name) { $('publish-name').focus(); return; }
    await ask(`/v1/adapters/${encodeURIComponent(name)}?job=${encodeURIComponent(id)}`, { method: 'PUT' });
    await listNames();
  }));
  // A link cannot send a key: with one, the file is fetched and then saved.
  for (const [link, name] of [[$('download'), `${id}.safetensors`], [$('report'), `${id}.json`]])
    link.addEventListener('click', event => {
      if (!apiKey.get()) return;
      event.preventDefault();
      save(link.href, name).catch(complain);
    });
}

// The stream of before ends once it has told that the job was over.
async function runAgain() {
  while (following) await new Promise(resolve => setTimeout(resolve, 100));
  if (!isOver(job)) await run();
}

async function save(address, name) {
  const blob = await (await request(address)).blob(), link = element('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
