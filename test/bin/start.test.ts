/** bin/cgctl with a program of the test's own in dist/. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { projectRoot } from '../support/files.ts';
import { temporary } from '../support/host.ts';

function installation(t: TestContext) {
  const folder = temporary(t);
  const dist = join(folder, 'dist');
  cpSync(join(projectRoot, 'bin'), join(folder, 'bin'), { recursive: true });
  return {
    dist,
    build(key: string, program: string) {
      mkdirSync(dist, { recursive: true });
      writeFileSync(
        join(dist, 'cgctl.cjs'),
        `//${key.padEnd(61, key)}\n(function (require, __dirname) {${program}\n})`,
      );
    },
    cache(): string {
      const [name = 'none', ...more] = readdirSync(dist).filter((entry) => entry.includes('.cache'));
      assert.deepEqual(more, []);
      return join(dist, name);
    },
    start(...args: string[]) {
      const { status, stdout, stderr } = spawnSync(join(folder, 'bin/cgctl'), args, { encoding: 'utf8' });
      return { status, stdout, stderr };
    },
  };
}

test('a program runs as if required, its status and arguments passed, with and without its code cache', (t) => {
  const { build, cache, dist, start } = installation(t);
  build('a', `console.log(__dirname, require('node:path').sep, process.argv.slice(2)); process.exitCode = 7;`);
  const expected = { status: 7, stdout: `${dist} / [ '-x', 'y' ]\n`, stderr: '' };
  assert.deepEqual(start('-x', 'y'), expected);
  const written = statSync(cache()).mtimeMs;
  assert.deepEqual(start('-x', 'y'), expected);
  assert.equal(statSync(cache()).mtimeMs, written);
});

test('a code cache of another program of the same length is not used', (t) => {
  const { build, cache, start } = installation(t);
  build('a', `console.log('one')`);
  assert.equal(start().stdout, 'one\n');
  build('b', `console.log('two')`);
  assert.equal(start().stdout, 'two\n');
  assert.match(readFileSync(cache(), 'latin1'), /^\/\/b+\n/);
});

test('a broken code cache is replaced', (t) => {
  const { build, cache, start } = installation(t);
  build('a', `console.log('one')`);
  start();
  for (const bytes of [200, 70, 64, 10, 0]) {
    truncateSync(cache(), bytes);
    assert.deepEqual(start(), { status: 0, stdout: 'one\n', stderr: '' });
    assert.ok(statSync(cache()).size > 200);
  }
});

test('a code cache that cannot be kept is done without', (t) => {
  const { build, cache, start } = installation(t);
  build('a', `console.log('one')`);
  start();
  const path = cache();
  rmSync(path);
  mkdirSync(path); // not even root can replace a folder by a file
  assert.deepEqual(start(), { status: 0, stdout: 'one\n', stderr: '' });
  assert.equal(cache(), path);
});

test('a clone that is not built says what to do', (t) => {
  const { start } = installation(t);
  const { status, stderr } = start();
  assert.equal(status, 1);
  assert.match(stderr, /npm start/);
});
