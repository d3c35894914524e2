// What every script of the pages needs to make elements and to say times.

export const $ = id => document.getElementById(id);

export function element(name, properties = {}, ...content) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...content);
  return made;
}

/** Makes an element of SVG; its attributes are as given. */
export function drawn(name, attributes = {}, ...content) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

export const duration = s => s < 90 ? `${Math.floor(s)} s` : s < 5400 ? `${Math.floor(s / 60)} min` : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;

/** Shows an error of the mesh, in its words. */
export function complain(error) {
  if (error.name === 'AbortError') return;
  $('fault-text').textContent = error.message;
  $('fault').hidden = false;
  if (error.status === 401) document.querySelector('details.key')?.setAttribute('open', '');
  $('fault').scrollIntoView({ block: 'nearest' });
}
