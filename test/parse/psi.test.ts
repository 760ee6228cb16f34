import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePressure } from '../../src/parse/psi.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

test('pressure in percent and microseconds', () => {
  assert.deepEqual(parsePressure(parseFixture('v1/hybrid-cpu.pressure')), {
    some: { avg10: 8.24, avg60: 1.6, avg300: 0.34, totalUs: 1091114 },
    full: { avg10: 8.24, avg60: 1.6, avg300: 0.34, totalUs: 1088577 },
  });
  assert.equal(parsePressure(parseFixture('v2/io.pressure')).some?.totalUs, 7781);
});

test('what the file does not say is absent', () => {
  assert.deepEqual(Object.keys(parsePressure('some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')), ['some']);
  assert.deepEqual(parsePressure(''), {});
  rejects(() => parsePressure('some avg10=0.00 total=0\n'), 'PARSE', /pressure/);
});

test('parsePressure survives any text', () => survives(parsePressure, 'PARSE', parseFixture('proc/pressure-cpu')));
