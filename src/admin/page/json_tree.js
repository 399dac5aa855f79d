// JSON read for being looked at: a tree of its tokens as they stand in the text. What JSON.parse makes of a text has
// other numbers (of 9007199254740993, 1.10 and 1e400), another order of members, and only the last of two that have one
// name; here it says only whether the text is JSON.
import { tokensOf } from './json.js';

/** The text of a string's token; half a character, which no text can show, stays as it was escaped. */
export const textOf = (token) => JSON.parse(token).replace(/[\ud800-\udfff]/gu, (half) =>
  `\\u${half.charCodeAt(0).toString(16)}`);

/**
 * The value that the text is, or undefined when it is no JSON. A value is its token, a list { values }, or an object
 * { names, values } with the tokens of its names.
 */
export function jsonTree(text) {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const top = { values: [] };
  const around = []; // the lists and objects that the token stands in, the outermost first
  let within = top;
  for (const token of tokensOf(text)) {
    if (token === ',' || token === ':') continue;
    if (token === ']' || token === '}') {
      within = around.pop();
    } else if (within.names && within.names.length === within.values.length) {
      within.names.push(token);
    } else {
      const value = token === '[' ? { values: [] } : token === '{' ? { names: [], values: [] } : token;
      within.values.push(value);
      if (value === token) continue;
      around.push(within);
      within = value;
    }
  }
  return top.values[0];
}
