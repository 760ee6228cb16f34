import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Knob, Value, ValueType } from '../../src/controllers/controller.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import {
  applyMultiple,
  applyRelative,
  decodeDefault,
  describeType,
  encodeDefault,
  formatValue,
  growth,
  isRepeatable,
  parseValue,
  type ResolveKey,
  valueFromJson,
  valueToJson,
  warningsOf,
} from '../../src/controllers/types.ts';
import { slotsOf, valuesOf } from './support.ts';

const MiB = 2 ** 20;
const NONE = Number.POSITIVE_INFINITY;
const asIs: ResolveKey = (_, text) => [text];
const disks: ResolveKey = (kind, text) => {
  assert.equal(kind, 'device');
  return { '/dev/vda': ['254:0'], '/dev/vda1': ['254:0'], '/mnt/raid': ['254:0', '254:16'] }[text] ?? [text];
};

function knob(key: string): Knob {
  const entry = defaultRegistry.findKnob(key);
  assert.ok(entry, key);
  return entry.knob;
}

const parse = (key: string, given: string | readonly string[], resolve = asIs) =>
  parseValue(knob(key).type, knob(key).means, given, resolve);

function value(key: string, given: string | readonly string[], resolve = asIs): Value {
  const parsed = parse(key, given, resolve);
  assert.ok('value' in parsed, JSON.stringify(parsed));
  return parsed.value;
}

function mistake(key: string, given: string | readonly string[], resolve = asIs): string {
  const parsed = parse(key, given, resolve);
  assert.ok('mistake' in parsed, JSON.stringify(parsed));
  return parsed.mistake;
}

test('numbers, sizes, switches, words and lists are read as people write them', () => {
  assert.equal(value('cpu.shares', '512'), 512);
  assert.equal(value('cpu.nice', '-5'), -5);
  assert.equal(value('cpu.nice', '-1'), -1);
  assert.equal(value('memory.max', '1.5g'), 1536 * MiB);
  assert.equal(value('memory.max', 'max'), NONE);
  assert.equal(value('memory.max', '-1'), NONE);
  assert.equal(value('cpu.uclamp_min', '12.345'), 12.35);
  assert.equal(value('cpu.idle', 'on'), true);
  assert.equal(value('cpu.idle', '0'), false);
  assert.equal(value('cpuset.partition', 'ROOT'), 'root');
  assert.deepEqual(value('cpuset.cpus', '0-2,8'), [0, 1, 2, 8]);
  assert.deepEqual(value('cpuset.cpus', ''), []);
  assert.equal(value('net_cls.classid', '10:1'), '10:1');
  assert.deepEqual(value('devices.allow', ['c 1:3 rwm', 'a']), ['c 1:3 rwm', 'a']);
});

test('a value may stand for another one, as in Docker', () => {
  assert.equal(value('pids.max', '0'), NONE);
  assert.equal(value('pids.max', '-1'), NONE);
  assert.equal(value('cpu.shares', '0'), 1024);
  assert.deepEqual(parse('memory.swap', '0'), { multiple: { times: 2, of: 'memory.max' } });
  assert.equal(
    applyMultiple({ times: 2, of: 'memory.max' }, () => 5),
    10,
  );
  assert.equal(
    applyMultiple({ times: 2, of: 'memory.max' }, () => undefined),
    undefined,
  );
});

test('what is out of range or of another kind is told with the range and the unit', () => {
  assert.match(mistake('cpu.shares', '1'), /"1" is not 2\.\.262144 shares/);
  assert.match(mistake('cpu.shares', '-1'), /2\.\.262144 shares/);
  assert.match(mistake('cpu.shares', '1.5'), /2\.\.262144 shares/);
  assert.match(mistake('cpu.shares', 'max'), /2\.\.262144 shares/);
  assert.match(mistake('cpu.quota', '999'), /1000\.\.17592186044415 µs or max/);
  assert.match(mistake('memory.max', '12q'), /suffixes are 1024-based/);
  assert.match(mistake('cpu.idle', 'maybe'), /true or false/);
  assert.match(mistake('cpuset.partition', 'island'), /member, root, isolated/);
  assert.match(mistake('cpuset.cpus', '3-1'), /backwards/);
  assert.match(mistake('devices.allow', 'c 1:3'), /c 1:3 rwm/);
  assert.match(mistake('cpu.shares', ['512', '513']), /one value/);
  assert.match(mistake('cpu.shares', '\x1b[2J'), /\\x1b/);
});

test('keyed values are split at the last colon, so that keys may have some', () => {
  assert.deepEqual(value('io.read_bps', '/dev/vda:30MB', disks), new Map([['254:0', 30 * MiB]]));
  assert.deepEqual(value('io.read_bps', '8:0:30MB'), new Map([['8:0', 30 * MiB]]));
  assert.deepEqual(value('io.read_bps', '8:0:-1'), new Map([['8:0', NONE]]));
  assert.deepEqual(value('dmem.max', 'drm/0000:03:00.0/vram0:1g'), new Map([['drm/0000:03:00.0/vram0', 1024 * MiB]]));
  assert.deepEqual(
    value('net_prio.ifpriomap', ['eth0:5', 'lo:1']),
    new Map([
      ['eth0', 5],
      ['lo', 1],
    ]),
  );
  assert.deepEqual(
    value('rdma.max', ['mlx4_0:hca_handle=2,hca_object=max', 'mlx4_1:max']),
    new Map<string, Value>([
      [
        'mlx4_0',
        new Map([
          ['hca_handle', 2],
          ['hca_object', NONE],
        ]),
      ],
      ['mlx4_1', NONE],
    ]),
  );
});

test('one place may be several disks; one disk cannot be given two values', () => {
  assert.deepEqual(
    value('io.read_iops', '/mnt/raid:500', disks),
    new Map([
      ['254:0', 500],
      ['254:16', 500],
    ]),
  );
  assert.deepEqual(value('io.read_iops', ['/dev/vda:500', '/dev/vda1:500'], disks), new Map([['254:0', 500]]));
  assert.match(mistake('io.read_iops', ['/dev/vda:500', '/dev/vda1:400'], disks), /254:0 is given twice/);
});

test('keys are spelt as the kernel does', () => {
  for (const size of ['2MB', '2m', '2MiB', '2048k']) {
    assert.deepEqual(value('hugetlb.max', `${size}:512m`), new Map([['2MB', 512 * MiB]]));
  }
  assert.deepEqual(value('hugetlb.max', '1g:max'), new Map([['1GB', NONE]]));
  assert.match(mistake('hugetlb.max', 'big:512m'), /size/);
  assert.match(mistake('net_prio.ifpriomap', 'eth/0:5'), /interface/);
  assert.match(mistake('misc.max', 'a b:5'), /resource/);
});

test('mistakes in keyed values name the key, the field or the form', () => {
  assert.match(mistake('io.read_bps', '/dev/vda'), /DEVICE:VALUE such as \/dev\/vda:30MB/);
  assert.match(mistake('io.read_bps', '/dev/vda:'), /DEVICE:VALUE/);
  assert.match(mistake('io.read_bps', '8:0:fast'), /"8:0": "fast" is not/);
  assert.match(mistake('io.read_bps', '8:0:+10%'), /"8:0": give a value/);
  assert.match(mistake('io.cost_qos', '8:0:enable=2'), /enable.*0\.\.1/);
  assert.match(mistake('io.cost_qos', '8:0:warp=1'), /"warp" is not one of the fields enable, ctrl/);
  assert.match(mistake('io.cost_qos', '8:0:enable'), /FIELD=VALUE/);
  assert.match(mistake('io.cost_qos', '8:0:enable=1,enable=0'), /twice/);
});

test('a change is relative to the present value', () => {
  const change = (key: string, present: Value | undefined, given: string) => {
    const parsed = parse(key, given);
    assert.ok('relative' in parsed);
    return applyRelative(knob(key).type, present, parsed.relative);
  };
  assert.deepEqual(change('cpu.shares', 1000, '+10%'), { value: 1100 });
  assert.deepEqual(change('memory.max', 256 * MiB, '-64m'), { value: 192 * MiB });
  assert.deepEqual(change('cpu.uclamp_min', 10, '+2.5'), { value: 12.5 });
  assert.match(
    JSON.stringify(change('cpu.shares', 512, '-100%')),
    /512 would become 0, which is not 2\.\.262144 shares/,
  );
  assert.match(JSON.stringify(change('memory.max', NONE, '-64m')), /no limit now/);
  assert.match(JSON.stringify(change('memory.max', undefined, '-64m')), /no present value/);
  assert.match(mistake('memory.max', '-101%'), /change/);
});

test('JSON carries every value there and back', () => {
  for (const { knob } of defaultRegistry.allKnobs()) {
    fc.assert(
      fc.property(valuesOf(knob.type), (value) => {
        const json: unknown = JSON.parse(JSON.stringify(valueToJson(value)));
        assert.deepEqual(valueFromJson(knob.type, undefined, json, asIs), { value }, knob.key);
      }),
      { numRuns: 25 },
    );
  }
});

test('what is shown can be given back', () => {
  for (const { knob } of defaultRegistry.allKnobs()) {
    fc.assert(
      fc.property(valuesOf(knob.type), (value) => {
        if (knob.type.kind === 'rules') return;
        const shown = formatValue(knob.type, value);
        const given = isRepeatable(knob.type) ? shown.split(' ') : shown;
        assert.deepEqual(parseValue(knob.type, [['max', NONE]], given, asIs), { value }, knob.key);
      }),
      { numRuns: 25 },
    );
  }
});

test('the kernel’s text reads back as what was written, where nothing converts', () => {
  for (const { knob } of defaultRegistry.allKnobs()) {
    const type = knob.type.kind === 'map' ? knob.type.value : knob.type;
    if (type.kind === 'rules') continue;
    for (const slot of slotsOf(knob).filter(({ encode }) => encode === undefined)) {
      fc.assert(
        fc.property(valuesOf(type), (value) => {
          if (slot.unlimited === '0') return; // read by the shape: the key is gone
          assert.deepEqual(decodeDefault(type, `${encodeDefault(type, value, slot.unlimited)}\n`), value, knob.key);
        }),
        { numRuns: 25 },
      );
    }
  }
});

test('large numbers are written digit by digit', () => {
  assert.equal(encodeDefault({ kind: 'bytes' }, 2 ** 62), '4611686018427387904');
});

test('the kernel’s words for no limit are one value', () => {
  for (const text of ['max\n', '-1\n', '9223372036854771712\n', '9223372036854710272\n']) {
    assert.equal(decodeDefault({ kind: 'bytes' }, text), NONE);
  }
});

test('kernel text of an unknown shape is an error, not a value', () => {
  const types: readonly ValueType[] = [
    { kind: 'int', min: 0, max: 9 },
    { kind: 'bytes' },
    { kind: 'decimal', min: 0, max: 9 },
    { kind: 'bool' },
    { kind: 'list', of: 'cpu' },
  ];
  for (const type of types) assert.throws(() => decodeDefault(type, 'nonsense\n'), { code: 'PARSE' }, type.kind);
});

test('JSON from outside is held to the type', () => {
  const json = (key: string, given: unknown) => valueFromJson(knob(key).type, knob(key).means, given, asIs);
  assert.deepEqual(json('memory.max', '512m'), { value: 512 * MiB });
  assert.deepEqual(json('memory.max', 0), { value: NONE });
  assert.deepEqual(json('cpuset.cpus', [0, 1]), { value: [0, 1] });
  assert.deepEqual(json('cpuset.cpus', '0-1'), { value: [0, 1] });
  assert.deepEqual(json('devices.allow', 'a'), { value: ['a'] });
  const hostile: unknown = JSON.parse('{"__proto__": 5}');
  assert.deepEqual(json('net_prio.ifpriomap', hostile), { value: new Map([['__proto__', 5]]) });
  for (const wrong of [null, {}, [], [1], true, 1.5, 1e300, 'x', { value: 5 }, [['512']]]) {
    assert.ok('mistake' in json('cpu.shares', wrong), JSON.stringify(wrong));
  }
  for (const wrong of [null, 5, true, [5], { eth0: null }, { eth0: [] }, { eth0: {} }, { 'a/b': 5 }]) {
    assert.ok('mistake' in json('net_prio.ifpriomap', wrong), JSON.stringify(wrong));
  }
  for (const wrong of [
    { '8:0': { toString: 1 } },
    { '8:0': { __proto__: [] } },
    { '8:0': 5 },
    { '8:0': { constructor: 1 } },
  ]) {
    const parsed = json('io.cost_qos', wrong);
    assert.ok(
      'mistake' in parsed || ('value' in parsed && JSON.stringify(wrong) === '{"8:0":{}}'),
      JSON.stringify(wrong),
    );
  }
});

test('growing and shrinking', () => {
  const number: ValueType = { kind: 'int', min: 0, max: 9 };
  const list: ValueType = { kind: 'list', of: 'cpu' };
  assert.equal(growth(number, 1, NONE), 'grows');
  assert.equal(growth(number, NONE, 1), 'shrinks');
  assert.equal(growth(number, 1, 1), 'same');
  assert.equal(growth({ kind: 'bool' }, false, true), 'grows');
  assert.equal(growth({ kind: 'bool' }, true, false), 'shrinks');
  assert.equal(growth(list, [0], [0, 1]), 'grows');
  assert.equal(growth(list, [0, 1], [1]), 'shrinks');
  assert.equal(growth(list, [0, 1], [1, 0]), 'same');
  assert.equal(growth(list, [0, 1], [1, 2]), 'grows');
});

test('bounds of others are warnings', () => {
  assert.match(warningsOf(knob('memory.max').type, MiB).join(), /6 MiB/);
  assert.match(warningsOf(knob('memory.swappiness').type, 150).join(), /100/);
  assert.deepEqual(warningsOf(knob('memory.max').type, NONE), []);
});

test('every type says in words what it takes', () => {
  for (const { knob } of defaultRegistry.allKnobs()) {
    assert.doesNotMatch(describeType(knob.type), /undefined|\[object|Infinity|NaN/, knob.key);
  }
  assert.equal(describeType(knob('cpu.shares').type), '2..262144 shares');
  assert.equal(describeType(knob('cpu.uclamp_min').type), '0..100% or max');
});
