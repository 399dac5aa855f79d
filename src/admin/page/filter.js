// The filter language of cases, as far as the page has to know it: terms with spaces between them, all of which must
// hold. The broker has the last word on whether a filter is right.

const OPERATORS = ['!=', '=', '~', '<', '>'];

/** [{ text, field, operator, value }]; what is no term has no field. */
export function termsOf(filter) {
  const terms = [];
  let at = 0;
  while (at < filter.length) {
    if (/\s/.test(filter[at])) { ++at; continue; }
    let end = at;
    for (let quoted = false; end < filter.length && (quoted || !/\s/.test(filter[end])); ++end) {
      if (quoted && filter[end] === '\\') ++end;
      else if (filter[end] === '"') quoted = !quoted;
    }
    terms.push(read(filter.slice(at, end)));
    at = end;
  }
  return terms;
}

function read(text) {
  const name = /^(?:header\."(?:[^"\\]|\\.)*"|[\w.-]+)/.exec(text)?.[0] ?? '';
  const rest = text.slice(name.length);
  const operator = OPERATORS.find((one) => rest.startsWith(one));
  if (!name || !operator) return { text };
  const raw = rest.slice(operator.length);
  const value = raw.startsWith('"') ? raw.slice(1).replace(/"$/, '').replace(/\\(.)/g, '$1') : raw;
  return { text, field: name, operator, value };
}

export function term(field, value, operator = '=') {
  const word = value !== '' && !/[\s"\\]/.test(value);
  return `${field}${operator}${word ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`;
}

/** The filter with this term in place of others of its field. */
export function withTerm(filter, field, value) {
  const kept = termsOf(filter).filter((one) => one.field !== field || one.operator !== '=').map((one) => one.text);
  return (value ? [...kept, term(field, value)] : kept).join(' ');
}

export const valueOf = (filter, field) => termsOf(filter).find((one) => one.field === field
  && one.operator === '=')?.value;

const SAYS = { '=': 'is', '!=': 'is not', '~': 'contains', '<': 'is less than', '>': 'is more than' };
const TIMES = { '=': 'is', '<': 'is before', '>': 'is after' };

/** "type is order.created". */
export function sentence({ text, field, operator, value }) {
  if (!field) return [text, '', ''];
  const verb = (field === 'admitted' ? TIMES : SAYS)[operator] ?? operator;
  const header = /^header\.(.*)$/s.exec(field)?.[1];
  const plain = header?.startsWith('"') ? header.slice(1, -1).replace(/\\(.)/gs, '$1') : header;
  return [plain === undefined ? field.replaceAll('_', ' ') : `header ${plain}`, verb, value];
}

const PARAMETERS = { queue: 'subscription', subscription: 'subscription', type: 'type', key: 'key', reason: 'reason',
  state: 'state' };

/** For a broker that knows no language: the terms as single parameters, or the first that it has none for. */
export function asParameters(filter) {
  const query = {};
  for (const one of termsOf(filter)) {
    const name = PARAMETERS[one.field];
    if (!name || one.operator !== '=' || query[name]) return { refused: one.text };
    query[name] = one.value;
  }
  return { query };
}
