// JSON laid out for being edited, without being read: reading it would change what nobody has touched, as -0, numbers
// with more digits than a double keeps, and names that stand twice.

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
/** Deeper the broker takes none, and there would be more blanks than text. */
const MOST_DEPTH = 256;

export const tokensOf = (text) => text.match(TOKENS) ?? [];

/** One value a line, two blanks for each level; nothing but blanks between tokens differs. `text` must be JSON. */
export function laidOut(text) {
  const tokens = tokensOf(text);
  const parts = [];
  let level = 0;
  const nextLine = () => parts.push('\n', '  '.repeat(level));
  for (let i = 0; i < tokens.length; ++i) {
    const token = tokens[i];
    if (token === '{' || token === '[') {
      parts.push(token);
      if (tokens[i + 1] === '}' || tokens[i + 1] === ']') {
        parts.push(tokens[++i]);
        continue;
      }
      if (++level > MOST_DEPTH) return text;
      nextLine();
    } else if (token === '}' || token === ']') {
      --level;
      nextLine();
      parts.push(token);
    } else if (token === ',') {
      parts.push(token);
      nextLine();
    } else {
      parts.push(token === ':' ? ': ' : token);
    }
  }
  return parts.join('');
}
