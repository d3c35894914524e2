// What is said of a job and of a published name in more than one place.

import { ask } from './api.js';
import { complain, element } from './dom.js';

export const isOver = job => ['succeeded', 'failed', 'cancelled'].includes(job.state);

/** A job's state as a badge; one that succeeded and was refused by the gate is not good news. */
export function stateOf(job) {
  const refused = job.state === 'succeeded' && job.verdict && !job.verdict.accepted;
  const made = element('span', { className: `state ${refused ? 'refused' : job.state}`, textContent: refused ? 'refused by the gate' : job.state });
  return made;
}

/** How far a job is: a sentence, and a part of the whole, 0 to 1. */
export function progressOf(job) {
  if (job.state === 'queued') return { text: job.queue_position ? `${job.queue_position} before it` : 'next', part: 0 };
  if (job.gauge) return { text: `gate ${job.gauge.done} of ${job.gauge.total}`, part: job.gauge.total ? job.gauge.done / job.gauge.total : 0 };
  if (!job.recipe) return { text: job.state === 'running' ? 'measuring' : '', part: 0 };
  return { text: `step ${job.progress?.step ?? 0} of ${job.recipe.iterations}`, part: job.recipe.iterations ? (job.progress?.step ?? 0) / job.recipe.iterations : 1 };
}

const short = digest => digest.slice(0, 10);

export const when = time => time ? new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) : 'time not known';

/** The address of the page that matches pictures, with an adapter chosen. */
export const matchAddress = (name, model) => `/?${new URLSearchParams({ model, adapter: name })}`;

/** One published name: what it means, a way to try it, and ways back. */
export function nameRow(adapter, { onChange, open = false, ofRun = null }) {
  const [now] = adapter.versions.filter(version => version.digest === adapter.digest), before = adapter.versions.filter(version => version.digest !== adapter.digest);
  const made = element('li', {}, element('span', { className: 'what' }, element('strong', { textContent: adapter.name }), element('span', { className: 'note', textContent: ` ${adapter.model}` })));
  made.dataset.name = adapter.name;
  made.dataset.digest = adapter.digest;
  const from = now?.job ? element('a', { href: `/runs/${encodeURIComponent(now.job)}`, textContent: 'a run' }) : 'a file';
  const isOfRun = ofRun && (now?.job === ofRun.id || adapter.digest === ofRun.adapter?.digest);
  if (isOfRun) made.append(element('span', { className: 'note about', textContent: `means this run’s adapter since ${when(now?.publish_time)}` }));
  else made.append(element('span', { className: 'note about' }, `means ${short(adapter.digest)} from `, from, `, ${when(now?.publish_time)}`));
  const deeds = element('span', { className: 'group deeds' }, element('a', { className: 'button', href: matchAddress(adapter.name, adapter.model), textContent: 'Match with it' }));
  if (before.length) deeds.append(rollBack('Roll back', adapter.name, '', onChange));
  made.append(deeds);
  if (before.length)
    made.append(element('details', { open }, element('summary', { textContent: `${before.length} earlier ${before.length === 1 ? 'version' : 'versions'}` }),
      element('ul', {}, ...before.map(version => element('li', {},
        element('span', {}, element('code', { textContent: short(version.digest) }), ` ${when(version.publish_time)} `, version.job ? element('a', { href: `/runs/${encodeURIComponent(version.job)}`, textContent: 'its run' }) : ''),
        rollBack('Use this again', adapter.name, version.digest, onChange))))));
  return made;
}

function rollBack(text, name, digest, onChange) {
  const button = element('button', { type: 'button', className: 'quiet', textContent: text });
  // No state of its own, so that rows that say the same are equal.
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await ask(`/v1/adapters/${encodeURIComponent(name)}:rollback${digest && `?digest=${digest}`}`, { method: 'POST' });
      await onChange();
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}
