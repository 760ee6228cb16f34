import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { BOUNDS, Sampler, type SamplerOptions } from '../../src/monitor/sampler.ts';
import { figures, look } from '../../src/monitor/stats.ts';
import { Tree } from '../../src/monitor/tree.ts';
import type { Snapshot } from '../../src/protocol/snapshot.ts';
import { atEnd, cgroupMounts, mountOf, realKernel, scratch, spawnBusy, spawnFor, until } from '../support/host.ts';
import { holdRoot } from '../support/root.ts';

function samplerFor(t: TestContext, options: SamplerOptions = {}): Sampler {
  const sampler = new Sampler(openHost({ readOnly: true }), defaultRegistry, options);
  t.after(() => sampler.close());
  return sampler;
}

const rowOf = (snapshot: Snapshot, id: string) => snapshot.rows.findIndex((row) => row.id === id);

/** Files of a group that this process has open. */
const heldBelow = (path: string) =>
  readdirSync('/proc/self/fd')
    .map((fd) => `/proc/self/fd/${fd}`)
    .filter((link) => lstatSync(link, { throwIfNoEntry: false }) !== undefined) // the listing's own is gone
    .map((link) => readlinkSync(link))
    .filter((file) => file.includes(`${path}/`));

/** A figure by the name of its metric; undefined when the group or the metric is not there. */
const figure = (snapshot: Snapshot, id: string, metric: string) => snapshot.columns.get(metric)?.[rowOf(snapshot, id)];

realKernel(
  'the rate of a busy group is what its usage grows by, up to one CPU for one process',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cpuacct'), path);
    mkdirSync(group);
    const sampler = samplerFor(t);
    const { pid } = await spawnBusy(t);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    const usage = () => Number(readFileSync(join(group, 'cpuacct.usage'), 'utf8')) / 1e9;
    /** Usage and time before a look and after it: it reads somewhere in between. */
    const bracketed = async () => {
      const [from, low] = [performance.now() / 1000, usage()];
      const seen = await look(sampler);
      return { from, low, seen, high: usage(), to: performance.now() / 1000 };
    };
    const first = await bracketed();
    await until(() => usage() - first.high > 0.5);
    const second = await bracketed();
    const [before, after] = [first.seen, second.seen];

    const rate = after.snapshot.rates.get('cpu_usage_seconds_total')?.[rowOf(after.snapshot, path)] ?? Number.NaN;
    const least = (second.low - first.high) / (second.to - first.from);
    const most = (second.high - first.low) / (second.from - first.to);
    assert.ok(rate >= least && rate <= most, `${rate}, not in ${least}..${most}`);
    assert.ok(rate < 1.1, `${rate} CPUs for one process`);
    assert.ok(Number.isNaN(before.snapshot.rates.get('cpu_usage_seconds_total')?.[rowOf(before.snapshot, path)]));

    const docker = figures(defaultRegistry, before, after).find(({ row }) => row.id === path);
    assert.ok(docker && docker.cpuPercent > 0);
    assert.deepEqual([docker.memoryBytes, docker.pids], [Number.NaN, Number.NaN], 'not in those hierarchies');
  },
  ['cpuacct'],
);

realKernel(
  'memory and its limit are what the files say, and no limit is Infinity',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(group);
    const holder = await spawnFor(
      t,
      'node',
      '-e',
      'const held = Buffer.alloc(32 << 20, 1); setInterval(() => held[0], 1000)',
    );
    writeFileSync(join(group, 'cgroup.procs'), String(holder.pid));
    const usage = () => Number(readFileSync(join(group, 'memory.usage_in_bytes'), 'utf8'));
    await until(() => usage() > 32 << 20);
    const sampler = samplerFor(t);
    let snapshot = await sampler.sample();
    const seen = figure(snapshot, path, 'memory_usage_bytes') ?? Number.NaN;
    assert.ok(Math.abs(seen / usage() - 1) < 0.5, `${seen} beside ${usage()}`);
    assert.equal(figure(snapshot, path, 'memory_limit_bytes'), Number.POSITIVE_INFINITY);
    assert.ok(Number.isNaN(figure(snapshot, '/', 'memory_limit_bytes')), 'the root has no limit to read');
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(512 << 20));
    sampler.invalidate(path, 'memory.limit_in_bytes');
    snapshot = await sampler.sample();
    assert.equal(figure(snapshot, path, 'memory_limit_bytes'), 512 << 20);
    assert.equal(snapshot.errors.size, 0);
  },
  ['memory'],
);

realKernel(
  'a quota of none is Infinity, another one is seconds',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cpu'), path);
    mkdirSync(group);
    const sampler = samplerFor(t);
    assert.equal(figure(await sampler.sample(), path, 'cpu_quota_seconds'), Number.POSITIVE_INFINITY);
    writeFileSync(join(group, 'cpu.cfs_quota_us'), '50000');
    sampler.invalidate(path);
    assert.equal(figure(await sampler.sample(), path, 'cpu_quota_seconds'), 0.05);
  },
  ['cpu'],
);

realKernel('a removed group has no row, keeps no descriptor, and one made again has no rates', async (t) => {
  const { path, cleanup } = scratch(t);
  const sampler = samplerFor(t);
  const make = () => {
    for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
  };
  make();
  await sampler.sample();
  await sleep(250);
  const alive = await sampler.sample();
  const rates = (snapshot: Snapshot) =>
    [...snapshot.rates.values()].filter((rate) => !Number.isNaN(rate[rowOf(snapshot, path)] ?? Number.NaN)).length;
  assert.ok(rates(alive) > 0);
  cleanup();
  make();
  const again = await sampler.sample();
  assert.notEqual(again.rows[rowOf(again, path)]?.generation, alive.rows[rowOf(alive, path)]?.generation);
  assert.equal(rates(again), 0);
  cleanup();
  const gone = await sampler.sample();
  assert.equal(rowOf(gone, path), -1);
  assert.deepEqual(heldBelow(path), []);
  assert.equal(gone.errors.size, 0);
});

realKernel('those who ask at once share one sample, and a recent one serves', async (t) => {
  const sampler = samplerFor(t);
  const [a, b, c] = await Promise.all([sampler.latest(0), sampler.latest(0), sampler.sample()]);
  assert.ok(a === b && b === c);
  assert.equal(await sampler.latest(60_000), a);
  const later = await sampler.latest(-1);
  assert.deepEqual([later.seq, later === a], [a.seq + 1, false]);
});

realKernel('subscribers get snapshots for as long as they want, and nobody else makes it sample', async (t) => {
  const sampler = samplerFor(t);
  let fast = 0;
  let slow = 0;
  const endFast = sampler.subscribe(20, () => fast++);
  const endSlow = sampler.subscribe(100_000, () => slow++);
  await until(() => fast >= 5);
  assert.equal(slow, 1);
  endFast();
  endSlow();
  const { snapshots, subscribers } = sampler.status();
  await sleep(60);
  assert.deepEqual([sampler.status().snapshots - snapshots <= 1, subscribers], [true, 0]);
});

realKernel('the budget bounds the descriptors, and the figures do not depend on it', async (t) => {
  const { path } = scratch(t);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const [wide, narrow] = [samplerFor(t), samplerFor(t, { budget: 3 })];
  const [a, b] = [await wide.sample(), await narrow.sample()];
  assert.equal(narrow.status().descriptors, 3);
  assert.ok(wide.status().descriptors > 3);
  const settled = (snapshot: Snapshot) =>
    [...snapshot.columns].map(([name, column]) => [name, column[rowOf(snapshot, path)]]);
  assert.deepEqual(settled(a), settled(b));
  await wide.close();
  await narrow.close();
  assert.equal(open(), before);
});

realKernel('a group that vanishes between two looks at it is no error', async (t) => {
  const { path, cleanup } = scratch(t);
  const sampler = samplerFor(t);
  const stop = { now: false };
  atEnd(t, () => {
    stop.now = true;
  });
  const churn = (async () => {
    for (let round = 0; round < 40 && !stop.now; round++) {
      for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
      await new Promise((resolve) => setImmediate(resolve));
      cleanup();
    }
  })();
  for (let round = 0; round < 10; round++) assert.deepEqual([...(await sampler.sample()).errors], []);
  await churn;
});

realKernel('a group in which nothing moves is not read in full each time, and its age shows', async (t) => {
  const { path } = scratch(t);
  const group = join(mountOf('cpuacct'), path);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
  const sampler = samplerFor(t);
  const age = (snapshot: Snapshot) => snapshot.staleness[rowOf(snapshot, path)] ?? Number.NaN;
  const first = await sampler.sample();
  assert.equal(age(first), 0);
  // Made just now it has moved, and then is looked at once more.
  await sampler.sample();
  await sleep(50);
  const idle = await sampler.sample();
  assert.ok(age(idle) >= 0.05, `${age(idle)}`);
  const labels = (snapshot: Snapshot) => {
    const keyed = snapshot.keyed.get('cpu_percpu_usage_seconds_total');
    return keyed?.label.filter((_, at) => keyed.row[at] === rowOf(snapshot, path));
  };
  assert.deepEqual(labels(idle), labels(first), 'what was not read again is still there');
  assert.equal(age(await sampler.sample({ whole: true })), 0);
  const { pid } = await spawnBusy(t);
  writeFileSync(join(group, 'cgroup.procs'), String(pid));
  await until(async () => age(await sampler.sample()) === 0);
});

/** Time stands still from now on. @returns lets seconds pass */
function clockFor(t: TestContext): (seconds: number) => void {
  let now = performance.now();
  t.mock.method(performance, 'now', () => now);
  return (seconds) => {
    now += seconds * 1000;
  };
}

realKernel(
  'idle groups are read in turns, and none is older than it may be',
  async (t) => {
    const { path } = scratch(t);
    const count = 24;
    for (let at = 0; at < count; at++) mkdirSync(join(mountOf('cpuacct'), path, `g${at}`), { recursive: true });
    const sampler = samplerFor(t);
    const pass = clockFor(t);
    for (let at = 0; at < 24; at++) {
      pass(1);
      const { rows, staleness } = await sampler.sample();
      const ages = rows.flatMap(({ id }, row) => (id.startsWith(`${path}/`) ? [staleness[row] ?? Number.NaN] : []));
      assert.equal(ages.length, count);
      assert.ok(Math.max(...ages) <= BOUNDS.idle, `${ages}`);
      // Made just now they have moved, and then are looked at once more.
      if (at >= 2) assert.ok(ages.filter((age) => age === 0).length <= count / 2, `${ages}`);
    }
  },
  ['cpuacct'],
);

for (const [hierarchies, seldom] of [
  [['memory', 'cpuacct', 'pids'], true],
  [['memory'], false],
] as const) {
  realKernel(
    seldom
      ? 'what nothing else moves is read again more seldom than I/O and states'
      : 'where CPU time or tasks are not known, nothing is read more seldom than I/O and states',
    async (t) => {
      const { path } = scratch(t);
      for (const name of hierarchies) mkdirSync(join(mountOf(name), path), { recursive: true });
      const group = join(mountOf('memory'), path);
      const used = 'echo $$ >"$0/cgroup.procs" && head -c 20000000 /dev/zero | tail -c 20000000 >/dev/null';
      const sampler = samplerFor(t);
      const pass = clockFor(t);
      const look = async () => {
        const snapshot = await sampler.sample();
        return ['memory_usage_bytes', 'memory_peak_bytes'].map((metric) => figure(snapshot, path, metric));
      };
      const low = (usage = Number.NaN, peak = Number.NaN) => peak < 20_000_000 && peak >= usage;
      for (;;) {
        assert.equal(spawnSync('sh', ['-c', used, group]).status, 0);
        let [usage, most] = await look();
        // What has moved is read once more.
        for (let before: number | undefined; before !== usage; ) {
          before = usage;
          [usage, most] = await look();
        }
        // From now on it is read once in the whole time.
        pass(BOUNDS.still);
        const [settled] = await look();
        // To the present usage, which has long been less.
        writeFileSync(join(group, 'memory.max_usage_in_bytes'), '0');
        pass(BOUNDS.idle);
        const [still, peak] = await look();
        // What the processes leave behind is given back later, which moves it.
        if (settled !== usage || still !== usage) continue;
        assert.ok(Number(most) > 20_000_000);
        if (seldom) assert.equal(peak, most);
        else assert.ok(low(still, peak));
        break;
      }
      pass(BOUNDS.still);
      assert.ok(low(...(await look())));
    },
    hierarchies,
  );
}

realKernel(
  'groups below are counted at once, though nothing moves',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cgroup2'), path);
    mkdirSync(join(group, 'first'), { recursive: true });
    const sampler = samplerFor(t);
    const below = async () => figure(await sampler.sample(), path, 'descendants');
    for (let look = 0; look < 3; look++) assert.equal(await below(), 1);
    mkdirSync(join(group, 'first', 'second'));
    assert.equal(await below(), 2);
    rmdirSync(join(group, 'first', 'second'));
    assert.equal(await below(), 1);
  },
  ['cgroup2'],
);

realKernel(
  'settings are read again soon where nobody tells who writes them, and at once where somebody does',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(group);
    const [deaf, told] = [samplerFor(t), samplerFor(t, { writesAreTold: () => true })];
    const pass = clockFor(t);
    const limits = async () => {
      const snapshots = [await deaf.sample(), await told.sample()];
      return snapshots.map((snapshot) => figure(snapshot, path, 'memory_limit_bytes'));
    };
    const none = Number.POSITIVE_INFINITY;
    const written = 2 ** 30;
    assert.deepEqual(await limits(), [none, none]);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(written));
    pass(BOUNDS.setting);
    assert.deepEqual(await limits(), [written, none]);
    told.invalidate(path, 'memory.soft_limit_in_bytes');
    assert.deepEqual(await limits(), [written, written], 'one setting that is written may change others');
    writeFileSync(join(group, 'memory.limit_in_bytes'), '-1');
    pass(BOUNDS.told);
    assert.deepEqual(await limits(), [none, none]);
  },
  ['memory'],
);

realKernel(
  'the rate of a group that has stopped goes to 0',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cpuacct'), path);
    mkdirSync(group);
    const sampler = samplerFor(t);
    const { pid, child } = await spawnBusy(t);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    const rate = async () => {
      await sleep(250);
      const snapshot = await sampler.sample();
      const row = rowOf(snapshot, path);
      return ['cpu_usage_seconds_total', 'cpu_percpu_usage_seconds_total'].map(
        (name) => snapshot.rates.get(name)?.[row],
      );
    };
    await until(async () => (await rate()).every((value) => value !== undefined && value > 0.1));
    child.kill('SIGKILL');
    await until(async () => (await rate()).every((value) => value === 0));
  },
  ['cpuacct'],
);

realKernel('without the addon the figures are the same', async (t) => {
  const { path } = scratch(t);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
  const [plain, any] = [samplerFor(t, { native: undefined }), samplerFor(t)];
  const settled = async (sampler: Sampler) => {
    const snapshot = await sampler.sample();
    return [...snapshot.columns].map(([name, column]) => [name, column[rowOf(snapshot, path)]]);
  };
  assert.deepEqual(await settled(plain), await settled(any));
  assert.equal(plain.status().reader, 'plain');
});

realKernel('what the tree has not missed yet, but whose files are gone, has no row', async (t) => {
  const { path, cleanup } = scratch(t);
  for (const { point } of cgroupMounts()) {
    mkdirSync(join(point, path), { recursive: true });
    mkdirSync(join(point, path, 'child'), { recursive: true });
  }
  const host = openHost({ readOnly: true });
  const tree = new Tree(host);
  const sampler = samplerFor(t, { tree });
  const before = await sampler.sample();
  assert.ok(rowOf(before, `${path}/child`) > 0);
  const refresh = t.mock.method(tree, 'refresh', async () => undefined);
  cleanup();
  const { rows, errors, columns } = await sampler.sample({ whole: true });
  assert.deepEqual(
    rows.filter(({ id }) => id.startsWith(path)),
    [],
  );
  assert.equal(errors.size, 0);
  for (const column of columns.values()) assert.equal(column.length, rows.length);
  for (const row of rows) {
    const parent = rows[row.parent];
    assert.ok(parent === undefined ? row.parent === -1 : row.id.startsWith(parent.id));
  }
  refresh.mock.restore();
  const after = await sampler.sample();
  assert.equal(rowOf(after, path), -1);
  assert.equal(after.columns.get('processes')?.length, after.rows.length);
});

realKernel('with a history it looks by itself, and tells those who come later', async (t) => {
  const { path } = scratch(t);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
  const sampler = samplerFor(t, { history: { tick: 0.02, spacing: 0 } });
  const seen = () => sampler.history(['cpu_usage_seconds_total', 'pids'], 0, Date.now(), [path, '/']);
  await until(() => seen().some(({ id, points }) => id === path && points.length >= 3));
  assert.ok(sampler.status().historyBytes > 0);
  const off = samplerFor(t, { history: { tick: 0 } });
  await sleep(60);
  assert.equal(off.status().snapshots, 0);
  assert.deepEqual(off.history(['pids'], 0, Date.now(), ['/']), []);
  await off.sample();
  assert.equal(off.history(['memory_working_set_bytes'], 0, Date.now(), ['/']).length > 0, true);
});

realKernel('it may be closed in the middle of a look', async (t) => {
  const before = readdirSync('/proc/self/fd').length;
  const sampler = samplerFor(t);
  const running = sampler.sample();
  await sampler.close();
  assert.ok((await running).rows.length > 0);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

realKernel(
  'files that a write has hidden are read again when another one shows them',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cgroup2'), path);
    mkdirSync(group, { recursive: true });
    const sampler = samplerFor(t, { writesAreTold: () => true });
    const measured = async (): Promise<boolean> => {
      const snapshot = await sampler.sample({ whole: true });
      return !Number.isNaN(snapshot.columns.get('pressure_cpu_waiting_seconds_total')?.[rowOf(snapshot, path)]);
    };
    assert.ok(await measured());
    for (const [text, shown] of [
      ['0', false],
      ['1', true],
    ] as const) {
      writeFileSync(join(group, 'cgroup.pressure'), text);
      sampler.invalidate(path, 'cgroup.pressure');
      assert.equal(await measured(), shown, text);
    }
  },
  ['cgroup2'],
);

realKernel(
  'files that a parent begins to hand down are read, and no more when it ceases',
  async (t) => {
    const { path } = scratch(t);
    const parent = join(mountOf('cgroup2'), path);
    await holdRoot(t);
    mkdirSync(join(parent, 'child'), { recursive: true });
    const [controller] = readFileSync(join(mountOf('cgroup2'), 'cgroup.controllers'), 'utf8')
      .trim()
      .split(' ');
    const hand = (sign: string, group: string) => {
      writeFileSync(join(group, 'cgroup.subtree_control'), `${sign}${controller}`);
      sampler.invalidate(group.slice(mountOf('cgroup2').length) || '/', 'cgroup.subtree_control');
    };
    const sampler = samplerFor(t);
    /** How many of the child's figures there are. */
    const figures = async () => {
      const snapshot = await sampler.sample();
      const row = rowOf(snapshot, `${path}/child`);
      const keyed = [...snapshot.keyed.values()].flatMap((column) => [...column.row]).filter((at) => at === row);
      const plain = [...snapshot.columns.values()].filter((column) => !Number.isNaN(column[row]));
      return keyed.length + plain.length;
    };
    hand('+', mountOf('cgroup2'));
    const few = await figures();
    hand('+', parent);
    assert.ok((await figures()) > few, `more than ${few} with ${controller}`);
    hand('-', parent);
    assert.equal(await figures(), few);
  },
  ['cgroup2'],
);
