import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  blkioWeight,
  classIdNumber,
  linearIoWeight,
  ociShares,
  ociWeight,
  swapOutOfTotal,
  tcHandle,
  totalOutOfSwap,
} from '../../src/controllers/convert.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { CgError } from '../../src/errors.ts';
import { slotsOf, valuesOf } from './support.ts';

const MiB = 2 ** 20;

test('shares become weights as runc, crun and containerd have it', () => {
  const facts = [1, 2, 3, 512, 1024, 2048, 262143, 262144];
  assert.deepEqual(facts.map(ociWeight), ['1', '1', '2', '59', '100', '174', '10000', '10000']);
});

test('a weight becomes the shares that give it back, 1024 the default', () => {
  assert.deepEqual(['100', '1', '10000'].map(ociShares), [1024, 2, 262144]);
  for (let weight = 1; weight <= 10_000; weight++) {
    assert.equal(ociWeight(ociShares(String(weight)) ?? 0), String(weight));
  }
});

test('an idle group’s weight, 0, stands for no shares', () => {
  assert.equal(ociShares('0'), undefined);
});

test('blkio weights become io weights and back', () => {
  assert.deepEqual([10, 500, 1000].map(linearIoWeight), ['1', '4950', '10000']);
  assert.deepEqual(['1', '4950', '10000'].map(blkioWeight), [10, 500, 1000]);
});

test('memory plus swap becomes swap alone', () => {
  const need = () => 256 * MiB;
  assert.equal(swapOutOfTotal(512 * MiB, need), String(256 * MiB));
  assert.equal(swapOutOfTotal(256 * MiB, need), '0');
  assert.equal(swapOutOfTotal(Number.POSITIVE_INFINITY, need), 'max');
  assert.equal(totalOutOfSwap(String(256 * MiB), need), 512 * MiB);
  assert.equal(totalOutOfSwap('max', need), Number.POSITIVE_INFINITY);
  assert.equal(
    totalOutOfSwap('0', () => Number.POSITIVE_INFINITY),
    undefined,
  );
});

test('memory plus swap needs a memory limit, and one that is not above it', () => {
  for (const memory of [undefined, Number.POSITIVE_INFINITY, 1024 * MiB]) {
    assert.throws(() => swapOutOfTotal(512 * MiB, () => memory), { code: 'VALUE' });
  }
});

test('a class id is a number to the kernel and a handle to tc', () => {
  for (const text of ['10:1', '0x100001', '1048577']) assert.equal(classIdNumber(text), '1048577');
  assert.equal(tcHandle('1048577\n'), '10:1');
  assert.equal(tcHandle('0\n'), '0:0');
  assert.throws(() => classIdNumber('4294967296'), { code: 'VALUE' });
});

test('the bandwidth flag is a quota over a period of 100 ms, and reads back', () => {
  const entry = defaultRegistry.knobOfFlag('cpus');
  assert.ok(entry && 'derived' in entry);
  const { encode, decode } = entry.derived;
  const facts = { onlineCpus: 4, cpusOfNode: () => undefined };
  assert.deepEqual(encode(1.5, facts), { 'cpu.quota': 150_000, 'cpu.period': 100_000 });
  assert.equal(typeof encode(4.5, facts), 'string');
  assert.equal(
    decode?.((key) => (key === 'cpu.quota' ? 150_000 : 100_000)),
    1.5,
  );
});

test('a NUMA node is its CPUs and its memory; one without CPUs is refused', () => {
  const entry = defaultRegistry.knobOfFlag('numa-node');
  assert.ok(entry && 'derived' in entry);
  const { encode } = entry.derived;
  const facts = { onlineCpus: 4, cpusOfNode: (node: number) => [[0, 1], []][node] };
  assert.deepEqual(encode(0, facts), { 'cpuset.cpus': [0, 1], 'cpuset.mems': [0] });
  assert.match(String(encode(1, facts)), /no CPUs/);
  assert.match(String(encode(2, facts)), /no such node/);
});

const converting = defaultRegistry
  .allKnobs()
  .flatMap(({ knob }) => slotsOf(knob).map((slot) => ({ knob, slot })))
  .filter(({ slot }) => slot.encode !== undefined);

for (const { knob, slot } of converting) {
  test(`${knob.key}, ${slot.file}: what is written reads as something that is written alike`, () => {
    const need = (key: string) => (key === 'memory.max' ? 256 * MiB : undefined);
    fc.assert(
      fc.property(valuesOf(knob.type), (value) => {
        const text = encoded(() => slot.encode?.(value, need));
        fc.pre(text !== undefined);
        const back = slot.decode?.(text, need);
        assert.ok(back !== undefined);
        assert.equal(slot.encode?.(back, need), text);
      }),
    );
  });
}

/** A conversion may refuse a value. */
function encoded(encode: () => string | undefined): string | undefined {
  try {
    return encode();
  } catch (error) {
    if (error instanceof CgError && error.code === 'VALUE') return undefined;
    throw error;
  }
}
