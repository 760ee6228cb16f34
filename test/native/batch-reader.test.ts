import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { type BatchReader, type BatchSpec, type FigureSpec, nativeProblem } from '../../src/native.ts';
import { mountOf, realKernel, scratch, temporary, testUnless, until } from '../support/host.ts';
import { holdRoot } from '../support/root.ts';
import { loadingAddon, runText, theNative } from './the-native.ts';

const descriptors = () => readdirSync('/proc/self/fd').length;
const FILES = 50;

/** A folder with groups, in each a file with a number. */
function folderFor(t: TestContext, groups = 3): string {
  const folder = temporary(t);
  for (let group = 0; group < groups; group++) {
    mkdirSync(join(folder, `g${group}`));
    writeFileSync(join(folder, `g${group}`, 'f'), `${group + 1}\n`);
  }
  return folder;
}

const NUMBER: FigureSpec = { at: 'scalar', column: 0, keyed: false };

function readerOf(folder: string, item = NUMBER): BatchReader {
  const { BatchReader } = theNative();
  const reader = new BatchReader([{ path: folder, skip: 1 }], 2, 100, 2 ** 63);
  reader.define({ hierarchy: 0, file: 'f', rank: 0, items: [item] });
  return reader;
}

/** A batch of that many files of the first groups, over and over. */
function batchOf(files: number, groups: number): BatchSpec & { readonly columns: readonly [Float64Array] } {
  return {
    groups: Int32Array.from({ length: files }, (_, at) => at % groups),
    steps: new Int32Array(files),
    rows: Int32Array.from({ length: files }, (_, at) => at % groups),
    outcomes: new Uint8Array(files),
    times: new Float64Array(files),
    columns: [new Float64Array(groups)],
    level: 1,
    spare: 0,
    now: 5,
  };
}

testUnless(nativeProblem(), 'a batch is read off the event loop into the columns', async (t) => {
  const reader = readerOf(folderFor(t));
  for (let group = 0; group < 3; group++) assert.equal(reader.add(`/g${group}`), group);
  const batch = batchOf(3, 3);
  const reading = reader.read(batch);
  assert.deepEqual(await reading, { keyed: [], labels: [] });
  assert.deepEqual([...batch.columns[0]], [1, 2, 3]);
  assert.ok(batch.times.every((time) => time >= 5 && time < 65));
  reader.close();
});

testUnless(nativeProblem(), 'handles are given again, and what is removed cannot be read', async (t) => {
  const reader = readerOf(folderFor(t));
  const [a, b] = [reader.add('/g0'), reader.add('/g1')];
  reader.remove(a);
  reader.remove(a);
  assert.throws(() => reader.read(batchOf(1, 1)), RangeError);
  assert.equal(reader.add('/g2'), a);
  const batch = batchOf(2, 2);
  await reader.read(batch);
  assert.deepEqual([...batch.columns[0], b], [3, 2, 1]);
  reader.close();
});

testUnless(
  nativeProblem(),
  'one batch at a time; what is closed meanwhile is given back when it has ended',
  async (t) => {
    const before = descriptors();
    const reader = readerOf(folderFor(t));
    for (let group = 0; group < 3; group++) reader.add(`/g${group}`);
    const reading = reader.read(batchOf(3 * 100_000, 3));
    assert.throws(() => reader.read(batchOf(1, 1)), { code: 'EBUSY' });
    assert.throws(() => reader.add('/g0'), { code: 'EBUSY' });
    assert.throws(() => reader.remove(0), { code: 'EBUSY' });
    reader.close();
    reader.close();
    await assert.rejects(reading, { code: 'ECANCELED' });
    const closed = { code: 'EBADF' };
    assert.throws(() => reader.add('/g0'), closed);
    assert.throws(() => reader.remove(0), closed);
    assert.throws(() => reader.define({ hierarchy: 0, file: 'f', rank: 0, items: [] }), closed);
    assert.throws(() => reader.read(batchOf(1, 1)), closed);
    assert.deepEqual([reader.open, descriptors()], [0, before]);
  },
);

testUnless(nativeProblem(), 'a path that leads nowhere is absent, and so is what is in it', async (t) => {
  const reader = readerOf(folderFor(t, 1));
  reader.add('/g0');
  reader.add('/missing');
  const batch = batchOf(2, 2);
  await reader.read(batch);
  assert.deepEqual([...batch.outcomes], [0, 1]);
  reader.close();
});

realKernel(
  'files that do not stay open are found again when they were taken away meanwhile, and are absent when they are gone',
  async (t) => {
    const { path } = scratch(t);
    const mount = mountOf('cgroup2');
    const [above, group] = [join(mount, path), join(mount, path, 'child')];
    writeFileSync(await holdRoot(t), '+hugetlb');
    mkdirSync(group, { recursive: true });
    const hand = (word: string) => writeFileSync(join(above, 'cgroup.subtree_control'), word);
    hand('+hugetlb');
    const file = readdirSync(group).find((name) => /^hugetlb\.\w+\.current$/.test(name)) ?? '';
    const { BatchReader } = theNative();
    const reader = new BatchReader([{ path: mount, skip: 1 }], 2, 0, 2 ** 63);
    t.after(() => reader.close());
    reader.define({ hierarchy: 0, file: 'cgroup.procs', rank: 0, items: [{ at: 'count', column: 1, keyed: false }] });
    reader.define({ hierarchy: 0, file, rank: 0, items: [NUMBER] });
    reader.add(`${path}/child`);
    const read = async () => {
      const batch = {
        ...batchOf(2, 1),
        steps: Int32Array.of(0, 1),
        columns: [new Float64Array(1), new Float64Array(1)],
      };
      await reader.read(batch);
      return [...batch.outcomes, ...batch.columns.map(([value]) => value), reader.open];
    };
    const [there, away] = [
      [0, 0, 0, 0, 0],
      [0, 1, Number.NaN, 0, 0],
    ];
    for (let look = 0; look < 3; look++) assert.deepEqual(await read(), there);
    hand('-hugetlb');
    for (let look = 0; look < 2; look++) assert.deepEqual(await read(), away);
    hand('+hugetlb');
    for (let look = 0; look < 2; look++) assert.deepEqual(await read(), there);
    rmdirSync(group);
    assert.deepEqual(await read(), [1, 1, Number.NaN, Number.NaN, 0]);
    mkdirSync(group);
    for (let look = 0; look < 2; look++) assert.deepEqual(await read(), there);
  },
  ['cgroup2:hugetlb'],
);

testUnless(nativeProblem(), 'files that do not stay open need hardly a descriptor, and leave none', (t) => {
  const folder = folderFor(t);
  const { stdout, stderr } = runText(`
    const { openSync, readdirSync } = require('node:fs');
    const { spawnSync } = require('node:child_process');
    ${loadingAddon()}
    const descriptors = () => readdirSync('/proc/self/fd').map(Number);
    const reader = new addon.exports.BatchReader([{ path: ${JSON.stringify(folder)}, skip: 1 }], 1, 100, 2 ** 63);
    reader.define({ hierarchy: 0, file: 'f', rank: 0, items: [{ at: 'scalar', column: 0, keyed: false }] });
    reader.add('/g0');
    const length = 1000;
    const batch = {
      groups: new Int32Array(length), steps: new Int32Array(length), rows: new Int32Array(length),
      outcomes: new Uint8Array(length), times: new Float64Array(length), columns: [new Float64Array(1)],
      level: 0, spare: 0, now: 0,
    };
    // What was inherited may leave numbers between free, below any limit.
    const highest = Math.max(...descriptors());
    while (openSync('/dev/null') < highest);
    const most = Math.max(...descriptors()) + 3;
    spawnSync('prlimit', ['--pid', process.pid, '--nofile=' + most + ':']);
    const before = descriptors().length;
    reader.read(batch).then(() => {
      console.log(batch.outcomes.every((outcome) => outcome === 0), descriptors().length - before);
    });
  `);
  assert.equal(stdout, 'true 0\n', stderr);
});

testUnless(nativeProblem(), 'what is changed while a batch is read changes nothing', async (t) => {
  const reader = readerOf(folderFor(t));
  for (let group = 0; group < 3; group++) reader.add(`/g${group}`);
  const batch = batchOf(3 * 20_000, 3);
  const reading = reader.read(batch);
  for (const array of [batch.groups, batch.steps, batch.rows]) array.fill(2 ** 31 - 1);
  Reflect.set(batch.columns, 0, undefined);
  await reading;
  assert.ok(batch.outcomes.every((outcome) => outcome === 0));
  reader.close();
});

testUnless(nativeProblem(), 'arguments that call back find it busy, and may close it', async (t) => {
  const before = descriptors();
  const folder = folderFor(t);
  const within = async (act: (reader: BatchReader) => void) => {
    const reader = readerOf(folder);
    reader.add('/g0');
    const batch = batchOf(1, 1);
    const calling = Object.defineProperty({ ...batch }, 'columns', {
      get: () => {
        act(reader);
        return batch.columns;
      },
    });
    try {
      await reader.read(calling);
      return batch.columns[0][0];
    } finally {
      reader.close();
    }
  };
  const busy = { code: 'EBUSY' };
  const figure = await within((reader) => {
    assert.throws(() => reader.read(batchOf(1, 1)), busy);
    assert.throws(() => reader.add('/g1'), busy);
    assert.throws(() => reader.remove(0), busy);
    assert.throws(() => reader.define({ hierarchy: 0, file: 'f', rank: 0, items: [] }), busy);
  });
  assert.equal(figure, 1);
  await assert.rejects(
    within((reader) => reader.close()),
    { code: 'EBADF' },
  );
  assert.equal(descriptors(), before);
});

testUnless(
  nativeProblem(),
  'arrays that are given away while arguments are looked up are not written to',
  async (t) => {
    const reader = readerOf(folderFor(t));
    reader.add('/g0');
    const batch = batchOf(1, 1);
    const calling = Object.defineProperty({ ...batch }, 'columns', {
      get: () => {
        const { buffer } = batch.times;
        assert.ok(buffer instanceof ArrayBuffer);
        structuredClone(buffer, { transfer: [buffer] });
        return batch.columns;
      },
    });
    assert.throws(() => reader.read(calling), RangeError);
    reader.close();
  },
);

testUnless(nativeProblem(), 'a figure with a label is found once in a file of another make', async (t) => {
  const folder = folderFor(t, 1);
  const file = join(folder, 'g0/f');
  const reader = readerOf(folder, { at: 'flat', key: 'a', label: 'x', column: 1, keyed: true });
  reader.add('/g0');
  for (const text of ['a 1\n', 'a 1\nb 2\n', 'c 3\na 1', 'a 1\n']) {
    writeFileSync(file, text);
    const { keyed } = await reader.read(batchOf(1, 1));
    assert.deepEqual(keyed, [{ column: 1, row: Int32Array.of(0), label: Int32Array.of(0), value: Float64Array.of(1) }]);
  }
  reader.close();
});

testUnless(nativeProblem(), 'texts that end at the buffer’s end are read to theirs and no further', async (t) => {
  const folder = folderFor(t, 1);
  const file = join(folder, 'g0/f');
  const BUFFER = 64 * 1024;
  for (const size of [0, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER]) {
    const words = '1 '.repeat(size / 2).padEnd(size, '1');
    writeFileSync(file, words);
    const reader = readerOf(folder, { at: 'percpu', column: 1, keyed: true });
    reader.add('/g0');
    const { keyed } = await reader.read(batchOf(1, 1));
    const numbers = words.split(' ').filter((word) => word !== '');
    assert.deepEqual([...(keyed[0]?.value ?? [])], numbers.map(Number), `${size}`);
    reader.close();
  }
});

testUnless(nativeProblem(), 'the arguments are checked', async (t) => {
  const { BatchReader } = theNative();
  const folder = folderFor(t);
  assert.throws(() => new BatchReader([], 2 ** 32 - 1, 1, 1), RangeError);
  for (const args of [[], [1, 2, 3, 4], [[], -1, 1, 1], [[{}], 1, 1, 1], [[{ path: 'a\0', skip: 1 }], 1, 1, 1]]) {
    assert.throws(() => Reflect.construct(BatchReader, args), TypeError);
  }
  const reader = readerOf(folder);
  reader.add('/g0');
  const item = NUMBER;
  const step = { hierarchy: 0, file: 'f', rank: 0, items: [item] };
  const steps = [
    { ...step, hierarchy: 1 },
    { ...step, file: 'a\0b' },
    { ...step, rank: 0.5 },
    { ...step, items: [{ ...item, at: 'nonsense' }] },
    { ...step, items: [{ ...item, column: 2 }] },
    { ...step, items: [1] },
  ];
  for (const wrong of [undefined, 1, {}, ...steps]) {
    assert.throws(() => Reflect.apply(reader.define, reader, [wrong]), /must|there is no/);
  }
  for (const wrong of [undefined, 1, '', 'relative', '/a\0']) {
    assert.throws(() => Reflect.apply(reader.add, reader, [wrong]), TypeError);
  }
  const batch = batchOf(1, 1);
  const batches = [
    { ...batch, groups: Int32Array.of(1) },
    { ...batch, groups: Int32Array.of(-1) },
    { ...batch, groups: new Float64Array(1) },
    { ...batch, steps: Int32Array.of(1) },
    { ...batch, rows: Int32Array.of(1) },
    { ...batch, rows: Int32Array.of(-1) },
    { ...batch, times: new Float64Array(2) },
    { ...batch, columns: [] },
    { ...batch, columns: [undefined] },
    { ...batch, columns: undefined },
    { ...batch, level: -1 },
    { ...batch, now: undefined },
  ];
  for (const wrong of [undefined, {}, ...batches]) {
    assert.throws(() => Reflect.apply(reader.read, reader, [wrong]), /must|there is no|shorter/);
  }
  await reader.read(batch);
  reader.close();
});

/** JavaScript that has files open and a long batch running. */
function source(folder: string): string {
  return `
    ${loadingAddon()}
    const reader = new addon.exports.BatchReader([{ path: ${JSON.stringify(folder)}, skip: 1 }], 1, 1000, 2 ** 63);
    reader.define({ hierarchy: 0, file: 'f', rank: 0, items: [{ at: 'scalar', column: 0, keyed: false }] });
    for (let group = 0; group < ${FILES}; group++) reader.add('/g' + group);
    const batch = (length) => ({
      groups: Int32Array.from({ length }, (_, at) => at % ${FILES}), steps: new Int32Array(length), rows: new Int32Array(length),
      outcomes: new Uint8Array(length), times: new Float64Array(length), columns: [new Float64Array(1)], level: 1, spare: 0, now: 0,
    });
  `;
}

testUnless(nativeProblem(), 'workers read, and may end in any way, in the middle of a batch too', async (t) => {
  const folder = folderFor(t, FILES);
  const before = descriptors();
  const worker = (line: string) => new Worker(source(folder) + line, { eval: true });
  const reading = worker(`
    reader.read(batch(${FILES})).then(() => {
      require('node:worker_threads').parentPort.postMessage(reader.open);
      reader.read(batch(200_000));
    });
  `);
  assert.deepEqual(await once(reading, 'message'), [FILES]);
  await reading.terminate();
  const leaving = worker(`reader.read(batch(${FILES}))`);
  assert.deepEqual(await once(leaving, 'exit'), [0]);
  const exiting = worker(`reader.read(batch(200_000)); process.exit(3);`);
  assert.deepEqual(await once(exiting, 'exit'), [3]);
  const closing = worker(`reader.read(batch(200_000)).catch(() => process.exit(4)); reader.close();`);
  assert.deepEqual(await once(closing, 'exit'), [4]);
  await until(() => descriptors() <= before);
});

testUnless(nativeProblem(), 'a process may end in the middle of a batch', (t) => {
  const folder = folderFor(t, FILES);
  const { status, stderr } = runText(
    `${source(folder)} reader.read(batch(200_000)); setImmediate(() => process.exit(5));`,
  );
  assert.deepEqual([status, stderr], [5, '']);
});

testUnless(
  nativeProblem(),
  'a forgotten reader is collected with its descriptors, but not while it reads',
  async (t) => {
    const folder = folderFor(t, FILES);
    const before = descriptors();
    setFlagsFromString('--expose-gc');
    const gc: () => void = runInNewContext('gc');
    const forget = async () => {
      const reader = readerOf(folder);
      for (let group = 0; group < FILES; group++) reader.add(`/g${group}`);
      const batch = batchOf(FILES, FILES);
      const reading = reader.read(batch);
      return { reading, column: batch.columns[0] };
    };
    const { reading, column } = await forget();
    gc();
    await reading;
    assert.deepEqual(
      [...column],
      [...column.keys()].map((row) => row + 1),
    );
    await until(() => {
      gc();
      return descriptors() <= before;
    });
  },
);

testUnless(nativeProblem(), 'hundreds of readers leave no descriptor', async (t) => {
  const folder = folderFor(t, FILES);
  const before = descriptors();
  for (let i = 0; i < 200; i++) {
    const reader = readerOf(folder);
    for (let group = 0; group < FILES; group++) reader.add(`/g${group}`);
    await reader.read(batchOf(FILES, FILES));
    assert.equal(reader.open, FILES);
    reader.close();
  }
  assert.equal(descriptors(), before);
});
