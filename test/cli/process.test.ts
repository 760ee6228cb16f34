import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { projectRoot } from '../support/files.ts';
import { atEnd, realKernel } from '../support/host.ts';

/** The built program, as people run it. */
function start(t: TestContext, argv: readonly string[], stdio: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, [join(projectRoot, 'bin/cgctl'), ...argv], {
    stdio: ['ignore', stdio, 'pipe'],
  });
  atEnd(t, () => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess) {
  const text = { out: '', err: '' };
  child.stdout?.on('data', (bytes) => {
    text.out += bytes;
  });
  child.stderr?.on('data', (bytes) => {
    text.err += bytes;
  });
  const [status, signal] = await once(child, 'close');
  return { status, signal, ...text };
}

test('the program runs, and its exit status says how it went', async (t) => {
  const { status, out } = await ended(start(t, ['--version']));
  assert.equal(status, 0);
  assert.match(out, /^cgctl \d+\.\d+\.\d+\n$/);
  assert.equal((await ended(start(t, ['nothing']))).status, 2);
  assert.equal((await ended(start(t, ['get', '/no/such/group']))).status, 3);
});

realKernel('a reader that goes away ends it quietly', async (t) => {
  const child = start(t, ['stats', '-i', '100ms', '--json']);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const { status, signal, err } = await ended(child);
  assert.deepEqual({ status, signal, err }, { status: 0, signal: null, err: '' });
});

realKernel('Ctrl-C ends what goes on', async (t) => {
  const stats = start(t, ['stats', '-i', '100ms', '--json']);
  stats.stdout?.once('data', () => stats.kill('SIGINT'));
  assert.equal((await ended(stats)).status, 0);

  const events = start(t, ['events', '-f', '--json']);
  let name = '';
  events.stderr?.once('data', () => {
    name = readFileSync(`/proc/${events.pid}/comm`, 'utf8');
    events.kill('SIGINT');
  });
  const { status, err } = await ended(events);
  assert.equal(status, 0, err);
  assert.equal(name, 'cgctl\n');
});
