import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRelative } from '../../src/parse/relative.ts';
import { rejects, survives } from './hostile.ts';

test('a sign makes a value relative, but -1 means unlimited', () => {
  assert.deepEqual(parseRelative('+10%'), { kind: 'percent', percent: 10 });
  assert.deepEqual(parseRelative('-25%'), { kind: 'percent', percent: -25 });
  assert.deepEqual(parseRelative('-1%'), { kind: 'percent', percent: -1 });
  assert.deepEqual(parseRelative('+0.5%'), { kind: 'percent', percent: 0.5 });
  assert.deepEqual(parseRelative('+64m'), { kind: 'delta', sign: 1, text: '64m' });
  assert.deepEqual(parseRelative('-1.5GiB'), { kind: 'delta', sign: -1, text: '1.5GiB' });
  assert.deepEqual(parseRelative('+1'), { kind: 'delta', sign: 1, text: '1' });
  for (const text of ['-1', '', '512m', 'max', '10%', '0-3']) assert.equal(parseRelative(text), undefined, text);
});

test('a change that could reach infinity or fall below nothing is refused', () => {
  for (const text of ['+', '-', '+%', '+-1', '+max', '-max', '--1', '+ 1', '-101%', '+1%%', `+${'9'.repeat(400)}%`]) {
    rejects(() => parseRelative(text), 'VALUE', /\+10%/);
  }
});

test('parseRelative survives any text', () => survives(parseRelative, 'VALUE', '+10%', '-64m'));
