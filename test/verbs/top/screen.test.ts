import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Frame, update } from '../../../src/verbs/top/screen.ts';
import { fit } from '../../../src/verbs/width.ts';
import { Vt } from './vt.ts';

const [COLUMNS, ROWS] = [20, 6];

const line = fc
  .tuple(
    fc.constantFrom('', '\x1b[1m', '\x1b[0;7m', '\x1b[38;5;203m'),
    fc.constantFrom('web', '日本語 a', 'x'.repeat(COLUMNS), ''),
  )
  .map(([look, text]) => `${look}${look === '' ? text : fit(text, COLUMNS)}${look === '' ? '' : '\x1b[0m'}`);
const frame: fc.Arbitrary<Frame> = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: ROWS }),
  cursor: fc.option(fc.record({ row: fc.nat(ROWS - 1), column: fc.nat(COLUMNS - 1) }), { nil: undefined }),
});

test('after any changes the terminal shows what it would show had all been drawn anew', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
      const kept = new Vt(COLUMNS, ROWS);
      let before: Frame | undefined;
      for (const after of frames) {
        kept.write(update(before, after));
        const anew = new Vt(COLUMNS, ROWS);
        anew.write(update(undefined, after));
        assert.deepEqual(kept.cells, anew.cells);
        assert.equal(kept.cursor, anew.cursor);
        if (after.cursor !== undefined) assert.deepEqual(kept.position, { ...after.cursor });
        assert.deepEqual(kept.unknown, []);
        before = after;
      }
    }),
  );
});

test('nothing is sent for what stays', () => {
  const before = { lines: ['a', 'b', 'c'] };
  assert.equal(update(before, { lines: ['a', 'b', 'c'] }), '');
  const sent = update(before, { lines: ['a', 'B', 'c'] });
  assert.ok(
    sent.includes('\x1b[2;1H') && sent.includes('B') && !sent.includes('\x1b[1;1H') && !sent.includes('\x1b[3;1H'),
  );
  assert.ok(sent.startsWith('\x1b[?2026h') && sent.endsWith('\x1b[?2026l'));
});
