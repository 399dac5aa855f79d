// The heading of a place. It takes the focus when one arrives, so that who does not see the page hears where it is.
import { html, useEffect } from '../view.js';
import { Text, head, plain } from './text.js';

export function Heading({ title, children, up }) {
  useEffect(() => {
    document.title = `${head(plain(title), 120)} · Lazaret`;
  }, [title]);
  return html`<header class="heading">
    ${up && html`<a class="up small" href=${up.to}>${up.text}</a>`}
    <h1 tabindex="-1">${children ?? html`<${Text} value=${title} />`}</h1>
  </header>`;
}
