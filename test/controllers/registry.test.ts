import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../../src/controllers/check.ts';
import { controller, counter, gauge, keyed, knob, scalar } from '../../src/controllers/controller.ts';
import { flagName } from '../../src/controllers/derive.ts';
import { controllers, defaultRegistry } from '../../src/controllers/index.ts';
import { registry } from '../../src/controllers/registry.ts';

test('every declaration is sound', () => {
  assert.deepEqual(check(controllers), []);
});

test('the check finds what is wrong', () => {
  const help = 'something';
  const wrong = controller(() => ({
    name: 'wrong',
    summary: 'Mistakes',
    v1: 'wrong',
    doc: 'none',
    knobs: {
      a: knob<number>({
        flag: '--memory',
        type: { kind: 'int', min: 0, max: 9 },
        help,
        usage: 'no_such_bytes',
        means: [['0', { times: 2, of: 'wrong.none' }]],
        v1: { file: 'wrong.a', needs: ['wrong.b', 'cpu.idle'], encode: String, shape: { kind: 'keyed' } },
        v2: { file: 'wrong/a' },
      }),
      nowhere: knob<boolean>({ flag: '-M', type: { kind: 'bool' }, help }),
      keyless: knob<boolean>({ type: { kind: 'bool' }, help, v1: { file: 'wrong.{key}' } }),
    },
    stats: [
      counter('wrong_seconds', 'bytes', help, { v1: scalar('wrong.c') }),
      gauge('wrong_bytes', 'count', help, {
        v1: keyed('wrong.d'),
        limit: 'none',
        column: { title: 'W', show: 'count', rank: 1, event: 'never' },
      }),
      gauge('pids', 'count', help, { v1: scalar('wrong.e'), role: 'memory.usage' }),
    ],
    figures: [{ name: 'wrong_ratio', help, of: 'wrong_bytes', per: 'no_such_total' }],
  }));
  assert.deepEqual(check([...controllers, wrong]).sort(), [
    '-M: not a flag',
    'flag memory: declared twice',
    'metric pids: declared twice',
    'role of a stat memory.usage: declared twice',
    'wrong.a: a int does not go into a file of shape keyed',
    'wrong.a: cpu.idle is another controller’s',
    'wrong.a: no knob wrong.b',
    'wrong.a: no knob wrong.none',
    'wrong.a: no stat no_such_bytes',
    'wrong.a: wrong.a converts in one direction only',
    'wrong.a: wrong/a has no owner, since wrong has no v2',
    'wrong.a: wrong/a is no control file',
    'wrong.keyless: wrong.{key} has no use for {key}',
    'wrong.nowhere: in neither dialect',
    'wrong_bytes: no event never',
    'wrong_bytes: no stat none',
    'wrong_bytes: the name does not say the unit, count',
    'wrong_bytes: wrong.d and the label do not go together',
    'wrong_ratio: a counter and a gauge do not go together',
    'wrong_ratio: no stat no_such_total',
    'wrong_seconds: "_total" is how counters end, and no other',
    'wrong_seconds: the name does not say the unit, bytes',
  ]);
});

test('encode and decode are the only functions in the declarations', () => {
  const walk = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'function') {
      assert.ok(['encode', 'decode'].includes(path.at(-1) ?? ''), path.join('.'));
    } else if (typeof value === 'object' && value !== null && !(value instanceof RegExp)) {
      for (const [name, item] of Object.entries(value)) walk(item, [...path, name]);
    }
  };
  for (const { name, ...rest } of defaultRegistry.controllers) walk(rest, [name]);
});

test('things are found by key, flag, name and role', () => {
  assert.equal(defaultRegistry.findKnob('memory.max')?.controller.name, 'memory');
  assert.equal(defaultRegistry.findKnob('memory.none'), undefined);
  const shares = defaultRegistry.knobOfFlag('cpu-shares');
  assert.ok(shares && 'knob' in shares);
  assert.equal(shares.knob.key, 'cpu.shares');
  const cpus = defaultRegistry.knobOfFlag('cpus');
  assert.ok(cpus && 'derived' in cpus);
  assert.equal(defaultRegistry.knobOfFlag('toString'), undefined);
  assert.deepEqual(
    defaultRegistry.statsByRole('cpu.usage').map(({ stat }) => stat.name),
    ['cpu_usage_seconds_total'],
  );
  assert.deepEqual(
    defaultRegistry.knobsByRole('freeze').map(({ knob }) => knob.key),
    ['freezer.state'],
  );
  assert.deepEqual(
    defaultRegistry.actionsByRole('kill').map(({ action }) => action.key),
    ['core.kill'],
  );
  assert.equal(defaultRegistry.findAction('memory.reclaim')?.action.key, 'memory.reclaim');
  assert.equal(defaultRegistry.findController('psi')?.v2, 'core');
  assert.ok(defaultRegistry.allEvents().some(({ event }) => event.name === 'oom'));
});

test('everything is computed once', () => {
  assert.equal(defaultRegistry.allStats(), defaultRegistry.allStats());
  assert.equal(defaultRegistry.allKnobs(), defaultRegistry.allKnobs());
});

test('flag names', () => {
  assert.deepEqual(flagName('-m, --memory'), { short: 'm', long: 'memory' });
  assert.deepEqual(flagName('--cpus'), { long: 'cpus' });
});

test('a knob’s gauge reads its word, its line or its keys, and leaves out what would need decoding', () => {
  const source = (name: string) => {
    const stat = defaultRegistry.findStat(name)?.stat;
    assert.ok(stat, name);
    return stat;
  };
  const quota = source('cpu_quota_seconds');
  assert.deepEqual(quota.v1, [
    { file: 'cpu.cfs_quota_us', format: { at: 'scalar' }, extent: 'local', per: 1e6, unlimited: '-1' },
  ]);
  assert.deepEqual(quota.v2, [{ file: 'cpu.max', format: { at: 'word', index: 0 }, extent: 'local', per: 1e6 }]);
  assert.equal(source('cpu_shares').v2, undefined);
  assert.equal(source('hugetlb_limit_bytes').label, 'pagesize');
  const { stat } =
    registry([
      controller(() => ({
        name: 'x',
        summary: 'X',
        v2: 'x',
        doc: 'none',
        knobs: {
          line: knob<number>({
            type: { kind: 'int', min: 0, max: 9 },
            help: 'a line',
            v2: { file: 'x.y', shape: { kind: 'line', name: 'default' } },
            metric: { name: 'x_y', unit: 'count' },
          }),
        },
      })),
    ]).findStat('x_y') ?? assert.fail();
  assert.deepEqual(stat.v2, [{ file: 'x.y', format: { at: 'flat', key: 'default' }, extent: 'local' }]);
});
