// The page of poses: an object, a photo or a clip, a camera, and where the object is in the picture.

import { apiKey, ask, curl } from './api.js';
import { Clip } from './clip.js';
import { $, complain, drawn, element } from './dom.js';
import { blame, forgive } from './fields.js';
import { objectOf, watchObjects } from './objects.js';
import { axesOf, edgesOf, lineOf, quaternionOf } from './projection.js';

const guessedFocal = 1.2;   // times the longer side: about what phones have
const cameraFields = ['fx', 'fy', 'cx', 'cy'];
const sure = [[0.9, 'Almost certain', 'high'], [0.7, 'Likely right', 'high'], [0.4, 'Perhaps right', 'middle'], [0.15, 'Doubtful', 'low'], [0, 'Probably wrong', 'low']];

// Why there is no pose, and what can be tried.
const reasons = {
  too_few_points: ['Hardly anything in the picture looks like it.', ['Is it the object that is chosen above?', 'Take it from nearer, so that it fills a third of the picture or more.', 'Is it sharp, and lit from the front?']],
  no_consensus: ['Parts of the picture look like it, but do not fit together as this object.', ['Are the camera’s numbers right? A wrong focal length spoils everything.', 'Take it from nearer, or with less of it hidden.', 'Does the object’s size in the list agree with the real one?']],
  degenerate: ['All that was found lies on a line or in one place, so its turn stays open.', ['Take it from another side, where more of it is seen.', 'Take it from nearer.']],
};

let object = null;         // that is looked for
let picture = null;        // { file, width, height, isClip }
let answer = null;         // what is drawn: { pose, camera, object }
let asking = null;         // aborts the question that is under way
let generation = 0;        // goes up when object, picture or camera change; answers to older questions are dropped
let before = {};           // what the camera's fields said before a change
let times = [];            // when the last answers of a clip came
let answered = 0;
let scaled = 1;            // pixels of the picture in one of the screen
let announced = '';

const clip = new Clip($('video'), frameOfClip);
clip.onBreak = () => complain(new Error(`${picture.file.name}: this browser cannot play it any further (${clip.fault})`));

// --- the picture

const isVideo = file => file.type.startsWith('video/') || /\.(mp4|m4v|mov|webm|mkv|ogv)$/i.test(file.name);

async function choose(file) {
  const mine = ++generation;
  asking?.abort();
  $('fault').hidden = true;
  forgive($('finder'));
  let opened;
  if (isVideo(file)) {
    opened = await clip.open(file) && { width: clip.width, height: clip.height };
  } else {
    const trial = element('img', { src: URL.createObjectURL(file) });
    opened = await trial.decode().then(() => ({ width: trial.naturalWidth, height: trial.naturalHeight, address: trial.src }), () => { URL.revokeObjectURL(trial.src); return null; });
    if (opened && mine === generation) clip.close();
  }
  if (mine !== generation) return;
  if (!opened) {
    complain(new Error(isVideo(file) ? `${file.name}: this browser cannot play it${clip.fault && ` (${clip.fault})`}` : `${file.name}: this browser cannot show it as a picture`));
    if (picture?.isClip) forgetPicture();
    return;
  }
  picture = { file, isClip: isVideo(file), width: opened.width, height: opened.height };
  if ($('photo').src) URL.revokeObjectURL($('photo').src);
  if (picture.isClip) $('photo').removeAttribute('src');
  else $('photo').src = opened.address;
  Object.assign($('photo'), { hidden: picture.isClip, alt: file.name });
  $('still').hidden = $('clip').hidden = !picture.isClip;
  if (picture.isClip) Object.assign($('still'), { width: picture.width, height: picture.height });
  $('nothing').hidden = true;
  $('sheet').hidden = false;
  $('sheet').style.setProperty('--shape', picture.width / picture.height);
  $('drawing').setAttribute('viewBox', `-0.5 -0.5 ${picture.width} ${picture.height}`);
  $('about').textContent = `${file.name} · ${picture.width} × ${picture.height}`;
  [times, answered] = [[], 0];
  fillCamera();
  forget();
  scale();
  ready();
  if (picture.isClip) { tellClip(); clip.again(); clip.play(); } else find();
}

function forgetPicture() {
  picture = null;
  $('sheet').hidden = $('clip').hidden = true;
  $('nothing').hidden = false;
  $('about').textContent = ' ';
  forget();
  ready();
}

// --- the camera

const keyOf = ({ width, height }) => `corrmesh.camera.${width}x${height}`;
const guessFor = ({ width, height }) => ({ fx: guessedFocal * Math.max(width, height), fy: guessedFocal * Math.max(width, height), cx: (width - 1) / 2, cy: (height - 1) / 2 });
const field = name => $('camera').querySelector(`[name=${name}]`);
const texts = () => Object.fromEntries(cameraFields.map(name => [name, field(name).value]));
const camera = () => Object.fromEntries(cameraFields.map(name => [name, field(name).valueAsNumber]));

function fillCamera() {
  const kept = JSON.parse(sessionStorage.getItem(keyOf(picture)) ?? 'null'), values = kept ?? guessFor(picture);
  $('camera').disabled = false;
  for (const name of cameraFields) field(name).value = Number.isFinite(values[name]) ? Number(values[name].toFixed(4)) : '';
  before = texts();
  tellCamera(!kept);
}

function tellCamera(isGuess) {
  Object.assign($('camera-kind'), { textContent: isGuess ? 'a guess' : 'yours', className: `state ${isGuess ? 'guessed' : ''}` });
  $('camera').classList.toggle('guessed', isGuess);
  $('guess').hidden = isGuess;
  $('camera-said').textContent = isGuess
    ? 'Focal length: 1.2 × the longer side; optical centre: the middle. The distance is only as right as this: put in your camera’s numbers (pixels).'
    : `Kept for pictures of ${picture.width} × ${picture.height} until this tab closes.`;
}

function cameraChanged(event) {
  const other = { fx: 'fy', fy: 'fx' }[event.target.name];
  // Pixels are square nearly always: the other focal length follows as long as it was the same.
  if (other && field(other).value === before[event.target.name]) field(other).value = event.target.value;
  before = texts();
  sessionStorage.setItem(keyOf(picture), JSON.stringify(camera()));
  tellCamera(false);
  changed();
}

// --- asking

const fieldsOf = (image, numbers) => [['image', image], ['object', object?.id ?? 'cup'], ...cameraFields.map(name => [name, String(Number.isFinite(numbers[name]) ? numbers[name] : '')]), ['outline', 'true']];

/** Object or camera are others: what was asked before is no longer of interest. */
function changed() {
  generation++;
  asking?.abort();
  ready();
  if (!picture || !object) { forget(); return; }
  if (picture.isClip) { forget(); clip.again(); } else find();
}

function ready() {
  $('find').disabled = !picture || !object;
  $('find').textContent = picture?.isClip ? 'Find it in this frame' : 'Find it';
  const path = picture?.isClip ? 'frame.jpg' : picture?.file.name ?? 'photo.jpg';
  $('curl').textContent = curl('/v1/pose', fieldsOf({ blob: true, path }, picture ? camera() : { fx: 768, fy: 768, cx: 319.5, cy: 239.5 }));
}

/** Asks where the object is in one picture; null when nobody wants to know any more. */
async function estimate(image) {
  const mine = generation, wanted = object, numbers = camera(), question = asking = new AbortController();
  $('finder').setAttribute('aria-busy', 'true');
  forgive($('finder'));
  try {
    const said = await ask('/v1/pose', { fields: fieldsOf(image, numbers), signal: question.signal });
    if (mine !== generation) return null;
    $('fault').hidden = true;
    return { pose: said.poses[0], camera: numbers, object: wanted, timings: said.timings };
  } catch (error) {
    if (mine !== generation || error.name === 'AbortError') return null;
    const rest = blame(error, name => name === 'object' ? $('object') : name === 'image' ? $('file') : cameraFields.includes(name.split('.').at(-1)) ? field(name.split('.').at(-1)) : null);
    if (rest.length) complain(error);
    throw error;
  } finally {
    if (asking === question) $('finder').setAttribute('aria-busy', 'false');
  }
}

async function find() {
  if (!picture || !object) return;
  const mine = ++generation;
  asking?.abort();
  say(`Looking for ${nameOf(object)}…`);
  if (!answer) verdict(`Looking for ${nameOf(object)}…`, 'A moment.');
  try {
    const found = await estimate({ blob: picture.file, name: picture.file.name });
    if (found) show(found);
  } catch {
    if (mine === generation) { forget(); verdict('Not looked for', 'The mesh did not take the question.'); }
  }
}

/** One frame of a clip: the picture changes together with what is drawn over it. */
async function frameOfClip({ blob, canvas, time_s }) {
  const still = () => $('still').getContext('2d').drawImage(canvas, 0, 0);
  if (!answered) still();
  if (!object) return;
  const mine = generation, asked = performance.now();
  try {
    const found = await estimate({ blob, name: 'frame.jpg' });
    if (!found) return;
    still();
    answered++;
    times = [...times, performance.now()].slice(-12);
    tellClip({ time_s, took: performance.now() - asked });
    show(found);
  } catch {
    if (mine !== generation) return;
    clip.pause();
    forget();
    verdict('Not looked for', 'The mesh did not take the frame; the clip is paused.');
  }
}

function tellClip(last) {
  const rate = times.length > 1 ? `${((times.length - 1) / (times.at(-1) - times[0]) * 1000).toFixed(1)} a second` : '';
  $('clip-said').textContent = last
    ? `At ${last.time_s.toFixed(2)} s, ${took(last.took)} after it was shown. ${answered} frames answered${rate && `, ${rate}`}; ${clip.dropped} passed by meanwhile.`
    : 'The picture shows the last frame that was answered.';
}

// --- showing

const nameOf = one => one.display_name || one.id;
const took = ms => ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
const say = text => { $('said').textContent = text; };
const rounded = (value, digits) => value.toFixed(digits).replace('-', '−');

function forget() {
  answer = null;
  announced = '';
  draw();
  verdict('Nothing looked for yet', !object ? 'Register an object below, then look for it here.' : !picture ? 'Choose a photo or a clip.' : 'A moment.');
  for (const id of ['position', 'rotation', 'matches']) $(id).textContent = '–';
  for (const id of ['total', 'features-ms', 'matching-ms', 'solver-ms']) $(id).textContent = '';
  for (const part of $('split').children) part.style.width = 0;
  $('copy').disabled = true;
}

function verdict(title, why, { confidence = 0, level = '', tries = [], findings = [] } = {}) {
  $('verdict').textContent = title;
  $('why').textContent = why;
  $('answer').dataset.level = level;
  $('sure-fill').style.width = `${100 * confidence}%`;
  $('sure').setAttribute('aria-valuenow', Math.round(100 * confidence));
  $('sure').setAttribute('aria-valuetext', title);
  list($('tries'), tries, text => text);
  list($('findings'), findings, finding => finding.message);
}

function list(where, entries, textOf) {
  where.hidden = !entries.length;
  where.replaceChildren(...entries.map(entry => element('li', { textContent: textOf(entry) })));
}

function show(found) {
  answer = found;
  const { pose, timings } = found, name = nameOf(found.object), isFound = pose.status === 'solved';
  draw();
  let title, text;
  if (isFound) {
    // 99.6 % is not certainty.
    const percent = Math.min(99, Math.round(100 * pose.confidence)), [, words, level] = sure.find(([least]) => pose.confidence >= least);
    title = `${words}: ${percent} %`;
    const others = pose.alternatives?.length ?? 0;
    text = `The chance that the pose is right to 5° and 5 cm (a tenth of its size, if that is less).${others ? ` ${others} other ${others === 1 ? 'pose fits' : 'poses fit'} nearly as well.` : ''}`;
    verdict(title, text, { confidence: pose.confidence, level, tries: level === 'low' ? reasons.no_consensus[1] : [], findings: pose.findings });
    const matrix = pose.best.object_to_camera, at = matrix.slice(0, 3).map(row => row[3]);
    $('position').textContent = `${at.map(value => rounded(100 * value, 1)).join(', ')} cm`;
    $('rotation').textContent = ['w', 'x', 'y', 'z'].map((part, i) => `${part} ${rounded(quaternionOf(matrix)[i], 3)}`).join(' ');
    $('matches').textContent = `${pose.inliers} of ${pose.matches} fit, to ${rounded(pose.noise_px, 1)} px`;
  } else {
    const [why, tries] = reasons[pose.status] ?? [`The mesh says: ${pose.status}.`, []];
    title = 'No pose';
    text = why;
    verdict(title, why, { level: 'none', tries, findings: pose.findings });
    $('position').textContent = $('rotation').textContent = '–';
    $('matches').textContent = `${pose.matches}`;
  }
  $('copy').disabled = !isFound;
  $('total').textContent = took(timings.total_ms);
  for (const part of ['features', 'matching', 'solver']) {
    $(`${part}-ms`).textContent = took(timings[`${part}_ms`]);
    $('split').querySelector(`.${part}`).style.width = `${100 * timings[`${part}_ms`] / Math.max(timings.total_ms, 1e-9)}%`;
  }
  // Of a clip only what changes is said aloud.
  if (picture.isClip && announced === title.replace(/: \d+ %$/, '')) return;
  announced = title.replace(/: \d+ %$/, '');
  say(`${name}: ${title}. ${isFound ? `Position ${$('position').textContent}.` : text} ${(pose.findings ?? []).map(finding => finding.message).join(' ')}`);
}

function draw() {
  const svg = $('drawing'), made = [];
  const pose = answer?.pose, matrix = pose?.status === 'solved' ? pose.best.object_to_camera : null;
  svg.classList.toggle('unsure', Boolean(matrix) && pose.confidence < 0.4);
  if (matrix) {
    const near = answer.object.diameter_m / 100;
    const line = (from, to, kinds) => {
      const ends = lineOf(matrix, answer.camera, from, to, near);
      if (!ends) return null;
      const [[x1, y1], [x2, y2]] = ends;
      for (const kind of ['halo', kinds]) made.push(drawn('line', { class: `${kind} ${kinds}`, x1, y1, x2, y2 }));
      return ends[1];
    };
    if ($('show-box').checked) for (const { from, to, hidden } of edgesOf(matrix, answer.object.box)) line(from, to, hidden ? 'edge behind' : 'edge');
    if ($('show-outline').checked && pose.outline?.length) {
      const points = pose.outline.map(point => point.join(',')).join(' ');
      made.push(drawn('polygon', { class: 'halo', points }), drawn('polygon', { class: 'outline', points }));
    }
    if ($('show-axes').checked) {
      axesOf(answer.object).forEach(([from, to], i) => {
        const end = line(from, to, `axis ${'xyz'[i]}`);
        // The name of an axis that leaves the picture stays at its edge.
        const within = (value, size) => Math.min(Math.max(value, 10 * scaled), size - 1 - 10 * scaled);
        if (end) made.push(drawn('text', { class: `axis-name ${'xyz'[i]}`, x: within(end[0], picture.width), y: within(end[1], picture.height) }, 'xyz'[i]));
      });
    }
  }
  svg.replaceChildren(...made);
  svg.setAttribute('aria-label', matrix ? `Outline and axes of ${nameOf(answer.object)}` : 'Nothing is drawn yet');
}

// Names of axes are as large on a phone as on a large screen, whatever the picture's size.
function scale() {
  if (!picture || !$('sheet').clientWidth) return;
  scaled = picture.width / $('sheet').clientWidth;
  $('drawing').style.setProperty('--pixel', scaled);
  draw();
}

function poseAsText() {
  const { pose, object: { id } } = answer, matrix = pose.best.object_to_camera;
  return [
    `object ${id}`,
    `position_cm ${matrix.slice(0, 3).map(row => (100 * row[3]).toFixed(3)).join(' ')}`,
    `rotation_wxyz ${quaternionOf(matrix).map(value => value.toFixed(6)).join(' ')}`,
    `confidence ${pose.confidence.toFixed(3)}`,
  ].join('\n');
}

// --- controls

$('file').addEventListener('change', () => { if ($('file').files.length) choose($('file').files[0]); $('file').value = ''; });
const dropping = on => $('figure').classList.toggle('dropping', on);
$('figure').addEventListener('dragover', () => dropping(true));
$('figure').addEventListener('dragleave', event => { if (!$('figure').contains(event.relatedTarget)) dropping(false); });
$('figure').addEventListener('drop', event => { event.preventDefault(); dropping(false); if (event.dataTransfer.files.length) choose(event.dataTransfer.files[0]); });
// A file dropped beside a field would else replace the page.
for (const kind of ['dragover', 'drop']) document.addEventListener(kind, event => event.preventDefault());
$('find').addEventListener('click', () => { if (picture.isClip) clip.again(); else find(); });
for (const name of cameraFields) field(name).addEventListener('change', cameraChanged);
$('guess').addEventListener('click', () => { sessionStorage.removeItem(keyOf(picture)); fillCamera(); field('fx').focus(); changed(); });
for (const id of ['show-outline', 'show-axes', 'show-box']) $(id).addEventListener('change', draw);
$('copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(poseAsText());
    $('copy').textContent = 'Copied';
  } catch {
    complain(new Error(`This browser does not let a page copy; here it is: ${poseAsText().replaceAll('\n', ', ')}`));
  }
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 1500);
});
$('fault-close').addEventListener('click', () => { $('fault').hidden = true; });
$('key').value = apiKey.get();
$('key').addEventListener('change', () => { apiKey.set($('key').value.trim()); location.reload(); });
new ResizeObserver(scale).observe($('frame'));

ready();
forget();
await watchObjects(chosen => { object = chosen ?? null; changed(); });
