import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asyncApi } from '../../src/protocol/asyncapi.ts';
import { clientMessage, serverMessages } from '../../src/protocol/stream-schema.ts';

test('every reference of the document leads somewhere, and each message has a schema', () => {
  const document: unknown = JSON.parse(JSON.stringify(asyncApi()));
  const at = (path: readonly string[]): unknown =>
    path.reduce<unknown>(
      (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
      document,
    );
  const references: string[] = [];
  JSON.stringify(document, (key, value) => {
    if (key === '$ref') references.push(String(value));
    return value;
  });
  for (const reference of references) {
    assert.match(reference, /^#\//);
    assert.ok(at(reference.slice(2).split('/')), reference);
  }
  const messages = at(['components', 'messages']);
  assert.ok(typeof messages === 'object' && messages !== null);
  assert.equal(Object.keys(messages).length, clientMessage.options.length + Object.keys(serverMessages).length);
  for (const [name, message] of Object.entries(messages)) {
    assert.ok(typeof message.summary === 'string', name);
    assert.equal(message.payload.type, 'object', name);
    assert.ok(message.payload.required.includes('type'), name);
  }
});
