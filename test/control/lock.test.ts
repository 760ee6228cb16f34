import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLock } from '../../src/control/lock.ts';
import { CgError } from '../../src/errors.ts';
import { temporary, until } from '../support/host.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('changes never overlap, whoever asks first', async (t) => {
  const dir = temporary(t);
  let inside = 0;
  let most = 0;
  const taken: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      withLock({ dir, timeout: 60, who: `taker ${n}` }, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await pause(2);
        taken.push(n);
        inside -= 1;
      }),
    ),
  );
  assert.equal(most, 1);
  assert.equal(taken.length, 20);
  assert.ok(readdirSync(dir).length <= 2, 'nothing piles up');
});

test('whoever waits in vain is told who holds the lock', async (t) => {
  const dir = temporary(t);
  await withLock({ dir, timeout: 0, who: 'set web' }, () =>
    assert.rejects(
      withLock({ dir, timeout: 0.05, who: 'other' }, async () => undefined),
      (error) => {
        assert.ok(error instanceof CgError);
        assert.equal(error.code, 'LOCKED');
        assert.match(error.message, new RegExp(`pid ${process.pid} \\(set web\\)`));
        return true;
      },
    ),
  );
});

test('a lock whose owner died is free, and so is one whose file is damaged', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, '7'), JSON.stringify({ pid: process.pid, start: 1, who: 'an older process of this number' }));
  assert.equal(await withLock({ dir, timeout: 0, who: 'a' }, async () => 'in'), 'in');
  writeFileSync(join(dir, '12'), '{"pid":');
  assert.equal(await withLock({ dir, timeout: 0, who: 'b' }, async () => 'in'), 'in');
  assert.deepEqual(readdirSync(dir), ['13']);
});

test('it is released when the work fails, and waiting ends when the waiter is told to stop', async (t) => {
  const dir = temporary(t);
  await assert.rejects(
    withLock({ dir, timeout: 0, who: 'a' }, () => Promise.reject(new Error('work failed'))),
    /work failed/,
  );
  const stop = new AbortController();
  await withLock({ dir, timeout: 0, who: 'b' }, async () => {
    const waiting = withLock({ dir, timeout: 60, who: 'c', signal: stop.signal }, async () => undefined);
    stop.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  });
});

test('another process’s lock counts while it lives, and not after kill -9', async (t) => {
  const dir = temporary(t);
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const start = Number(readFileSync(`/proc/${holder.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19]);
  writeFileSync(join(dir, '3'), JSON.stringify({ pid: holder.pid, start, who: 'a long change' }));
  await assert.rejects(
    withLock({ dir, timeout: 0, who: 'a' }, async () => undefined),
    /a long change/,
  );
  const exited = new Promise((resolve) => holder.once('exit', resolve));
  holder.kill('SIGKILL');
  await exited;
  let got = false;
  await until(async () => {
    got = await withLock({ dir, timeout: 0, who: 'b' }, async () => true);
    return got;
  });
  assert.ok(got);
});
