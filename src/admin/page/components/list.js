// A list of rows: a table on a wide screen, cards on a narrow one; of ten thousand rows only those that can be seen are
// drawn. The keys j, k, x and Enter work on it; a row is moved to, selected (with shift: up to here) and opened.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { useKeys } from './keys.js';

const SPARE = 12; // rows drawn above and below what is seen
const ROW = 48; // pixels; style/list.css has the same
const NARROW = matchMedia('(max-width: 759px)');

export function useNarrow() {
  const [narrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const listener = () => setNarrow(NARROW.matches);
    NARROW.addEventListener('change', listener);
    return () => NARROW.removeEventListener('change', listener);
  }, []);
  return narrow;
}

/** Rows grow with the type: how many pixels a rem has, of 16. */
function useScale() {
  const read = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const [scale, setScale] = useState(read);
  useEffect(() => {
    const listener = () => setScale(read());
    addEventListener('resize', listener);
    return () => removeEventListener('resize', listener);
  }, []);
  return scale;
}

/** Which rows are on the screen, of `count` of `height` each. */
function useWindow(body, count, height) {
  const [range, setRange] = useState([0, Math.min(count, 40)]);
  useLayoutEffect(() => {
    let frame = 0;
    const measure = () => {
      frame = 0;
      if (!body.current) return;
      const top = -body.current.getBoundingClientRect().top;
      const begin = Math.max(0, Math.floor(top / height) - SPARE);
      const end = Math.min(count, Math.ceil((top + innerHeight) / height) + SPARE);
      setRange((old) => (old[0] === begin && old[1] === end ? old : [begin, Math.max(begin, end)]));
    };
    const soon = () => { frame ||= requestAnimationFrame(measure); };
    measure();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [count, height]);
  return range;
}

const Gap = ({ rows, height, columns }) => rows > 0 && html`<tr class="gap" aria-hidden="true">
  <td colspan=${columns} style=${{ height: `${rows * height}px` }}></td></tr>`;

/**
 * `columns`: { head, cell(row), class }; `id(row)` is stable. `selection`: a Set of ids, with `setSelection`, or none.
 * `cardHeight`: of a row on a narrow screen. `onEnd`: called when the last row comes near.
 */
export function List({ label, rows, columns, id, address, open, selection, setSelection, cardHeight = 120,
  rowHeight = ROW, onEnd }) {
  const narrow = useNarrow();
  const height = Math.round((narrow ? cardHeight : rowHeight) * useScale());
  const body = useRef(null);
  const [begin, end] = useWindow(body, rows.length, height);
  const [at, setAt] = useState(-1);
  const place = useRef(-1); // what `at` is about to be: keys may come faster than rows are drawn
  const anchor = useRef(-1);
  const focus = useRef(false);
  const chosenNow = useRef(selection); // what `selection` is about to be
  chosenNow.current = selection;
  const selectable = Boolean(selection);
  const width = columns.length + (selectable ? 1 : 0);

  useEffect(() => { if (end >= rows.length - 5) onEnd?.(); }, [end, rows.length]);
  useLayoutEffect(() => {
    if (!focus.current) return;
    focus.current = false;
    body.current?.querySelector(`[data-index="${place.current}"]`)?.focus({ preventScroll: true });
  });

  const move = (to) => {
    if (rows.length === 0) return false;
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const top = body.current.getBoundingClientRect().top + index * height;
    if (top < 120) scrollBy(0, top - 120);
    else if (top + height > innerHeight - 80) scrollBy(0, top + height - innerHeight + 80);
    focus.current = true;
    place.current = index;
    setAt(index);
    return true;
  };
  const select = (index, extend) => {
    const chosen = new Set(chosenNow.current);
    const on = !chosen.has(id(rows[index]));
    const from = extend && anchor.current >= 0 ? anchor.current : index;
    for (let i = Math.min(from, index); i <= Math.max(from, index); ++i) {
      if (on) chosen.add(id(rows[i])); else chosen.delete(id(rows[i]));
    }
    anchor.current = index;
    chosenNow.current = chosen;
    setSelection(chosen);
  };
  const here = () => rows[place.current];
  useKeys({
    j: () => move(place.current + 1),
    k: () => move(Math.max(0, place.current - 1)),
    x: () => (selectable && here() ? select(place.current, false) : false),
    X: () => (selectable && here() ? select(place.current, true) : false),
    Enter: () => (here() ? open(here()) : false),
    Escape: () => (selectable && selection.size > 0 ? setSelection(new Set()) : false),
  });

  const all = selectable && rows.length > 0 && rows.every((row) => selection.has(id(row)));
  return html`<table class="list ${selectable ? 'selectable' : ''}" role="table" aria-label=${label}
      aria-rowcount=${rows.length + 1} style=${{ '--row-height': `${height}px` }}>
    <thead role="rowgroup"><tr role="row" aria-rowindex="1">
      ${selectable && html`<th role="columnheader" class="tick"><label class="hit"><input type="checkbox"
        aria-label="Select all that are listed" checked=${all}
        onChange=${() => setSelection(all ? new Set() : new Set(rows.map(id)))} /></label></th>`}
      ${columns.map((column) => html`<th role="columnheader" class=${column.class ?? ''} title=${column.title}>
        ${column.head}</th>`)}
    </tr></thead>
    <tbody role="rowgroup" ref=${body}>
      <${Gap} rows=${begin} height=${height} columns=${width} />
      ${rows.slice(begin, end).map((row, i) => {
        const index = begin + i;
        const key = id(row);
        const chosen = selectable && selection.has(key);
        return html`<tr key=${key} role="row" data-index=${index} aria-rowindex=${index + 2}
          tabindex=${index === Math.max(at, 0) ? 0 : -1}
            class="${index === at ? 'at' : ''} ${chosen ? 'chosen' : ''}"
            onFocus=${() => {
              place.current = index;
              if (at !== index) setAt(index);
            }}
            onClick=${(event) => {
              if (event.target.closest('a, button, input, label') || getSelection().toString()) return;
              if (selectable && (event.shiftKey || event.ctrlKey || event.metaKey)) select(index, event.shiftKey);
              else open(row);
            }}>
          ${selectable && html`<td role="cell" class="tick"><label class="hit"><input type="checkbox" tabindex="-1"
            checked=${chosen} aria-label=${`Select ${key}`} onClick=${(event) => {
              event.stopPropagation();
              select(index, event.shiftKey);
            }} /></label></td>`}
          ${columns.map((column, c) => html`<td role="cell" class=${column.class ?? ''}
            data-head=${column.card ?? column.head}>
            ${c === 0 && address ? html`<a class="row-link" href=${address(row)} tabindex="-1">${column.cell(row)}</a>`
              : column.cell(row)}</td>`)}
        </tr>`;
      })}
      <${Gap} rows=${rows.length - end} height=${height} columns=${width} />
    </tbody>
  </table>`;
}
