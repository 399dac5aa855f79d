// Which consumers are connected to some queues and subscriptions just now, with their versions.
import { html, useEffect } from '../view.js';
import { call } from '../api.js';
import { get, useStore } from '../store.js';
import { useLoad } from './load.js';
import { Text } from './text.js';

const LOOK_EVERY = 2;
const MOST = 3; // of more, each has to be looked at by itself
const tickOf = (state) => state.tick;

/** The consumers of one, each version once; null of one that the overview does not have. */
async function readConsumers(name, signal) {
  const row = get().rows.get(name);
  if (!row) return { name, consumers: null };
  const kind = row.kind === 'subscription' ? 'getSubscription' : 'getQueue';
  const subject = await call(kind, { args: { name }, signal });
  const known = new Map(subject.consumers.map((one) => [`${one.name}\n${one.version}`, one]));
  return { name, consumers: [...known.values()] };
}

const Consumer = ({ one }) => html`<${Text} value=${one.name} max=${60} fallback="unnamed" /> ${one.version
  ? html`<span class="tag"><${Text} value=${one.version} max=${40} /></span>` : 'without a version'}`;

const listed = (parts) => parts.map((part, i) => html`${i > 0 ? ', ' : ''}${part}`);

const Now = ({ name, consumers }) => html`<span>Connected to <b class="name"><${Text} value=${name} max=${80} />
  </b>${' '}now: ${!consumers ? 'it is not known who' : consumers.length === 0 ? 'nobody'
    : listed(consumers.map((one) => html`<${Consumer} one=${one} />`))}. </span>`;

/** `names`: of queues and subscriptions, which may be named several times. */
export function Connected({ names, id }) {
  const distinct = [...new Set(names)].sort();
  const few = distinct.length <= MOST;
  const tick = useStore(tickOf);
  const { data, look } = useLoad((signal) => Promise.all((few ? distinct : []).map((name) => readConsumers(name,
    signal))), [distinct.join('\n')]);
  useEffect(() => { if (tick % LOOK_EVERY === 0) look(); }, [tick]);
  const text = few ? data?.map((one) => html`<${Now} key=${one.name} ...${one} />`)
    : `They are of ${distinct.length} queues and subscriptions: look at each for who is connected.`;
  return html`<p class="faint small" id=${id}>${text}</p>`;
}
