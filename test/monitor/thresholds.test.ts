import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { CgError } from '../../src/errors.ts';
import { parseThreshold } from '../../src/monitor/thresholds.ts';

const parse = (text: string) => parseThreshold(defaultRegistry, text);

test('a threshold is a pattern, a figure and a level', () => {
  const { matches, ...rule } = parse('/docker/*: memory.usage >= 80%');
  assert.deepEqual(rule, {
    text: '/docker/*: memory.usage >= 80%',
    what: 'memory.usage',
    level: { kind: 'share', value: 0.8 },
  });
  assert.deepEqual(['/docker/a', '/docker/a/b', '/docker', '/x'].map(matches), [true, false, false, false]);
  assert.deepEqual(parse(' memory_usage_bytes>=1.5g ').level, { kind: 'number', value: 1.5 * 2 ** 30 });
  assert.deepEqual(parse('pids >= 100').level, { kind: 'number', value: 100 });
  assert.deepEqual(parse('pressure.io >= 10%').level, { kind: 'share', value: 0.1 });
  assert.deepEqual(parse('memory_pressure >= critical').level, { kind: 'word', word: 'critical' });
  assert.ok(parse('pids >= 1').matches('/any/group'));
});

test('what is none is refused', () => {
  for (const text of [
    '',
    'memory.usage',
    'memory.usage > 1',
    'nonsense >= 1',
    'memory.usage >= much',
    'memory_pressure >= 5',
    'pids_peak >= 5%',
    'docker: pids >= 5',
  ])
    assert.throws(() => parse(text), { code: 'VALUE' }, text);
});

test('any text is a threshold or refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parse(text);
      } catch (error) {
        assert.ok(error instanceof CgError);
      }
    }),
  );
});
