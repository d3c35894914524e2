// Curves over steps, drawn as SVG at the size that there is; values are read off by pointer, touch or arrow keys.

import { drawn, element } from './dom.js';

const height = 210, margin = { left: 44, right: 14, top: 10, bottom: 34 };

/** Round numbers from about low to about high, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough)), step = power * [1, 2, 5, 10].find(factor => factor * power >= rough * 0.7);
  const made = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) made.push(Number((i * step).toPrecision(12)));
  return made;
}

export class Chart {
  /** @param series Names of the curves; `low` and `high` bound what the axis may show; `dots`: every value is marked. */
  constructor(place, { label, series, low = -Infinity, high = Infinity, digits = 3, dots = false }) {
    Object.assign(this, { place, label, names: series, low, high, digits, dots, data: series.map(() => []), end: 1, at: null });
    this.legend = element('ul', { className: 'legend values' });
    this.svg = drawn('svg', { role: 'img', tabindex: '0' });
    place.append(this.legend, this.svg);
    new ResizeObserver(() => this.draw()).observe(place);
    this.svg.addEventListener('pointermove', event => this.#point(event));
    this.svg.addEventListener('pointerdown', event => this.#point(event));
    this.svg.addEventListener('pointerleave', event => { if (event.pointerType === 'mouse') this.#choose(null); });
    this.svg.addEventListener('blur', () => this.#choose(null));
    this.svg.addEventListener('keydown', event => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key], steps = this.#steps();
      if (!way || !steps.length) return;
      event.preventDefault();
      const now = this.at === null ? (way > 0 ? -1 : steps.length) : steps.indexOf(this.at);
      this.#choose(steps[Math.min(steps.length - 1, Math.max(0, now + way))]);
    });
  }

  /** @param data For each curve its points [step, value], ascending. @param end The last step of the axis. */
  show(data, end) {
    this.data = data;
    this.end = Math.max(1, end, ...data.map(points => points.at(-1)?.[0] ?? 0));
    this.draw();
  }

  draw() {
    const width = this.place.clientWidth;
    if (!width) return;
    const values = this.data.flat().map(point => point[1]).filter(Number.isFinite);
    let [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    const room = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 0.005);
    [low, high] = [Math.max(this.low, low - room), Math.min(this.high, high + room)];
    if (high <= low) [low, high] = [low - 0.5, low + 0.5];
    const x = step => margin.left + step / this.end * (width - margin.left - margin.right);
    const y = value => margin.top + (high - value) / (high - low) * (height - margin.top - margin.bottom);
    this.x = x;
    const parts = [];
    for (const value of ticks(low, high, 4)) {
      parts.push(drawn('line', { class: 'rule', x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }));
      parts.push(drawn('text', { class: 'tick', x: margin.left - 7, y: y(value) + 4, 'text-anchor': 'end' }, String(value)));
    }
    for (const step of ticks(0, this.end, width < 420 ? 3 : 5).filter(Number.isInteger))
      parts.push(drawn('text', { class: 'tick', x: x(step), y: height - margin.bottom + 16, 'text-anchor': step / this.end > 0.96 ? 'end' : 'middle' }, String(step)));
    parts.push(drawn('line', { class: 'axis', x1: margin.left, x2: width - margin.right, y1: height - margin.bottom, y2: height - margin.bottom }));
    parts.push(drawn('text', { class: 'tick', x: (margin.left + width - margin.right) / 2, y: height - 3, 'text-anchor': 'middle' }, 'step'));
    this.data.forEach((points, i) => {
      const drawable = points.filter(point => Number.isFinite(point[1]));
      parts.push(drawn('polyline', { class: `curve c${i}`, points: drawable.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(' ') }));
      if (this.dots || drawable.length === 1) for (const [step, value] of drawable) parts.push(drawn('circle', { class: `dot c${i}`, cx: x(step), cy: y(value), r: 2.5 }));
    });
    if (this.at !== null) {
      parts.push(drawn('line', { class: 'guide', x1: x(this.at), x2: x(this.at), y1: margin.top, y2: height - margin.bottom }));
      this.data.forEach((points, i) => {
        const value = points.find(point => point[0] === this.at)?.[1];
        if (Number.isFinite(value)) parts.push(drawn('circle', { class: `dot c${i}`, cx: x(this.at), cy: y(value), r: 4 }));
      });
    }
    for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) this.svg.setAttribute(name, value);
    this.svg.replaceChildren(...parts);
    this.#tell();
  }

  #tell() {
    const value = points => (this.at === null ? points.at(-1) : points.find(point => point[0] === this.at))?.[1];
    const step = this.at ?? this.#steps().at(-1);
    const said = this.data.map((points, i) => [this.names[i], Number.isFinite(value(points)) ? value(points).toFixed(this.digits) : '–']);
    this.legend.replaceChildren(...said.map(([name, text], i) => element('li', { className: `c${i}` }, `${name} `, element('b', { textContent: text }))),
      element('li', { className: 'step', textContent: step === undefined ? '' : `step ${step}` }));
    this.svg.setAttribute('aria-label', `${this.label}: ${step === undefined ? 'no values yet' : `step ${step}, ${said.map(pair => pair.join(' ')).join(', ')}`}. Arrow keys read off other steps.`);
  }

  #steps() { return [...new Set(this.data.flat().map(point => point[0]))].sort((a, b) => a - b); }

  #choose(step) {
    if (this.at === step) return;
    this.at = step;
    this.draw();
  }

  #point(event) {
    const where = event.clientX - this.svg.getBoundingClientRect().left, steps = this.#steps();
    if (steps.length) this.#choose(steps.reduce((best, step) => Math.abs(this.x(step) - where) < Math.abs(this.x(best) - where) ? step : best));
  }
}
