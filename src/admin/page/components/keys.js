// Keys without modifiers, wherever nobody is typing. One listener; what was mounted last is asked first.
import { html, useLayoutEffect, useRef } from '../view.js';
import { Dialog } from './dialog.js';

const handlers = [];

function typing(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || document.querySelector('dialog[open]')) return;
  // Enter and the space bar belong to what has the focus, if that does something with them.
  if ((event.key === 'Enter' || event.key === ' ') && event.target.closest('a, button, summary')) return;
  for (let i = handlers.length - 1; i >= 0; --i) {
    const handler = handlers[i].current[event.key];
    if (handler && handler(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});

/** `keys`: key -> what it does; false when it does nothing just now. */
export function useKeys(keys) {
  const holder = useRef(keys);
  holder.current = keys;
  // With what they work on: an effect after the paint would lose the first key of somebody quick.
  useLayoutEffect(() => {
    handlers.push(holder);
    return () => { handlers.splice(handlers.indexOf(holder), 1); };
  }, []);
}

const KEYS = [
  ['/', 'filter'],
  ['j', 'next row'],
  ['k', 'row before'],
  ['x', 'select the row'],
  ['Enter', 'open the row'],
  ['r', 'replay what is selected, or this'],
  ['d', 'discard what is selected, or this'],
  ['e', 'edit the message'],
  ['n', 'a new quarantine rule'],
  ['l', 'lift the quarantine rule'],
  ['o', 'overview'],
  ['h', 'hospital'],
  ['Escape', 'leave, do nothing; give up the selection'],
  ['?', 'this list'],
];

export const KeysHelp = ({ close }) => html`<${Dialog} title="Keys" close=${close}>
  <dl class="keys">${KEYS.map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
</${Dialog}>`;
