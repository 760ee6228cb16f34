import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { applySteps, type Journal, undo } from '../../src/control/apply.ts';
import { plan } from '../../src/control/plan.ts';
import { machineOf, parseSpec, withCreateDefaults } from '../../src/control/spec.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { CgError } from '../../src/errors.ts';
import { childId, parentId, ROOT } from '../../src/hierarchy/id.ts';
import { pick } from '../../src/hierarchy/locate.ts';
import type { CgroupId } from '../../src/hierarchy/types.ts';
import { directoriesOf, mountOf, realKernel } from '../support/host.ts';
import { holdRoot } from '../support/root.ts';
import { bench, contents, failingAt, type Given } from './support.ts';

const V1 = ['cpu', 'memory', 'cpuset', 'blkio', 'pids'];
const TEN: Given = {
  'cpu-shares': '512',
  memory: '256m',
  'memory-swap': '512m',
  cpus: '1.5',
  'cpu-burst': '20000',
  'cpuset-cpus': '0',
  'blkio-weight': '300',
  'pids-limit': '200',
  'memory-reservation': '128m',
  'memory-swappiness': '10',
  'cpuset-memory-migrate': 'true',
};

const read = (controller: string, id: string, file: string): string =>
  readFileSync(join(mountOf(controller), id, file), 'utf8').trim();

realKernel(
  'one set with ten flags writes ten files and more, memory before swap when lowering, quota before burst when raising',
  async (t) => {
    const { set, id } = await bench(t);
    const { steps } = await set(TEN);
    const files = steps.map((step) => step.file ?? '');
    assert.ok(new Set(files).size >= 10, files.join(' '));
    const at = (file: string): number => files.indexOf(file);
    assert.ok(at('memory.limit_in_bytes') < at('memory.memsw.limit_in_bytes'));
    assert.ok(at('cpu.cfs_quota_us') < at('cpu.cfs_burst_us'));
    assert.equal(read('memory', id, 'memory.memsw.limit_in_bytes'), String(512 * 2 ** 20));
    assert.equal(read('cpu', id, 'cpu.shares'), '512');

    const raised = await set({ memory: '1g', 'memory-swap': '2g' });
    assert.deepEqual(
      raised.steps.map((step) => step.file),
      ['memory.memsw.limit_in_bytes', 'memory.limit_in_bytes'],
    );
    const lowered = await set({ 'cpu-burst': '1000', 'cpu-quota': '2000' });
    assert.deepEqual(
      lowered.steps.map((step) => step.file),
      ['cpu.cfs_burst_us', 'cpu.cfs_quota_us'],
    );
  },
  V1,
);

realKernel(
  'a dry run lists every write with its reason and touches nothing',
  async (t) => {
    const { set, id } = await bench(t);
    const before = contents(id);
    const { steps, dryRun } = await set(TEN, { dryRun: true });
    assert.equal(dryRun, true);
    assert.ok(steps.length >= 10);
    for (const step of steps) assert.ok(step.why.length > 0 && step.path.startsWith('/') && step.text !== undefined);
    assert.deepEqual(contents(id), before);
  },
  V1,
);

realKernel(
  'a child’s cpuset in the way: the kernel answers EBUSY and all is as before',
  async (t) => {
    const { set, create, id } = await bench(t);
    const child = childId(id, 'child');
    await create(child, { 'cpuset-cpus': '0-1' });
    const before = contents(id);
    await assert.rejects(set(TEN), (error) => {
      assert.ok(error instanceof CgError);
      assert.equal(error.code, 'KERNEL');
      assert.match(error.message, /cpuset\.cpus: EBUSY: a child uses what would be taken away/);
      assert.match(error.message, /steps before it were undone/);
      return true;
    });
    assert.deepEqual(contents(id), before);
  },
  V1,
);

realKernel(
  'a quota above the parent’s: the kernel answers EINVAL, either order was tried, all is as before',
  async (t) => {
    const { set, create, change, request, id } = await bench(t);
    await set({ cpus: '0.5' });
    const child = childId(id, 'child');
    await create(child);
    const before = contents(id);
    const asked = request(
      { 'pids-limit': '50', 'cpu-shares': '2048', cpus: '0.9', memory: '64m', 'memory-swap': '64m' },
      { id: child },
    );
    await assert.rejects(change([asked]), (error) => {
      assert.ok(error instanceof CgError);
      assert.equal(error.code, 'KERNEL');
      assert.match(error.message, /cpu\.cfs_quota_us: EINVAL: .*exceeds the parent/);
      return true;
    });
    assert.deepEqual(contents(id), before);
  },
  V1,
);

realKernel(
  'a refusal at any step, directories included, leaves everything as it was',
  async (t) => {
    const { host, set, create, change, request, id } = await bench(t);
    await set({
      memory: '1g',
      'memory-swap': '2g',
      'cpu-quota': '50000',
      'cpu-burst': '10000',
      'cpu-shares': '700',
      'cpu-idle': 'false',
    });
    const before = contents(id);
    const total = (await set(TEN, { dryRun: true })).steps.length;
    assert.ok(total >= 10);
    for (let n = 0; n < total; n++) {
      await assert.rejects(set(TEN, {}, failingAt(host, n)), /EIO/);
      assert.deepEqual(contents(id), before, `after a refusal at step ${n}`);
    }
    const deep = childId(childId(id, 'a'), 'b');
    const planned = (await change([request({ 'cpu-shares': '9' }, { id: deep, create: true })], { dryRun: true })).steps
      .length;
    for (let n = 0; n < planned; n++) {
      await assert.rejects(
        change([request({ 'cpu-shares': '9' }, { id: deep, create: true })], {}, failingAt(host, n)),
        /EIO/,
      );
      assert.deepEqual(contents(id), before, `after a refusal at step ${n} of the making`);
    }
    await create(deep);
  },
  V1,
);

realKernel(
  'whatever legal values are set and then undone: the files’ bytes are restored',
  async (t) => {
    const { host, set, id } = await bench(t);
    const MiB = 2 ** 20;
    const given = fc.record(
      {
        'cpu-shares': fc.integer({ min: 2, max: 262144 }).map(String),
        'cpu-period': fc.integer({ min: 1000, max: 1_000_000 }).map(String),
        'cpu-quota': fc.oneof(fc.constant('-1'), fc.integer({ min: 1000, max: 10_000_000 }).map(String)),
        'cpu-burst': fc.integer({ min: 0, max: 900 }).map(String),
        'cpu-idle': fc.constantFrom('true', 'false'),
        memory: fc.oneof(
          fc.constant('max'),
          fc.integer({ min: 8, max: 4096 }).map((n) => `${n}m`),
        ),
        'memory-swap': fc.oneof(
          fc.constant('max'),
          fc.integer({ min: 4096, max: 8192 }).map((n) => String(n * MiB)),
        ),
        'memory-reservation': fc.integer({ min: 1, max: 4096 }).map((n) => `${n}m`),
        'memory-swappiness': fc.integer({ min: 0, max: 200 }).map(String),
        'oom-kill-disable': fc.constantFrom('true', 'false'),
        'cpuset-cpus': fc.constantFrom('0', '1', '0-1'),
        'cpuset-cpu-exclusive': fc.constant('false'),
        'blkio-weight': fc.integer({ min: 1, max: 1000 }).map(String),
        'pids-limit': fc.oneof(fc.constant('max'), fc.integer({ min: 1, max: 30000 }).map(String)),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(given, given, async (first, second) => {
        const legal = (g: Given) => !(g['cpu-idle'] === 'true' && g['cpu-shares'] !== undefined);
        fc.pre(legal(first) && legal(second));
        await set({ 'cpu-idle': 'false', 'cpu-burst': '0', ...dropUndefined(first) }).catch(refusedAsWrong);
        const before = contents(id);
        const { values } = parseSpec(defaultRegistry, dropUndefined(second), machineOf(host));
        const journal: Journal = [];
        try {
          applySteps(host, defaultRegistry, plan(host, defaultRegistry, [{ id, values }]).steps, journal);
        } catch (error) {
          refusedAsWrong(error);
        }
        assert.deepEqual(undo(host, journal), []);
        assert.deepEqual(contents(id), before);
      }),
      { numRuns: 120 },
    );

    /** Values that do not go together are refused whole; anything else is a failure. */
    function refusedAsWrong(error: unknown): void {
      if (!(error instanceof CgError) || (error.code !== 'VALUE' && error.code !== 'REFUSED')) throw error;
    }
    function dropUndefined(g: Given): Given {
      return Object.fromEntries(Object.entries(g).filter(([, v]) => v !== undefined));
    }
  },
  V1,
);

realKernel(
  'setting one device leaves the others, 0 takes it out',
  async (t) => {
    const { set, id, host } = await bench(t);
    const [disk] = host.devices.disks();
    assert.ok(disk, 'a disk');
    await set({ 'device-read-bps': [`${disk.majMin}:30MB`], 'device-write-iops': [`/dev/${disk.name}:500`] });
    assert.equal(read('blkio', id, 'blkio.throttle.read_bps_device'), `${disk.majMin} ${30 * 2 ** 20}`);
    const other = host.devices.disks().find((d) => d.majMin !== disk.majMin);
    if (other) {
      await set({ 'device-read-bps': [`${other.majMin}:1m`] });
      assert.match(
        read('blkio', id, 'blkio.throttle.read_bps_device'),
        new RegExp(`^${disk.majMin} ${30 * 2 ** 20}$`, 'm'),
      );
      await set({ 'device-read-bps': [`${other.majMin}:0`] });
    }
    await set({ 'device-read-bps': [`${disk.name}:0`] });
    assert.equal(read('blkio', id, 'blkio.throttle.read_bps_device'), '');
    assert.equal(read('blkio', id, 'blkio.throttle.write_iops_device'), `${disk.majMin} 500`);
  },
  V1,
);

realKernel(
  'idle resets the weight: it is asked for again when idle ends, and undone with it',
  async (t) => {
    const { host, set, id } = await bench(t);
    await set({ 'cpu-shares': '512' });
    await assert.rejects(set({ 'cpu-idle': 'true', 'cpu-shares': '700' }), /refuses it while cpu\.idle is true/);
    await set({ 'cpu-idle': 'true' });
    assert.equal(read('cpu', id, 'cpu.idle'), '1');
    const back = await set({ 'cpu-idle': 'false' });
    assert.deepEqual(
      back.steps.map((step) => step.file),
      ['cpu.idle', 'cpu.shares'],
    );
    assert.equal(read('cpu', id, 'cpu.shares'), '512');
    // the write after cpu.idle fails: the weight must be there again
    await assert.rejects(set({ 'cpu-idle': 'true', 'pids-limit': '77' }, {}, failingAt(host, 1)), /EIO/);
    assert.equal(read('cpu', id, 'cpu.shares'), '512');
  },
  V1,
);

realKernel(
  'what was asked for is the base of a relative change',
  async (t) => {
    const { set, id } = await bench(t);
    await set({ memory: '100m', 'cpu-shares': '1000' });
    await set({ 'cpu-shares': '+10%', memory: '-36m' });
    assert.equal(read('cpu', id, 'cpu.shares'), '1100');
    assert.equal(read('memory', id, 'memory.limit_in_bytes'), String(64 * 2 ** 20));
    await assert.rejects(set({ 'pids-limit': '+10%' }), /no limit now to change by an amount/);
  },
  V1,
);

realKernel(
  'a value above or below its partner that stays is told with both numbers, and nothing is written',
  async (t) => {
    const { set, id } = await bench(t);
    await set({ memory: '64m', 'memory-swap': '128m', 'cpu-quota': '50000', 'cpu-burst': '40000' });
    const before = contents(id);
    await assert.rejects(set({ memory: '1g', 'cpu-quota': '20000', 'cpu-shares': '3' }), (error) => {
      assert.ok(error instanceof CgError);
      assert.equal(error.code, 'VALUE');
      assert.match(error.message, /--memory 1g is above --memory-swap, which is 128m/);
      assert.match(error.message, /--cpu-quota 20000 is below --cpu-burst, which is 40000/);
      return true;
    });
    assert.deepEqual(contents(id), before);
    const unlimited = await set({ memory: 'max' });
    assert.deepEqual(
      unlimited.steps.map((step) => step.file),
      ['memory.memsw.limit_in_bytes', 'memory.limit_in_bytes'],
    );
  },
  V1,
);

realKernel(
  'parents make room before their children, and children draw in before their parents',
  async (t) => {
    const { change, request, create, id } = await bench(t);
    const child = childId(id, 'child');
    await create(child);
    const both = (given: Given) => [request(given), request(given, { id: child })];
    const groups = async (given: Given) =>
      (await change(both(given))).steps.filter((s) => s.file === 'cpuset.cpus').map((s) => s.cgroup);
    assert.deepEqual(await groups({ 'cpuset-cpus': '0' }), [child, id]);
    assert.deepEqual(await groups({ 'cpuset-cpus': '0-1' }), [id, child]);
  },
  V1,
);

realKernel('a new group that turns out to lack what was asked for is taken away again', async (t) => {
  const { host, id, create } = await bench(t);
  // that the kernel has no such file shows only once the group is there
  const lacking = defaultRegistry.allKnobs().find(({ controller, knob }) => {
    const found = pick(host.reader, id, controller, knob);
    return 'absent' in found && found.code === 'no-file' && knob.flag !== undefined && 'min' in knob.type;
  });
  assert.ok(lacking, 'no kernel has everything');
  const { key, type } = lacking.knob;
  const made = childId(id, 'made');
  await assert.rejects(create(made, { [key]: 'min' in type ? String(type.min) : '' }), { code: 'ABSENT' });
  assert.deepEqual(directoriesOf(made), []);
});

realKernel(
  'device rules cannot be undone: they need consent, go last, and are marked',
  async (t) => {
    const { set, id } = await bench(t);
    // one is declared before, the other after
    const given = { 'pids-limit': '9', 'device-deny': ['c 1:3 w'], 'notify-on-release': 'true' };
    await assert.rejects(set(given), (error) => error instanceof CgError && error.code === 'CONSENT');
    assert.equal(read('pids', id, 'pids.max'), 'max');
    const { steps } = await set(given, { yes: true });
    const last = steps.at(-1);
    assert.deepEqual([last?.file, last?.irreversible], ['devices.deny', true]);
    const others = steps.slice(0, -1);
    assert.deepEqual([...new Set(others.map(({ file }) => file))], ['pids.max', 'notify_on_release']);
    assert.ok(others.every(({ irreversible }) => irreversible !== true));
    const asked: string[] = [];
    await set({ 'device-deny': ['c 1:5 w'] }, { confirm: async (question) => asked.push(question) > 0 });
    assert.match(asked[0] ?? '', /cannot be undone: "c 1:5 w"/);
  },
  [...V1, 'devices'],
);

realKernel(
  'a group that is not there is not made by set, and one removed meanwhile is told',
  async (t) => {
    const { set, id } = await bench(t, { existing: false });
    await assert.rejects(set({ 'cpu-shares': '3' }), (error) => error instanceof CgError && error.code === 'NOT_FOUND');
    assert.equal(contents(id).size, 0);
  },
  V1,
);

realKernel(
  'create fills v1 cpusets on the way down and follows Docker in doubling memory for swap',
  async (t) => {
    const { change, request, id } = await bench(t, { existing: false });
    const asked = request({ memory: '64m' });
    await change([{ ...asked, values: withCreateDefaults(defaultRegistry, asked.values), create: true }]);
    assert.equal(read('memory', id, 'memory.memsw.limit_in_bytes'), String(128 * 2 ** 20));
    assert.equal(read('cpuset', id, 'cpuset.cpus'), read('cpuset', '/', 'cpuset.cpus'));
    assert.notEqual(read('cpuset', id, 'cpuset.mems'), '');
  },
  V1,
);

realKernel(
  'v2 controllers are enabled in the ancestors as part of the change, and disabled again when it fails',
  async (t) => {
    const { host, set, id } = await bench(t);
    await holdRoot(t);
    const top = parentId(id);
    assert.ok(top);
    const enabled = (group: CgroupId) =>
      readFileSync(join(mountOf('cgroup2'), group, 'cgroup.subtree_control'), 'utf8').trim();
    const offered = 'hugetlb';
    const given = { 'hugetlb-limit': ['2MB:4m'] };
    const { steps } = await set(given, { dryRun: true });
    const kinds = steps.map((step) => step.kind);
    assert.deepEqual(kinds, [...(enabled(ROOT).includes(offered) ? [] : ['enable']), 'enable', 'write']);
    for (const n of kinds.keys()) {
      await assert.rejects(set(given, {}, failingAt(host, n)), /EIO/);
      assert.equal(enabled(top), '', `after a refusal at step ${n}`);
    }
    await set(given);
    assert.equal(readFileSync(join(mountOf('cgroup2'), id, 'hugetlb.2MB.max'), 'utf8').trim(), String(4 * 2 ** 20));
  },
  ['cgroup2:hugetlb'],
);
