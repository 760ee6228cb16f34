import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compose, ONLY, tokens } from '../../src/control/shape.ts';
import type { Slot } from '../../src/controllers/controller.ts';

const slot = (shape: Slot['shape']): Slot => (shape === undefined ? { file: 'f' } : { file: 'f', shape });
const only = (text: string): Map<string, string> => new Map([[ONLY, text]]);

test('a tuple’s word is taken out of its line and put back between the others', () => {
  const period = slot({ kind: 'tuple', at: 1, width: 2 });
  assert.deepEqual(tokens(period, 'max 100000\n'), only('100000'));
  assert.equal(compose(period, ONLY, '50000', 'max 100000\n'), 'max 50000');
  assert.deepEqual(tokens(period, '\n'), new Map());
});

test('a line of a flat file is written bare where the kernel wants it so', () => {
  const text = 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n';
  const bare = slot({ kind: 'line', name: 'oom_kill_disable', bare: true });
  assert.deepEqual(tokens(bare, text), only('0'));
  assert.equal(compose(bare, ONLY, '1', text), '1');
  const named = slot({ kind: 'line', name: 'default' });
  assert.equal(compose(named, ONLY, '300', 'default 100\n8:0 200\n'), 'default 300');
});

test('keyed files: one key a write, and what is at its removal value counts as not there', () => {
  const field = slot({ kind: 'keyed', field: 'rbps', remove: 'max' });
  const text = '8:0 rbps=1048576 wbps=max riops=max wiops=max\n8:16 rbps=max wbps=5 riops=max wiops=max\n';
  assert.deepEqual(tokens(field, text), new Map([['8:0', '1048576']]));
  assert.equal(compose(field, '8:16', '7', text), '8:16 rbps=7');
  const plain = slot({ kind: 'keyed', remove: 'default', skip: ['default'] });
  assert.deepEqual(tokens(plain, 'default 100\n8:0 200\n'), new Map([['8:0', '200']]));
  const whole = slot({ kind: 'keyed', fields: true });
  assert.deepEqual(tokens(whole, '8:0 enable=1 ctrl=user\n'), new Map([['8:0', 'enable=1 ctrl=user']]));
});
