// What differs between two texts, line by line (the longest common subsequence). Long ones are not compared: then all
// of one is taken away and all of the other added.
const MOST_CELLS = 4000000;

/** [{ kind: 'same' | 'out' | 'in', text }] */
export function difference(before, after) {
  const a = before.split('\n');
  const b = after.split('\n');
  let begin = 0;
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) ++begin;
  let endA = a.length;
  let endB = b.length;
  while (endA > begin && endB > begin && a[endA - 1] === b[endB - 1]) { --endA; --endB; }
  const same = (lines) => lines.map((text) => ({ kind: 'same', text }));
  return [...same(a.slice(0, begin)), ...middle(a.slice(begin, endA), b.slice(begin, endB)), ...same(a.slice(endA))];
}

function middle(a, b) {
  if (a.length * b.length > MOST_CELLS) {
    return [...a.map((text) => ({ kind: 'out', text })), ...b.map((text) => ({ kind: 'in', text }))];
  }
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const out = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: 'same', text: a[i] });
      ++i;
      ++j;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push({ kind: 'out', text: a[i++] });
    } else {
      out.push({ kind: 'in', text: b[j++] });
    }
  }
  return out;
}
