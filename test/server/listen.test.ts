import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Address, forget, isLocal, listen, parseAddress } from '../../src/server/listen.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cgctl-listen-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function listening(t: TestContext, address: Address): Promise<string> {
  const server = createServer();
  t.after(() => server.close());
  return listen(server, address, 'http');
}

test('addresses as people write them', () => {
  assert.deepEqual(parseAddress('127.0.0.1:9753'), { kind: 'tcp', host: '127.0.0.1', port: 9753 });
  assert.deepEqual(parseAddress('[::1]:0'), { kind: 'tcp', host: '::1', port: 0 });
  assert.deepEqual(parseAddress('unix:/run/x.sock'), { kind: 'unix', path: '/run/x.sock' });
  for (const wrong of [
    '',
    '9753',
    'localhost',
    '::1:80',
    '[nonsense]:80',
    'a:99999',
    'unix:relative',
    `unix:/${'x'.repeat(108)}`,
  ]) {
    assert.equal(parseAddress(wrong), undefined, wrong);
  }
});

test('what is local', () => {
  for (const text of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', 'unix:/x']) {
    const address = parseAddress(text);
    assert.ok(address && isLocal(address), text);
  }
  for (const text of ['0.0.0.0:1', '[::]:1', '10.0.0.1:1', 'host7:1']) {
    const address = parseAddress(text);
    assert.ok(address && !isLocal(address), text);
  }
});

test('a Unix socket is for its owner, in a folder that is made, and goes with the service', async (t) => {
  const path = join(folder(t), 'deep/er/s');
  assert.equal(await listening(t, { kind: 'unix', path }), `unix:${path}`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o755);
  const client = connect(path);
  await once(client, 'connect');
  client.destroy();
  await assert.rejects(listening(t, { kind: 'unix', path }), /another service answers/);
  forget({ kind: 'unix', path });
  assert.throws(() => statSync(path), { code: 'ENOENT' });
});

test('a left-over socket is replaced, a file is not', async (t) => {
  const path = join(folder(t), 's');
  const first = createServer();
  await listen(first, { kind: 'unix', path }, 'http');
  await new Promise((resolve) => first.close(resolve));
  assert.ok(statSync(path).isSocket());
  await listening(t, { kind: 'unix', path });

  const file = join(folder(t), 'f');
  writeFileSync(file, '');
  await assert.rejects(listening(t, { kind: 'unix', path: file }), { code: 'EXISTS' });
});

test('an address in use is said to be', async (t) => {
  const url = await listening(t, { kind: 'tcp', host: '127.0.0.1', port: 0 });
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  await assert.rejects(listening(t, { kind: 'tcp', host: '127.0.0.1', port: Number(new URL(url).port) }), {
    code: 'UNREACHABLE',
  });
});
