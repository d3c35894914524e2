// Errors of the mesh at the fields that they are about.

import { element } from './dom.js';

/** Takes all messages below an element away again. */
export function forgive(root) {
  for (const said of root.querySelectorAll('.field-error')) said.remove();
  for (const field of root.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-describedby');
  }
}

/** Says each error at its field, found by `fieldOf(name)`; the errors of fields that are not here are given back. */
export function blame(error, fieldOf) {
  const rest = (error.errors ?? []).filter(({ field: name, message }) => {
    const field = fieldOf(name);
    if (!field) return true;
    const said = element('p', { className: 'field-error', id: `error-${name.replace(/\W/g, '-')}`, textContent: message });
    document.getElementById(said.id)?.remove();
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', said.id);
    (field.closest('.field') ?? field.parentElement).append(said);
    return false;
  });
  return error.errors?.length ? rest : [{ field: '', message: error.message }];
}
