// The mesh's HTTP API as the page uses it: requests, errors in the mesh's own words, and the same request as a curl command.

const keyName = 'corrmesh.key';

export const apiKey = {
  get: () => sessionStorage.getItem(keyName) ?? '',
  set: value => value ? sessionStorage.setItem(keyName, value) : sessionStorage.removeItem(keyName),
};

/** An answer that is no success; the message is the detail of its problem details. */
export class Problem extends Error {
  constructor(message, { status = 0, reason = '', errors = [] } = {}) {
    super(message);
    Object.assign(this, { status, reason, errors, fields: errors.map(error => error.field) });
  }
}

/** Asks the mesh, with the key if there is one; an answer that is no success is thrown as a Problem. */
export async function request(path, { method = 'GET', accept = '*/*', headers = {}, body, signal } = {}) {
  const sent = { accept, ...headers };
  if (apiKey.get()) sent['x-api-key'] = apiKey.get();
  let answer;
  try {
    answer = await fetch(path, { method, headers: sent, body, signal, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem('The mesh cannot be reached from this browser.');
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => null);
  throw new Problem(problem?.detail ?? `${answer.status} ${answer.statusText}`, problem ?? { status: answer.status });
}

/** Posts a form (or gets, without one) and gives the JSON of the answer. */
export async function ask(path, { fields = null, method = fields ? 'POST' : 'GET', signal } = {}) {
  let body;
  if (fields) {
    body = new FormData();
    for (const [name, value] of fields) value.blob ? body.append(name, value.blob, value.name) : body.append(name, value);
  }
  return (await request(path, { method, accept: 'application/json', body, signal })).json();
}

const quoted = text => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

// curl's own -F ends a file name at a comma or semicolon unless it is quoted.
const file = path => /^[\w./ -]+$/.test(path) ? path : `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** The command that does the same as `ask`; a key is named, never shown. */
export function curl(path, fields, { accept, output } = {}) {
  const words = ['curl'];
  if (apiKey.get()) words.push('-H "x-api-key: $KEY"');
  if (accept) words.push(`-H ${quoted(`Accept: ${accept}`)}`);
  for (const [name, value] of fields)
    words.push(value.blob ? `-F ${quoted(`${name}=@${file(value.path)}`)}` : `--form-string ${quoted(`${name}=${value}`)}`);
  if (output) words.push(`-o ${output}`);
  words.push(location.origin + path);
  return words.join(' ');
}

/** Base64 of a PNG to an address that an <img> can show. */
export function pngAddress(base64) {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: 'image/png' }));
}
