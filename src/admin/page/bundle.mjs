// Bundles the page and writes it as C++ (admin/page.h): node bundle.mjs FOLDER-OF-NODE_MODULES OUTPUT.cpp
//
// Every file is named after its own hash, so that a browser may keep it for ever; only the document is asked for anew.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const [tools, output] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const { buildSync } = createRequire(join(tools, 'package.json'))('esbuild');

/** What all of it together may weigh, compressed: an operator's line may be slow. */
const MAX_COMPRESSED_BYTES = 150 * 1024;

const built = buildSync({
  absWorkingDir: here,
  entryPoints: ['main.js', 'main.css'],
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome110', 'firefox110', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'none',
  nodePaths: [join(tools, 'node_modules')],
  outdir: '/',
  write: false,
});

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 20);
const files = [];
let page = readFileSync(join(here, 'index.html'), 'utf8');

function add(name, type, bytes) {
  const named = hash(bytes) + name.slice(name.lastIndexOf('.'));
  if (!page.includes(`{{${name}}}`)) throw new Error(`index.html does not load ${name}`);
  page = page.replace(`{{${name}}}`, named);
  files.push({ name: named, type, bytes });
}

for (const { path, contents } of built.outputFiles) {
  const name = path.slice(path.lastIndexOf('/') + 1);
  add(name, name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8', contents);
}
add('icon.svg', 'image/svg+xml', readFileSync(join(here, 'icon.svg')));
files.push({ name: '', type: 'text/html; charset=utf-8', bytes: Buffer.from(page) });

/** As a list of numbers: a string literal of this length is more than the standard promises. */
function numbers(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 32) lines.push('  ' + [...bytes.subarray(at, at + 32)].join(',') + ',');
  return lines.join('\n');
}

let total = 0;
const arrays = [];
const rows = [];
files.forEach(({ name, type, bytes }, i) => {
  const zipped = gzipSync(bytes, { level: 9 });
  total += zipped.length;
  arrays.push(`constexpr unsigned char kBytes${i}[] = {\n${numbers(bytes)}\n};`);
  arrays.push(`constexpr unsigned char kGzipped${i}[] = {\n${numbers(zipped)}\n};`);
  rows.push(`      {"${name}", "${type}", "${hash(bytes)}", view(kBytes${i}), view(kGzipped${i})},`);
});
if (total > MAX_COMPRESSED_BYTES) throw new Error(`the page weighs ${total} bytes, more than ${MAX_COMPRESSED_BYTES}`);

writeFileSync(output, `// Made from src/admin/page by bundle.mjs.
#include "admin/page.h"

namespace lazaret::admin {
namespace {

${arrays.join('\n')}

template <std::size_t kSize>
std::string_view view(const unsigned char (&bytes)[kSize]) {
  return {reinterpret_cast<const char*>(bytes), kSize};
}

}  // namespace

std::span<const PageFile> page_files() {
  static const PageFile files[] = {
${rows.join('\n')}
  };
  return files;
}

}  // namespace lazaret::admin
`);
console.log(`page: ${files.length} files, ${total} bytes compressed`);
