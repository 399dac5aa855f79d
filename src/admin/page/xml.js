// XML read for being looked at: elements, attributes, text, in their order. Nothing is resolved that a document could
// define for itself, so none grows while it is read; what is not well formed is no XML.

const NAME = /[^\s<>/=&"']+/y;
const KNOWN = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const MOST_DEPTH = 200;

function decode(text) {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (all, decimal, hex, name) => {
    if (name) return KNOWN[name] ?? all;
    const code = decimal ? Number(decimal) : parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : all;
  });
}

class Malformed extends Error {}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  is(word) {
    return this.text.startsWith(word, this.at);
  }

  /** Up to and with `end`; gives what stands before it. */
  until(end) {
    const found = this.text.indexOf(end, this.at);
    if (found < 0) throw new Malformed();
    const part = this.text.slice(this.at, found);
    this.at = found + end.length;
    return part;
  }

  space() {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text[this.at])) ++this.at;
  }

  name() {
    NAME.lastIndex = this.at;
    const found = NAME.exec(this.text);
    if (!found) throw new Malformed();
    this.at += found[0].length;
    return found[0];
  }

  /** <!DOCTYPE …>, with what it may define in brackets. */
  doctype() {
    const bracket = this.text.indexOf('[', this.at);
    const end = this.text.indexOf('>', this.at);
    if (bracket >= 0 && bracket < end) this.until(']');
    this.until('>');
  }

  attributes() {
    const found = [];
    for (;;) {
      this.space();
      if (this.is('>') || this.is('/>')) return found;
      const name = this.name();
      this.space();
      if (!this.is('=')) throw new Malformed();
      ++this.at;
      this.space();
      const quote = this.text[this.at++];
      if (quote !== '"' && quote !== "'") throw new Malformed();
      found.push({ name, value: decode(this.until(quote)) });
    }
  }

  element(depth) {
    if (depth > MOST_DEPTH || !this.is('<')) throw new Malformed();
    ++this.at;
    const node = { name: this.name(), attributes: this.attributes(), children: [] };
    if (this.is('/>')) {
      this.at += 2;
      return node;
    }
    ++this.at;
    for (;;) {
      if (this.is('</')) {
        this.at += 2;
        if (this.name() !== node.name) throw new Malformed();
        this.space();
        if (!this.is('>')) throw new Malformed();
        ++this.at;
        return node;
      }
      const child = this.content(depth);
      if (child) node.children.push(child);
    }
  }

  content(depth) {
    if (this.is('<!--')) {
      this.at += 4;
      return { comment: this.until('-->') };
    }
    if (this.is('<![CDATA[')) {
      this.at += 9;
      return { text: this.until(']]>') };
    }
    if (this.is('<?')) {
      this.until('?>');
      return null;
    }
    if (this.is('<')) return this.element(depth + 1);
    const end = this.text.indexOf('<', this.at);
    if (end < 0) throw new Malformed();
    const text = decode(this.text.slice(this.at, end)).trim();
    this.at = end;
    return text && { text };
  }

  document() {
    let root = null;
    for (this.space(); this.at < this.text.length; this.space()) {
      if (this.is('<!DOCTYPE')) this.doctype();
      else if (this.is('<?') || this.is('<!--')) this.content(0);
      else if (root) throw new Malformed();
      else root = this.element(0);
    }
    return root;
  }
}

/** { name, attributes: [{ name, value }], children: [element | { text } | { comment }] }, or undefined. */
export function parseXml(text) {
  try {
    return new Reader(text.replace(/^\ufeff/, '')).document() ?? undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
