// The live panel: asks for the mesh's status each second while the page is looked at.

import { ask } from './api.js';
import { $, duration, element } from './dom.js';

const parts = ['decode', 'queue', 'compute', 'cache'];
const history = [];      // the queue's length at the last polls
const period = 1000;     // ms from one answer to the next question

const milliseconds = value => value >= 100 ? `${value.toFixed(0)} ms` : value >= 1 ? `${value.toFixed(1)} ms` : `${value.toFixed(2)} ms`;
const percent = value => `${(100 * value).toFixed(value < 0.9995 && value > 0 ? 1 : 0)} %`;
const bytes = value => value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(1)} GiB` : `${(value / 2 ** 20).toFixed(1)} MiB`;

export async function watchMesh() {
  for (;;) {
    try {
      show(await ask('/v1/status', { signal: AbortSignal.timeout(10_000) }));
    } catch (error) {
      state(false, error.message);
    }
    await new Promise(resolve => setTimeout(resolve, period));
    if (document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
  }
}

function state(serving, text) {
  $('health-dot').className = `dot ${serving ? 'up' : 'down'}`;
  if ($('health').textContent !== text) $('health').textContent = text;
}

function show({ serving, processes }) {
  const down = processes.filter(process => !process.serving);
  state(serving, serving ? `All ${processes.length} processes serve` : `${down.length} of ${processes.length} processes down`);
  $('mesh-said').textContent = down.map(process => `${process.service} does not serve`).join(', ');
  $('processes').replaceChildren(...processes.map(describe));
  const features = processes.filter(process => process.service === 'features' && process.numbers);
  const sum = name => features.reduce((total, process) => total + (process.numbers[name] ?? 0), 0);
  showQueue(sum('queue.length'), sum('queue.capacity'));
  showCache(features, sum);
  $('latency').replaceChildren(...processes.filter(process => process.latency && process.service !== 'gateway').map(split));
}

function describe(process) {
  const item = element('li', {}, element('span', { className: `dot ${process.serving ? 'up' : 'down'}` }));
  item.dataset.service = process.service;
  item.dataset.serving = process.serving;
  item.append(element('span', {}, element('strong', { textContent: process.service }), ` ${process.serving ? 'serves' : 'does not serve'}`));
  const said = [...Object.values(process.facts ?? {}), process.address, process.process_id && `pid ${process.process_id}`, process.uptime_s !== undefined && `up ${duration(process.uptime_s)}`];
  if (process.numbers?.requests !== undefined) said.push(`${process.numbers.requests} calls`, process.numbers.failures && `${process.numbers.failures} failed`);
  item.append(element('span', { className: 'what', textContent: said.filter(Boolean).join(' · ') }));
  for (const [part, reason] of Object.entries(process.reasons)) item.append(element('span', { className: 'what why', textContent: `${part}: ${reason}` }));
  return item;
}

function showQueue(length, capacity) {
  $('queue').replaceChildren(String(length), element('small', { textContent: capacity ? ` of ${capacity}` : '' }));
  $('queue-fill').style.width = `${capacity ? 100 * length / capacity : 0}%`;
  history.push(length);
  if (history.length > 60) history.shift();
  const most = Math.max(4, ...history);
  $('queue-spark').firstElementChild.setAttribute('points', history.map((value, i) => `${60 - history.length + i + 0.5},${(19 - 18 * value / most).toFixed(2)}`).join(' '));
  $('queue-note').textContent = `requests waiting or running; at most ${Math.max(...history)} in the last minute`;
}

// Every pair of numbers NAME.hits and NAME.misses is a tier of the cache.
function showCache(features, sum) {
  const tiers = new Set(features.flatMap(process => Object.keys(process.numbers)).filter(name => name.endsWith('.hits')).map(name => name.slice(0, -'.hits'.length)));
  $('tiers').replaceChildren(...[...tiers].sort((a, b) => (b === 'store') - (a === 'store') || a.localeCompare(b)).map(tier => {
    const hits = sum(`${tier}.hits`), asked = hits + sum(`${tier}.misses`);
    const meter = element('div', { className: 'meter' }, element('span'));
    meter.firstElementChild.style.width = `${asked ? 100 * hits / asked : 0}%`;
    const row = element('div', { className: 'row' },
      element('span', { textContent: `${tier === 'store' ? 'memory' : tier} ${asked ? percent(hits / asked) : '–'}` }), element('span', { textContent: `${hits} of ${asked}` }));
    const made = element('div', { className: 'tier' }, row, meter);
    made.dataset.tier = tier;
    return made;
  }));
  $('cache-note').textContent = features.length ? `${sum('store.count')} maps and sets, ${bytes(sum('store.size'))} of ${bytes(sum('store.capacity'))}` : 'features does not answer';
}

// Means add up, so the bar is of means; images of one call are worked on side by side, so its parts may exceed the total.
function split({ service, address, latency }) {
  const head = element('div', { className: 'row' }, element('span', { textContent: service, title: address ?? '' }));
  const made = element('div', { className: 'time' }, head);
  made.dataset.service = service;
  if (!latency.count) {
    head.append(element('span', { textContent: `no calls in the last ${latency.window_s} s` }));
    return made;
  }
  head.append(element('span', { textContent: `${latency.count} ${latency.count === 1 ? 'call' : 'calls'} · p50 ${milliseconds(latency.total.p50_ms)} · p99 ${milliseconds(latency.total.p99_ms)}` }));
  const whole = Math.max(1e-9, parts.reduce((total, part) => total + latency[part].mean_ms, 0));
  const bar = element('div', { className: 'split' });
  for (const part of parts) {
    const piece = element('span', { className: part, title: `${part} ${milliseconds(latency[part].mean_ms)}` });
    piece.style.width = `${100 * latency[part].mean_ms / whole}%`;
    bar.append(piece);
  }
  made.append(bar, element('div', { className: 'parts' }, ...parts.map(part => element('span', { textContent: `${part} ${milliseconds(latency[part].mean_ms)}` }))));
  return made;
}
