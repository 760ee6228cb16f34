/** What the declarations make of real kernel text: see test/fixtures/controllers/README.md. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileFor, ONLY, tokens } from '../../src/control/shape.ts';
import { decodeKnob } from '../../src/control/view.ts';
import type { Dialect, Slot, Value } from '../../src/controllers/controller.ts';
import { alternatives } from '../../src/controllers/controller.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import type { KnobEntry } from '../../src/controllers/registry.ts';
import { decodeDefault, type Json, valueToJson } from '../../src/controllers/types.ts';
import { keysOf } from '../../src/hierarchy/locate.ts';
import { fixture, fixturePath } from '../support/files.ts';

test('a new group on v1', () => {
  assert.deepEqual(shown('v1-new', 'v1'), {
    'cpu.idle': false,
    'cpu.shares': 1024,
    'cpu.period': 100000,
    'cpu.quota': 'max',
    'cpu.burst': 0,
    'cpu.rt_period': 1000000,
    'cpu.rt_runtime': 0,
    'memory.max': 'max',
    'memory.swap': 'max',
    'memory.low': 'max',
    'memory.swappiness': 60,
    'memory.oom_kill_disable': false,
    'memory.kmem': 'max',
    'memory.kmem_tcp': 'max',
    'memory.use_hierarchy': true,
    'io.blkio_weight': 100,
    'io.blkio_weight_device': {},
    'io.read_bps': {},
    'io.write_bps': {},
    'io.read_iops': {},
    'io.write_iops': {},
    'cpuset.memory_migrate': false,
    'cpuset.cpus': [],
    'cpuset.mems': [],
    'cpuset.effective_cpus': [],
    'cpuset.effective_mems': [],
    'cpuset.cpu_exclusive': false,
    'cpuset.mem_exclusive': false,
    'cpuset.mem_hardwall': false,
    'cpuset.spread_page': false,
    'cpuset.spread_slab': false,
    'cpuset.sched_load_balance': true,
    'cpuset.sched_relax_domain_level': -1,
    'pids.max': 'max',
    'freezer.state': 'thawed',
    'freezer.self_freezing': false,
    'freezer.parent_freezing': false,
    'core.notify_on_release': false,
    'core.clone_children': false,
  });
});

test('a group on v1 with values set', () => {
  assert.deepEqual(shown('v1-set', 'v1'), {
    'cpu.idle': false,
    'cpu.shares': 512,
    'cpu.period': 100000,
    'cpu.quota': 150000,
    'cpu.burst': 30000,
    'cpu.rt_period': 1000000,
    'cpu.rt_runtime': 5000,
    'memory.max': 268435456,
    'memory.swap': 536870912,
    'memory.low': 134217728,
    'memory.swappiness': 20,
    'memory.oom_kill_disable': true,
    'memory.kmem': 'max',
    'memory.kmem_tcp': 1048576,
    'memory.use_hierarchy': true,
    'io.blkio_weight': 300,
    'io.blkio_weight_device': {},
    'io.read_bps': { '254:0': 31457280 },
    'io.write_bps': {},
    'io.read_iops': {},
    'io.write_iops': { '254:0': 500 },
    'cpuset.memory_migrate': true,
    'cpuset.cpus': [0, 1],
    'cpuset.mems': [0],
    'cpuset.effective_cpus': [0, 1],
    'cpuset.effective_mems': [0],
    'cpuset.cpu_exclusive': false,
    'cpuset.mem_exclusive': false,
    'cpuset.mem_hardwall': false,
    'cpuset.spread_page': true,
    'cpuset.spread_slab': false,
    'cpuset.sched_load_balance': true,
    'cpuset.sched_relax_domain_level': -1,
    'pids.max': 200,
    'freezer.state': 'frozen',
    'freezer.self_freezing': true,
    'freezer.parent_freezing': false,
    'core.notify_on_release': true,
    'core.clone_children': false,
  });
});

test('a new group on the unified mount of a hybrid host', () => {
  assert.deepEqual(shown('hybrid-new', 'v2'), {
    'freezer.state': 'thawed',
    'psi.enabled': true,
    'core.max_depth': 'max',
    'core.max_descendants': 'max',
    'core.type': 'domain',
    'core.controllers': '',
    'core.subtree_control': '',
  });
});

test('a group on the unified mount of a hybrid host, with values set', () => {
  assert.deepEqual(shown('hybrid-set', 'v2'), {
    'freezer.state': 'frozen',
    'psi.enabled': true,
    'core.max_depth': 3,
    'core.max_descendants': 'max',
    'core.type': 'domain',
    'core.controllers': '',
    'core.subtree_control': '',
  });
});

test('a new group on v2', () => {
  assert.deepEqual(shown('v2-new', 'v2'), {
    'cpu.idle': false,
    'cpu.shares': 1024,
    'cpu.weight': 100,
    'cpu.nice': 0,
    'cpu.period': 100000,
    'cpu.quota': 'max',
    'cpu.burst': 0,
    'memory.max': 'max',
    'memory.swap': 'max',
    'memory.low': 0,
    'memory.min': 0,
    'memory.high': 'max',
    'memory.swap_high': 'max',
    'memory.oom_group': false,
    'memory.zswap_max': 'max',
    'io.blkio_weight': 100,
    'io.blkio_weight_device': {},
    'io.weight': 100,
    'io.read_bps': {},
    'io.write_bps': {},
    'io.read_iops': {},
    'io.write_iops': {},
    'cpuset.cpus': [],
    'cpuset.mems': [],
    'cpuset.effective_cpus': [0, 1, 2, 3],
    'cpuset.effective_mems': [0, 1],
    'cpuset.partition': 'member',
    'pids.max': 'max',
    'freezer.state': 'thawed',
    'hugetlb.max': { '1GB': 'max', '2MB': 'max' },
    'hugetlb.rsvd_max': { '1GB': 'max', '2MB': 'max' },
    'rdma.max': {},
    'misc.max': {},
    'psi.enabled': true,
    'core.max_depth': 'max',
    'core.max_descendants': 'max',
    'core.type': 'domain',
    'core.controllers': 'cpuset cpu io memory hugetlb pids rdma misc',
    'core.subtree_control': '',
  });
});

test('a group on v2 with values set', () => {
  assert.deepEqual(shown('v2-set', 'v2'), {
    'cpu.idle': false,
    'cpu.shares': 521,
    'cpu.weight': 59,
    'cpu.nice': 2,
    'cpu.period': 100000,
    'cpu.quota': 150000,
    'cpu.burst': 30000,
    'memory.max': 268435456,
    'memory.swap': 536870912,
    'memory.low': 134217728,
    'memory.min': 67108864,
    'memory.high': 199999488,
    'memory.swap_high': 134217728,
    'memory.oom_group': true,
    'memory.zswap_max': 1048576,
    'io.blkio_weight': 250,
    'io.blkio_weight_device': {},
    'io.weight': 200,
    'io.read_bps': { '254:16': 1048576, '254:0': 31457280 },
    'io.write_bps': {},
    'io.read_iops': {},
    'io.write_iops': { '254:0': 500 },
    'io.cost_qos': {
      '254:0': { enable: 1, ctrl: 'auto', rpct: 0, rlat: 250000, wpct: 0, wlat: 250000, min: 1, max: 10000 },
    },
    'io.cost_model': {
      '254:0': {
        ctrl: 'auto',
        model: 'linear',
        rbps: 174019176,
        rseqiops: 41708,
        rrandiops: 370,
        wbps: 178075866,
        wseqiops: 42705,
        wrandiops: 378,
      },
    },
    'cpuset.cpus': [0, 1],
    'cpuset.mems': [1],
    'cpuset.effective_cpus': [0, 1],
    'cpuset.effective_mems': [1],
    'cpuset.partition': 'member',
    'pids.max': 200,
    'freezer.state': 'frozen',
    'hugetlb.max': { '1GB': 'max', '2MB': 536870912 },
    'hugetlb.rsvd_max': { '1GB': 'max', '2MB': 4194304 },
    'rdma.max': {},
    'misc.max': {},
    'psi.enabled': false,
    'core.max_depth': 3,
    'core.max_descendants': 10,
    'core.type': 'domain',
    'core.controllers': 'cpuset cpu io memory hugetlb pids rdma misc',
    'core.subtree_control': '',
  });
});

test('an idle group on v2, which has no shares, and a partition that the kernel calls invalid', () => {
  assert.deepEqual(shown('v2-idle', 'v2'), {
    'cpu.idle': true,
    'cpu.weight': 0,
    'cpu.nice': 19,
    'cpuset.partition': 'root invalid (cpuset.cpus is empty)',
  });
});

test('the device rules of a group on v1', () => {
  const rules = defaultRegistry.findKnob('devices.allow')?.knob.type ?? assert.fail();
  assert.deepEqual(decodeDefault(rules, fixture('controllers/v1-new/devices.list')), ['a *:* rwm']);
  assert.deepEqual(decodeDefault(rules, fixture('controllers/v1-set/devices.list')), ['c 1:3 rwm', 'b 254:* r']);
});

/** Every knob that the captured group has, as JSON. */
function shown(group: string, dialect: Dialect): Record<string, Json> {
  const values = new Map<string, Json>();
  for (const entry of defaultRegistry.allKnobs()) {
    const value = valueIn(group, dialect, entry);
    if (value !== undefined) values.set(entry.knob.key, valueToJson(value));
  }
  return Object.fromEntries(values);
}

function valueIn(group: string, dialect: Dialect, entry: KnobEntry): Value | undefined {
  const names = readdirSync(fixturePath(`controllers/${group}`));
  for (const slot of alternatives(entry.knob[dialect])) {
    const raw = textsOf(group, slot, names);
    const need = (key: string): Value | undefined => {
      const other = defaultRegistry.findKnob(key);
      return other && valueIn(group, dialect, other);
    };
    if (raw !== undefined) return decodeKnob(entry, slot, raw, need);
  }
  return undefined;
}

function textsOf(group: string, slot: Slot, names: readonly string[]): ReadonlyMap<string, string> | undefined {
  const read = (file: string) => tokens(slot, fixture(`controllers/${group}/${file}`));
  if (!slot.file.includes('{key}')) return names.includes(slot.file) ? read(slot.file) : undefined;
  const keys = keysOf(names, slot.file);
  return keys.length === 0 ? undefined : new Map(keys.map((key) => [key, read(fileFor(slot, key)).get(ONLY) ?? '']));
}
