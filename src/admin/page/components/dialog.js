// A dialog: one sentence that says what will happen, the choices, and a button that says the same. The browser's own
// <dialog> holds the focus and gives it back; Escape leaves without doing anything.
import { html, useEffect, useRef, useState } from '../view.js';
import { NAME_LENGTH, keepName, nameOfUser } from '../who.js';
import { ProblemNote } from './states.js';

/** Whose name the audit trail will have; Enter in it does nothing, since the dialog is about something else. */
function NameField() {
  const [name, setName] = useState(nameOfUser);
  const change = (event) => {
    setName(event.target.value);
    keepName(event.target.value);
  };
  const stay = (event) => { if (event.key === 'Enter') event.preventDefault(); };
  return html`<label class="who small" title="Kept in this browser, and written down in the audit trail">Your name
    <input type="text" value=${name} maxlength=${NAME_LENGTH} placeholder="for the audit trail" autocomplete="name"
      spellcheck=${false} onInput=${change} onKeyDown=${stay} /></label>`;
}

/**
 * `act` does it and may throw a Problem, which stays to be read. `grave`: what cannot be taken back; its button is not
 * where the focus begins. `confirm` is the text of the button.
 */
export function Dialog({ title, children, confirm, act, close, grave = false, disabled = false }) {
  const element = useRef(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog.showModal();
    const first = dialog.querySelector('[data-first]') ?? dialog.querySelector(grave ? '.cancel' : '.confirm');
    first?.focus();
    return () => {
      dialog.close();
      if (before?.isConnected) before.focus({ preventScroll: true });
    };
  }, []);

  useEffect(() => {
    if (problem) element.current.querySelector('form > .problem')?.scrollIntoView({ block: 'nearest' });
  }, [problem]);

  const submit = async (event) => {
    event.preventDefault();
    if (busy || disabled || !act) return;
    setBusy(true);
    setProblem(null);
    try {
      await act();
      close();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return html`<dialog ref=${element} aria-labelledby="dialog-title" onCancel=${(event) => {
    event.preventDefault();
    if (!busy) close();
  }} onClick=${(event) => { if (event.target === element.current && !busy) close(); }}>
    <form onSubmit=${submit}>
      <h2 id="dialog-title">${title}</h2>
      <div class="dialog-body">${children}</div>
      ${problem && html`<${ProblemNote} problem=${problem} />`}
      <div class="dialog-buttons">
        ${confirm && html`<${NameField} />`}
        <button type="button" class="cancel" onClick=${close} disabled=${busy}>${confirm ? 'Cancel' : 'Close'}</button>
        ${confirm && html`<button type="submit" class="confirm ${grave ? 'grave' : 'primary'}"
          disabled=${busy || disabled}>${busy ? 'Working…' : confirm}</button>`}
      </div>
    </form>
  </dialog>`;
}
