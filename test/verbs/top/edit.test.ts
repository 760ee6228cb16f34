import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { edit, shown, typed } from '../../../src/verbs/top/edit.ts';
import { textWidth } from '../../../src/verbs/width.ts';

const after = (text: string, ...keys: string[]) => keys.reduce(edit, typed(text));

test('a line is edited as in a shell', () => {
  assert.deepEqual(after('', 'a', '日', 'left', 'b'), { text: 'ab日', at: 2 });
  assert.deepEqual(after('--cpus 1', 'backspace', '2'), { text: '--cpus 2', at: 8 });
  assert.deepEqual(after('abc', 'home', 'delete', 'end', 'x'), { text: 'bcx', at: 3 });
  assert.deepEqual(after('--cpus 2 -m 1g', 'ctrl-w', 'ctrl-w'), { text: '--cpus 2 ', at: 9 });
  assert.deepEqual(after('abc', 'left', 'ctrl-u'), { text: 'c', at: 0 });
  assert.deepEqual(after('abc', 'left', 'ctrl-k'), { text: 'ab', at: 2 });
  assert.deepEqual(after('abc', 'up', 'pagedown', 'tab'), typed('abc'));
  assert.deepEqual(after('', 'backspace', 'left', 'delete', 'ctrl-w'), typed(''));
});

test('the cursor is always in sight, and in the line', () => {
  const key = fc.oneof(
    fc.constantFrom('left', 'right', 'home', 'end', 'backspace', 'delete', 'ctrl-w', 'ctrl-u', 'ctrl-k'),
    fc.constantFrom('a', ' ', '日', '🚀'),
  );
  fc.assert(
    fc.property(fc.array(key), fc.integer({ min: 2, max: 30 }), (keys, columns) => {
      const line = after('', ...keys);
      assert.ok(line.at >= 0 && line.at <= Array.from(line.text).length);
      const { text, cursor } = shown(line, columns);
      assert.ok(cursor >= 0 && cursor < columns);
      assert.ok(line.text.endsWith(text));
      assert.ok(cursor <= textWidth(text));
    }),
  );
});
