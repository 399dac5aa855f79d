// The calls that the page makes are those of the broker: each is described in /openapi.json, with every parameter and
// field that the page sends.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Broker } from './broker.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const { CALLS } = await import(pathToFileURL(join(HERE, '../../src/admin/page/calls.js')));
const bare = (path) => path.replace(/\{\w+\}/g, '{}');

let broker;
let description;

before(async () => {
  broker = await Broker.start();
  description = await broker.get('/openapi.json');
});
after(() => broker?.stop());

function operationOf({ method, path }) {
  const found = Object.entries(description.paths).find(([known]) => bare(known) === bare(path));
  return found?.[1][method];
}

function fieldsOf(operation) {
  const schema = operation.requestBody?.content['application/json'].schema ?? {};
  const resolved = schema.$ref ? description.components.schemas[schema.$ref.split('/').pop()] : schema;
  return Object.keys(resolved.properties ?? {});
}

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: what it sends is described`, (t) => {
    const operation = operationOf(call);
    const relatives = Object.values(CALLS).filter((one) => call.family && one.family === call.family);
    if (!operation && relatives.length > 0 && !relatives.some(operationOf)) {
      return t.skip(`this broker has no calls of the family ${call.family}, and the page offers none`);
    }
    assert.ok(operation, `${call.method} ${call.path} is not in the description`);
    const parameters = (operation.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name);
    for (const one of call.query ?? []) assert.ok(parameters.includes(one), `the parameter ${one} of ${name}`);
    if (call.anyQuery) assert.ok(call.anyQuery.some((one) => parameters.includes(one)), `one of ${call.anyQuery}`);
    for (const one of call.fields ?? []) assert.ok(fieldsOf(operation).includes(one), `the field ${one} of ${name}`);
  });
}

test('the broker sends the events and the page itself', () => {
  for (const path of ['/api/v1/events', '/']) assert.ok(description.paths[path]?.get, path);
});
