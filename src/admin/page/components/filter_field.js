// The filter of a list: a field in the filter language, and chips that say what was understood. It stands in the
// address, so that a view can be shared.
import { html, useEffect, useRef, useState } from '../view.js';
import { sentence, termsOf, withTerm } from '../filter.js';
import { Icon } from './icons.js';
import { useKeys } from './keys.js';
import { Text } from './text.js';

export function FilterField({ filter, setFilter, problem, quick = [], hint }) {
  const input = useRef(null);
  const [text, setText] = useState(filter);
  useEffect(() => setText(filter), [filter]);
  useKeys({ '/': () => input.current?.focus() });
  const submit = (event) => {
    event.preventDefault();
    setFilter(text.trim());
  };
  const terms = termsOf(filter);
  const remove = (place) => setFilter(terms.filter((_, i) => i !== place).map((one) => one.text).join(' '));
  return html`<div class="filter">
    <form role="search" onSubmit=${submit}>
      <input ref=${input} type="search" value=${text} aria-label="Filter" aria-describedby="filter-hint"
        spellcheck=${false}
        autocomplete="off" autocapitalize="off" placeholder='subscription=billing error~"timed out" attempts>3'
        aria-invalid=${problem ? 'true' : 'false'}
        onInput=${(event) => setText(event.target.value)}
        onKeyDown=${(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          setText(filter);
          event.target.blur();
        }} />
      <kbd aria-hidden="true">/</kbd>
      <button type="submit">Filter</button>
    </form>
    <div class="chips" id="filter-hint">
      ${terms.map((one, i) => {
        const [field, verb, value] = sentence(one);
        return html`<span class="chip ${one.field ? '' : 'bad'}" key=${one.text}>
          <span class="faint"><${Text} value=${field} max=${40} /> ${verb}</span> ${one.field && html`<${Text}
            value=${value} max=${60} />`}
          <button type="button" aria-label=${`Remove the term ${one.text.slice(0, 60)}`} onClick=${() => remove(i)}>
            <${Icon} name="close" /></button>
        </span>`;
      })}
      ${quick.map(({ field, value, text: label }) => {
        const on = terms.some((one) => one.field === field && one.operator === '=' && one.value === value);
        return html`<button type="button" class="chip quick" aria-pressed=${on} key=${field + value}
          onClick=${() => setFilter(withTerm(filter, field, on ? '' : value))}>${label}</button>`;
      })}
      ${terms.length === 0 && hint && html`<span class="faint small">${hint}</span>`}
    </div>
    ${problem && html`<p class="problem-line" role="alert"><span class="code">${problem.code}</span>
      <${Text} value=${problem.message} /></p>`}
  </div>`;
}
