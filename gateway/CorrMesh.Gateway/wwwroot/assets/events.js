// Server-sent events by fetch: unlike EventSource it can send an API key.

import { Problem, request } from './api.js';

const waits = [500, 1000, 2000, 4000, 8000];   // ms before another try

/**
 * Follows a stream of events until `isOver` says so after it has ended, coming back by itself when it breaks off; what has been seen is
 * not asked for again. Throws a Problem that another try would not mend.
 */
export async function follow(path, { onEvent, onLink = () => {}, isOver, lastId = '', signal }) {
  for (let tries = 0; ;) {
    const attempt = new AbortController(), again = () => attempt.abort();
    signal?.addEventListener('abort', again);
    // A network that has come back does not bring its old connections along.
    addEventListener('online', again);
    try {
      const answer = await request(path, { accept: 'text/event-stream', headers: lastId ? { 'Last-Event-ID': lastId } : {}, signal: attempt.signal });
      onLink(true);
      for await (const event of read(answer.body)) {
        tries = 0;
        if (event.id !== undefined) lastId = event.id;
        onEvent(event.name, JSON.parse(event.data));
      }
      if (isOver()) return lastId;
    } catch (error) {
      if (signal?.aborted) return lastId;
      if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
      if (!(error instanceof Problem) && error.name !== 'AbortError') throw error;
    } finally {
      signal?.removeEventListener('abort', again);
      removeEventListener('online', again);
    }
    onLink(false);
    await new Promise(resolve => setTimeout(resolve, waits[Math.min(tries++, waits.length - 1)]));
  }
}

async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '', event = { name: 'message', data: [] };
  for (;;) {
    const { done, value } = await reader.read().catch(error => { throw error.name === 'AbortError' ? error : new Problem('The stream of events broke off.'); });
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (event.data.length) yield { ...event, data: event.data.join('\n') };
        event = { name: 'message', data: [] };
        continue;
      }
      const [, field, text] = line.match(/^([^:]*):? ?(.*)$/s);
      if (field === 'event') event.name = text;
      else if (field === 'data') event.data.push(text);
      else if (field === 'id') event.id = text;
    }
  }
}
