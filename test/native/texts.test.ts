import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeProblem } from '../../src/native.ts';
import { mountOf, realKernel, scratch, temporary, testUnless } from '../support/host.ts';
import { theNative } from './the-native.ts';

testUnless(nativeProblem(), 'files of a directory are read at once, each up to a size', (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, 'a'), 'first\n');
  writeFileSync(join(folder, 'b'), 'é'.repeat(10));
  mkdirSync(join(folder, 'below'));
  symlinkSync(join(folder, 'a'), join(folder, 'link'));
  const { readTexts } = theNative();
  const names = ['b', 'a', 'missing', 'below', 'link', 'a'];
  assert.deepEqual(readTexts(folder, names, 4), ['éé', 'firs', undefined, undefined, undefined, 'firs']);
  assert.deepEqual(readTexts(folder, ['a'], 0), ['']);
  assert.deepEqual(readTexts(join(folder, 'nowhere'), ['a'], 4), [undefined]);
  assert.deepEqual(readTexts(join(folder, 'a'), ['a'], 4), [undefined]);
  assert.deepEqual(readTexts(folder, [], 4), []);
});

testUnless(nativeProblem(), 'the arguments are checked', (t) => {
  const folder = temporary(t);
  const readTexts = theNative().readTexts as (...args: readonly unknown[]) => unknown;
  for (const wrong of [[], [1, ['a'], 4], ['a\0b', ['a'], 4], [folder, 'a', 4], [folder, [1], 4], [folder, ['a\0'], 4]])
    assert.throws(() => readTexts(...wrong), TypeError);
  for (const outside of ['../a', '/etc/hostname', 'a/b'])
    assert.throws(() => readTexts(folder, [outside], 4), TypeError);
  for (const most of [-1, 1.5, 2 ** 20, '4', undefined, Number.NaN])
    assert.throws(() => readTexts(folder, ['a'], most), RangeError);
});

realKernel(
  'a group’s limits are what the kernel says',
  (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('pids'), path);
    mkdirSync(group, { recursive: true });
    writeFileSync(join(group, 'pids.max'), '4321');
    const { readTexts } = theNative();
    assert.deepEqual(readTexts(group, ['pids.max', 'cgroup.procs', 'pids.none'], 256), ['4321\n', '', undefined]);
    mkdirSync(join(group, 'below'));
    assert.deepEqual(readTexts(join(group, 'below'), ['pids.max'], 256), ['max\n']);
  },
  ['pids'],
);
