import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/parse/duration.ts';
import { rejects, survives } from './hostile.ts';

test('durations are seconds', () => {
  const durations = {
    '500ms': 0.5,
    '2s': 2,
    '1.5m': 90,
    '1h': 3600,
    '250us': 0.00025,
    '2': 2,
    '0.25': 0.25,
    '0': 0,
    '1.1h': 3960,
  };
  for (const [text, seconds] of Object.entries(durations)) assert.equal(parseDuration(text), seconds, text);
  for (const text of ['', '-1s', '+1s', '1 s', '1S', '.5s', '1.s', 's', '1d', '1h30m', 'max', '1e3', '9'.repeat(400)]) {
    rejects(() => parseDuration(text), 'VALUE', /500ms/);
  }
});

test('a duration is shown in a unit that suits it, and reads back to itself', () => {
  const shown = { 90: '1.5m', 100: '100s', 0.25: '250ms', 0: '0s', 3600: '1h', 0.00025: '250us', 0.0000001: '0s' };
  for (const [seconds, text] of Object.entries(shown)) assert.equal(formatDuration(Number(seconds)), text);
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), fc.constantFrom(1, 1000, 100_000, 1_000_000), (count, micros) => {
      const seconds = (count * micros) / 1_000_000;
      assert.equal(parseDuration(formatDuration(seconds)), seconds);
    }),
  );
});

test('parseDuration survives any text', () => survives(parseDuration, 'VALUE', '1.5m', '250us'));
