import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatMajMin, parseMajMin } from '../../src/parse/device.ts';
import { survives } from './hostile.ts';

test('device numbers', () => {
  assert.deepEqual(parseMajMin('254:16\n'), { major: 254, minor: 16 });
  for (const text of ['', '8', '8:', ':0', '8:0 ', '8:0:1', '-8:0', '4096:0', '0:1048576', 'default', '8:0\n\n']) {
    assert.equal(parseMajMin(text), undefined, text);
  }
  fc.assert(
    fc.property(fc.nat(4095), fc.nat(1048575), (major, minor) => {
      assert.deepEqual(parseMajMin(formatMajMin({ major, minor })), { major, minor });
    }),
  );
});

test('parseMajMin survives any text', () => survives(parseMajMin, 'VALUE', '8:16'));
