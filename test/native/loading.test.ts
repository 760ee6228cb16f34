import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { native, nativeProblem } from '../../src/native.ts';
import { temporary, testUnless } from '../support/host.ts';
import { loadingAddon, runText } from './the-native.ts';

/**
 * A thread that calls the addon as often as it can, hears what a watcher tells, and has figures given back: notes, results and
 * errors are being made whenever it is ended.
 */
function restless(t: TestContext): string {
  const folder = temporary(t);
  mkdirSync(join(folder, 'g'));
  writeFileSync(join(folder, 'g/f'), Array.from({ length: 300 }, (_, at) => `l${at} ${at}\n`).join(''));
  return `
    ${loadingAddon()}
    const { writeFileSync } = require('node:fs');
    const folder = ${JSON.stringify(folder)};
    const columns = Array.from({ length: 300 }, (_, column) => column);
    const reader = new addon.exports.BatchReader([{ path: folder, skip: 1 }], columns.length, 10, 2 ** 63);
    reader.define({ hierarchy: 0, file: 'f', rank: 0, items: columns.map((column) => ({ at: 'keyed', column, keyed: true })) });
    reader.add('/g');
    const batch = {
      groups: new Int32Array(1), steps: new Int32Array(1), rows: new Int32Array(1), outcomes: new Uint8Array(1),
      times: new Float64Array(1), columns: [], level: 1, spare: 0, now: 0,
    };
    const watcher = new addon.exports.Watcher(() => undefined);
    watcher.ref();
    watcher.names(['f']);
    watcher.add(watcher.define({ mechanism: 'directory', hierarchy: 0, writes: true }), folder + '/g');
    let refused = 0;
    const rush = async () => {
      for (;;) {
        await reader.read(batch);
        for (let i = 0; i < 50; i++) {
          try { reader.add('relative'); } catch { refused += 1; }
          watcher.define({ mechanism: 'modify', file: 'f', beside: ['a', 'b', 'c'] });
        }
        writeFileSync(folder + '/g/f', 'l1 1', { flag: 'r+' });
      }
    };
    rush();
    require('node:worker_threads').parentPort?.postMessage('begun');
  `;
}

if (isMainThread) {
  test('the addon loads, or there is a reason', () => {
    assert.equal(native() === undefined, nativeProblem() !== undefined);
    assert.equal(native(), native());
  });

  test('the addon can be turned off', async () => {
    const worker = new Worker(new URL(import.meta.url), { env: { CGCTL_NATIVE: '0' } });
    const [answer] = await once(worker, 'message');
    assert.deepEqual(answer, [false, 'the native addon is turned off (CGCTL_NATIVE=0)']);
  });

  test('no variable makes another file be loaded', async () => {
    const worker = new Worker(new URL(import.meta.url), {
      env: { CGCTL_NATIVE: join(import.meta.dirname, 'other.node') },
    });
    const [answer] = await once(worker, 'message');
    assert.deepEqual(answer, [native() !== undefined, nativeProblem()]);
  });

  testUnless(nativeProblem(), 'several threads have it at once, and may be ended whatever it does for them', (t) => {
    // The main thread does not load it, so that it is unloaded and loaded again.
    const { status, signal, stderr } = runText(`
      const { once } = require('node:events');
      const { Worker } = require('node:worker_threads');
      const { setTimeout: sleep } = require('node:timers/promises');
      const life = async (ms) => {
        const worker = new Worker(${JSON.stringify(restless(t))}, { eval: true });
        await once(worker, 'message');
        await sleep(ms);
        await worker.terminate();
      };
      const main = async () => {
        for (let round = 0; round < 5; round++) await Promise.all([0, 1, 2, 3].map((nth) => life(nth * 5 + round)));
      };
      main();
    `);
    assert.deepEqual([status, signal, stderr], [0, null, '']);
  });
} else {
  parentPort?.postMessage([native() !== undefined, nativeProblem()]);
}
