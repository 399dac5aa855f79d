// An address that leads to nothing.
import { html } from '../view.js';
import { Heading } from '../components/heading.js';
import { Empty } from '../components/states.js';

export const NowherePlace = () => html`<${Heading} title="Nothing here" />
  <${Empty} title="There is nothing at this address">Go to the <a href="/">overview</a> or the <a
    href="/hospital">hospital</a>.</${Empty}>`;
