// The heading of a place. It takes the focus when one arrives, so that who does not see the page hears where it is.
import { html, useEffect } from '../view.js';

export function Heading({ title, children, up }) {
  useEffect(() => {
    document.title = `${title} · Lazaret`;
  }, [title]);
  return html`<header class="heading">
    ${up && html`<a class="up small" href=${up.to}>${up.text}</a>`}
    <h1 tabindex="-1">${children ?? title}</h1>
  </header>`;
}
