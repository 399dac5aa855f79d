// Small charts as plain SVG: the last hour as a line over an area, and a bar of parts. Each says in words what it is.
import { html } from '../view.js';
import { short } from '../format.js';

const WIDTH = 120;
const HEIGHT = 28;

function points(values, most, length) {
  const step = WIDTH / Math.max(1, length - 1);
  const offset = length - values.length;
  return values.map((value, i) =>
    `${((offset + i) * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`);
}

/** `area` and `line`: one number a minute, the newest last, of up to `length` minutes. */
export function HourChart({ area = [], line = [], length = 60, label, names = ['in', 'out'] }) {
  if (area.length < 2) return html`<span class="faint small">gathering</span>`;
  const most = Math.max(1, ...area, ...line);
  const outline = points(area, most, length);
  const begin = outline[0].split(',')[0];
  const text = `${label}: ${names[0]} ${short(area.at(-1))} in the last minute, at most ${short(Math.max(...area))}`
    + (line.length ? `; ${names[1]} ${short(line.at(-1))}, at most ${short(Math.max(...line))}` : '');
  return html`<svg class="hour" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${text}
    preserveAspectRatio="none">
    <title>${text}</title>
    <path class="area" d="M${begin},${HEIGHT} L${outline.join(' L')} L${WIDTH},${HEIGHT} Z" />
    ${line.length > 1 && html`<polyline class="line" points=${points(line, most, length).join(' ')} />`}
  </svg>`;
}

/** Bars, the newest last. */
export function Bars({ values, label }) {
  if (!values?.length) return null;
  const most = Math.max(1, ...values);
  const step = WIDTH / values.length;
  const text = `${label}: ${short(values.at(-1))} now, at most ${short(Math.max(...values))}`;
  return html`<svg class="hour" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${text}
    preserveAspectRatio="none">
    <title>${text}</title>
    ${values.map((value, i) => value > 0 && html`<rect class="bar" x=${(i * step).toFixed(1)}
      width=${(step * 0.8).toFixed(1)}
      y=${(HEIGHT - Math.max(2, (value / most) * HEIGHT)).toFixed(1)} height=${Math.max(2,
        (value / most) * HEIGHT).toFixed(1)} />`)}
  </svg>`;
}

/** Parts of a whole: [{ name, value, tone, address }]. */
export function Stack({ parts, total }) {
  const whole = Math.max(1, total ?? parts.reduce((sum, part) => sum + part.value, 0));
  return html`<div class="stack">
    <div class="stack-bar" aria-hidden="true">
      ${parts.filter((part) => part.value > 0).map((part) => html`<span class=${part.tone}
        style=${{ width: `${(part.value / whole) * 100}%` }}></span>`)}
    </div>
    <ul>${parts.map((part) => html`<li><span class="swatch ${part.tone}" aria-hidden="true"></span>
      ${part.address && part.value > 0 ? html`<a href=${part.address}>${short(part.value)} ${part.name}</a>`
        : html`<span>${short(part.value)} ${part.name}</span>`}</li>`)}</ul>
  </div>`;
}
