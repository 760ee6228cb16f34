import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { CgroupReader } from '../../src/hierarchy/cgroupfs.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import type { Host } from '../../src/hierarchy/types.ts';
import { EventEngine, type EventEngineOptions } from '../../src/monitor/events.ts';
import { parseThreshold, type ThresholdRule } from '../../src/monitor/thresholds.ts';
import { UNATTRIBUTED } from '../../src/monitor/whereabouts.ts';
import { type Native, native } from '../../src/native.ts';
import type { CgroupEvent } from '../../src/protocol/event.ts';
import {
  mountOf,
  needsHierarchies,
  needsRoot,
  realKernel,
  scratch,
  spawnBusy,
  spawnFor,
  spawnIdle,
  temporary,
  testUnless,
  until,
} from '../support/host.ts';

const LIMIT = String(16 << 20);
/** So long that a test which waits for a poll never ends. */
const NEVER = 1 << 30;

/** An engine that is running, and what it tells of groups below a path. */
async function engineFor(
  t: TestContext,
  path: string,
  options: EventEngineOptions,
  host = openHost({ readOnly: true }),
): Promise<{ engine: EventEngine; told: CgroupEvent[] }> {
  const engine = new EventEngine(host, defaultRegistry, options);
  t.after(() => engine.close());
  const told: CgroupEvent[] = [];
  engine.subscribe((event) => {
    if (event.cgroup === path || event.cgroup.startsWith(`${path}/`)) told.push(event);
  });
  await engine.start();
  return { engine, told };
}

/** The host as mounts would show it that begin at a group: what others do meanwhile is not in it. */
function hostAt(path: string): Host {
  const host = openHost({ readOnly: true });
  const root = parseCgroupId(path);
  const hierarchies = host.reader.places(root).map((h) => ({ ...h, root, mountPoint: host.reader.path(h, root) }));
  const layout = { ...host.layout, hierarchies };
  return { ...host, layout, reader: new CgroupReader(layout) };
}

/** Runs a process that takes memory within a group until the kernel kills it. */
async function exhaust(group: string): Promise<void> {
  const hog = 'const held = []; for (;;) held.push(Buffer.alloc(1 << 20, 1));';
  const child = spawn('sh', ['-c', 'echo $$ > "$0"/cgroup.procs; exec "$1" -e "$2"', group, process.execPath, hog], {
    stdio: 'ignore',
  });
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL');
}

function limited(group: string): void {
  writeFileSync(join(group, 'memory.limit_in_bytes'), LIMIT);
  writeFileSync(join(group, 'memory.memsw.limit_in_bytes'), LIMIT);
}

const kills = (group: string) =>
  Number(/oom_kill (\d+)/.exec(readFileSync(join(group, 'memory.oom_control'), 'utf8'))?.[1]);
/** The addon on a kernel that cannot tell of whole file systems, or not by inotify either. */
function lesser(most = Number.POSITIVE_INFINITY): Native {
  const addon = native();
  assert.ok(addon);
  let directories = 0;
  const refuse = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  class Watcher extends addon.Watcher {
    readonly #directories = new Set<number>();
    override markTree(): void {
      refuse('ENODEV');
    }
    override define(...args: Parameters<InstanceType<Native['Watcher']>['define']>): number {
      const spec = super.define(...args);
      if (args[0].mechanism === 'directory') this.#directories.add(spec);
      return spec;
    }
    override add(spec: number, directory: string, args?: string): number {
      if (this.#directories.has(spec) && ++directories > most) refuse('ENOSPC');
      return super.add(spec, directory, args);
    }
  }
  return { ...addon, Watcher };
}

/** Watches of inotify that this process has (proc_pid_fdinfo(5)). */
function inotifyWatches(): number {
  const infos = readdirSync('/proc/self/fdinfo').flatMap((fd) => {
    const file = `/proc/self/fdinfo/${fd}`;
    return existsSync(file) ? (readFileSync(file, 'utf8').match(/^inotify /gm)?.length ?? 0) : 0;
  });
  return infos.reduce((sum, count) => sum + count, 0);
}

const wordsOf = (events: readonly CgroupEvent[]) => events.map(({ kind, cgroup }) => `${kind} ${cgroup}`);

const kindsOf = (events: readonly CgroupEvent[]) => events.map(({ kind }) => kind);

for (const [how, options] of [
  ['the kernel’s notification', { pollMs: NEVER }],
  ['polling', { native: undefined, pollMs: 20 }],
] as const) {
  const lacking = 'native' in options || native() !== undefined ? undefined : 'no native addon';
  testUnless(needsRoot() ?? needsHierarchies('memory') ?? lacking, `an OOM kill is told once, by ${how}`, async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(join(group, 'child'), { recursive: true });
    mkdirSync(join(group, 'sibling'));
    limited(group);
    const { engine, told } = await engineFor(t, path, options);
    await exhaust(join(group, 'child'));
    assert.equal(kills(join(group, 'child')), 1);
    await until(() => told.length > 0);
    // All later looks are over: nothing is told twice, and nothing of the groups that were only signalled.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await engine.poll();
    assert.deepEqual(kindsOf(told), ['oom_kill']);
    const [event] = told;
    assert.deepEqual([event?.cgroup, event?.count], [`${path}/child`, 1]);
    assert.equal(event?.ancestor, 'native' in options ? undefined : path);
    assert.deepEqual(
      engine.totals().filter(({ cgroup, count }) => cgroup.startsWith(path) && count > 0),
      [{ kind: 'oom_kill', cgroup: `${path}/child`, count: 1 }],
    );
    assert.deepEqual(
      engine.since(0).filter(({ cgroup }) => cgroup === `${path}/child`),
      told,
    );
  });
}

realKernel(
  'the removal of a group is no OOM, and its making and removal are told',
  async (t) => {
    const { path } = scratch(t);
    const top = join(mountOf('memory'), path);
    const group = join(top, 'child');
    mkdirSync(top);
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const { engine, told } = await engineFor(t, path, { pollMs: NEVER }, hostAt(path));
    const before = { descriptors: descriptors(), ...engine.status() };
    mkdirSync(group);
    await engine.poll();
    rmdirSync(group);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await engine.poll();
    assert.deepEqual(kindsOf(told), ['created', 'removed']);
    assert.equal(told[0]?.generation, told[1]?.generation);
    const after = { descriptors: descriptors(), ...engine.status() };
    assert.deepEqual({ ...after, events: 0 }, { ...before, events: 0 });
    assert.ok(!engine.totals().some(({ cgroup }) => cgroup === `${path}/child`));
  },
  ['memory'],
);

realKernel(
  'kills in a group between its making and the first look at it are told',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    const { engine, told } = await engineFor(t, path, { pollMs: NEVER });
    mkdirSync(group);
    limited(group);
    await exhaust(group);
    await engine.poll();
    assert.deepEqual(
      told.filter(({ kind }) => kind !== 'limit_changed').map(({ kind, count }) => [kind, count]),
      [
        ['created', undefined],
        ['oom_kill', 1],
      ],
    );
  },
  ['memory'],
);

realKernel(
  'what was counted before the start is not told',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(group);
    limited(group);
    await exhaust(group);
    const { engine, told } = await engineFor(t, path, { pollMs: NEVER });
    await engine.poll();
    assert.deepEqual(told, []);
    assert.deepEqual(
      engine
        .totals()
        .filter(({ cgroup, kind }) => cgroup === path && kind === 'oom_kill')
        .map(({ count }) => count),
      [0],
    );
  },
  ['memory'],
);

realKernel(
  'a kill in a group that is removed before anybody looked is counted, but not put on another group',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    const { engine, told } = await engineFor(t, path, { native: undefined, pollMs: NEVER });
    let lost = 0;
    engine.subscribe(({ cgroup, kind, count = 0 }) => {
      if (cgroup === UNATTRIBUTED && kind === 'oom_kill') lost += count;
    });
    mkdirSync(group);
    limited(group);
    await exhaust(group);
    rmdirSync(group);
    // Not at the first poll: a group that is still there may yet say that it was its own.
    await engine.poll();
    assert.equal(lost, 0);
    await engine.poll();
    // Other tests' groups may lose kills at the same time.
    assert.ok(lost >= 1);
    assert.deepEqual(told, []);
    assert.equal(
      engine.totals().find(({ cgroup, kind }) => cgroup === UNATTRIBUTED && kind === 'oom_kill')?.count,
      lost,
    );
  },
  ['memory'],
);

realKernel(
  'a group at its limit whose killer is switched off is out of memory, without a kill',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(group);
    limited(group);
    writeFileSync(join(group, 'memory.oom_control'), '1');
    const { told } = await engineFor(t, path, { pollMs: 50 });
    const child = exhaust(group);
    await until(() => told.length > 0);
    assert.deepEqual(
      told.map(({ kind, cgroup, details }) => [kind, cgroup, details]),
      [['oom', path, { under_oom: 1 }]],
    );
    writeFileSync(join(group, 'memory.oom_control'), '0');
    for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean))
      process.kill(Number(pid), 'SIGKILL');
    await child;
  },
  ['memory'],
);

realKernel(
  'a v2 file that the kernel modifies is looked at at once: frozen, thawed, populated',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cgroup2'), path);
    mkdirSync(group);
    const { told } = await engineFor(t, path, { pollMs: NEVER });
    const states = () =>
      told.flatMap(({ kind, details }) => (details?.[kind] === undefined ? [] : `${kind} ${details[kind]}`));
    const { pid } = await spawnIdle(t);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    await until(() => states().includes('populated 1'));
    writeFileSync(join(group, 'cgroup.freeze'), '1');
    await until(() => states().includes('frozen 1'));
    writeFileSync(join(group, 'cgroup.freeze'), '0');
    await until(() => states().includes('frozen 0'));
    assert.deepEqual(states(), ['populated 1', 'frozen 1', 'frozen 0']);
  },
  ['cgroup2'],
);

realKernel(
  'a fork that the limit refuses is told though the v1 file notifies nobody',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('pids'), path);
    mkdirSync(group);
    writeFileSync(join(group, 'pids.max'), '1');
    const { told } = await engineFor(t, path, { pollMs: 20 });
    const child = spawn('sh', ['-c', 'echo $$ > "$0"/cgroup.procs; true | true', group], { stdio: 'ignore' });
    await once(child, 'exit');
    await until(() => told.length > 0);
    assert.deepEqual(kindsOf(told), ['pids_max']);
  },
  ['pids'],
);

const MEANS = [
  ['whole file systems', undefined],
  ['watches on directories', () => lesser()],
  ['looking', () => lesser(3)],
] as const;

for (const [how, addon] of MEANS) {
  const options = (): EventEngineOptions => ({
    pollMs: how === 'looking' ? 20 : NEVER,
    ...(addon !== undefined && { native: addon() }),
  });
  const lacking = native() === undefined ? 'no native addon' : undefined;

  testUnless(
    needsRoot() ?? needsHierarchies('memory', 'pids') ?? lacking,
    `groups that come and go are told by ${how}`,
    async (t) => {
      const { path } = scratch(t);
      const places = [mountOf('memory'), mountOf('pids')].map((point) => join(point, path));
      const { engine, told } = await engineFor(t, path, options());
      if (addon === undefined && engine.status().tree !== 'fanotify') return t.skip('absent by kernel: fanotify');
      assert.equal(engine.status().warnings.length, how === 'looking' ? 1 : 0);
      for (const place of places) mkdirSync(join(place, 'a/b'), { recursive: true });
      await until(() => told.length === 3);
      for (const place of places) rmdirSync(join(place, 'a/b'));
      await until(() => told.length === 4);
      for (const place of places) {
        rmdirSync(join(place, 'a'));
        mkdirSync(join(place, 'a'));
      }
      await until(() => told.length >= 6);
      assert.deepEqual(wordsOf(told), [
        ...[path, `${path}/a`, `${path}/a/b`].map((id) => `created ${id}`),
        ...[`${path}/a/b`, `${path}/a`].map((id) => `removed ${id}`),
        `created ${path}/a`,
      ]);
      const by = how === 'whole file systems' ? process.pid : undefined;
      assert.deepEqual([told[0]?.details?.pid, told[3]?.details?.pid], [by, by]);
      assert.notEqual(told[5]?.generation, told[4]?.generation);
      assert.equal(told[1]?.generation, told[4]?.generation);
    },
  );

  testUnless(
    needsRoot() ?? needsHierarchies('memory') ?? lacking,
    `hundreds of groups leave no descriptor and no watch, by ${how}`,
    async (t) => {
      const { path } = scratch(t);
      const top = join(mountOf('memory'), path);
      const unified = join(mountOf('cgroup2'), path);
      mkdirSync(top);
      mkdirSync(unified);
      const { engine, told } = await engineFor(t, path, options(), hostAt(path));
      const now = () => [readdirSync('/proc/self/fd').length, inotifyWatches()];
      const before = now();
      const { eventfds, modified, polled } = engine.status();
      for (let i = 0; i < 300; i++) {
        for (const place of [top, unified]) mkdirSync(join(place, `g${i}`));
        if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
        for (const place of [top, unified]) rmdirSync(join(place, `g${i}`));
      }
      mkdirSync(join(top, 'last'));
      await until(() => told.some(({ cgroup }) => cgroup === `${path}/last`));
      rmdirSync(join(top, 'last'));
      await until(() => told.at(-1)?.kind === 'removed');
      await until(() => now().every((count, at) => count <= (before[at] ?? 0)));
      const after = engine.status();
      assert.deepEqual([after.eventfds, after.modified, after.polled], [eventfds, modified, polled]);
      assert.ok(!kindsOf(told).includes('oom_kill'));
    },
  );

  // Without a listener nobody hears of writes.
  if (how === 'looking') continue;
  testUnless(
    needsRoot() ?? needsHierarchies('memory') ?? lacking,
    `a limit that somebody writes is told by ${how}`,
    async (t) => {
      const { path } = scratch(t);
      const group = join(mountOf('memory'), path);
      mkdirSync(group);
      writeFileSync(join(group, 'memory.limit_in_bytes'), '4G');
      const { engine, told } = await engineFor(t, path, options());
      const changes = () => told.filter(({ kind }) => kind === 'limit_changed');
      const written = new Set<string | undefined>();
      t.after(engine.watchWrites((of, name) => of.id === path && written.add(name)));
      const file = join(group, 'memory.limit_in_bytes');
      const writer = await spawnFor(t, 'sh', '-c', `echo 2G > ${file}; exec sleep infinity`);
      await until(() => changes().length === 1);
      writeFileSync(file, '2G');
      writeFileSync(file, '-1');
      await until(() => changes().length === 2);
      const [first, second] = changes();
      assert.deepEqual([first?.details?.before, first?.details?.after], ['4g', '2g']);
      assert.deepEqual([second?.details?.before, second?.details?.after], ['2g', 'max']);
      assert.equal(first?.details?.knob, 'memory.max');
      assert.deepEqual([...written], ['memory.limit_in_bytes']);
      if (engine.status().writes !== 'fanotify') return;
      assert.equal(first?.details?.pid, writer.pid);
      assert.match(first?.text ?? '', /^memory\.limit_in_bytes 4g → 2g by pid \d+ \(.+\)$/);
      assert.equal(second?.details?.own, true);
      assert.match(second?.text ?? '', / 2g → max by cgctl$/);
    },
  );
}

realKernel(
  'an OOM kill says who was killed, by whose limit, and what was in use',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(join(group, 'child'), { recursive: true });
    limited(group);
    const { engine, told } = await engineFor(t, path, { pollMs: NEVER });
    if (!engine.status().kernelLog) return t.skip('absent by kernel: its log cannot be read');
    await exhaust(join(group, 'child'));
    await until(() => told.length > 0);
    const [event] = told;
    assert.equal(event?.ancestor, path);
    assert.equal(event?.details?.victim, 'node');
    assert.ok(Number(event?.details?.victim_pid) > 0);
    assert.equal(event?.details?.memory_limit_bytes, Number(LIMIT));
    assert.ok(Number(event?.details?.memory_usage_bytes) > 0);
    assert.match(event?.text ?? '', /^oom_kill in .*\/child by the limit of .*: pid \d+ \(node\)$/);
  },
  ['memory'],
);

realKernel(
  'kills in groups that are removed at once are all counted, and those that are given to a group are given to the right one',
  async (t) => {
    const { path } = scratch(t);
    const top = join(mountOf('memory'), path);
    mkdirSync(top);
    const { engine, told } = await engineFor(t, path, { pollMs: 50 });
    let lost = 0;
    engine.subscribe(({ cgroup, kind, count = 0 }) => {
      if (cgroup === UNATTRIBUTED && kind === 'oom_kill') lost += count;
    });
    const groups = Array.from({ length: 5 }, (_, i) => join(top, `g${i}`));
    // The shell that removes the group is the victim's parent: nobody is quicker.
    const script = groups
      .map(
        (group) =>
          `mkdir ${group}; echo 8M > ${group}/memory.limit_in_bytes; sh -c 'echo $$ > ${group}/cgroup.procs; exec tail /dev/zero'; rmdir ${group}`,
      )
      .join('; ');
    const { exited } = await spawnFor(t, 'sh', '-c', script);
    await exited;
    const own = () => told.filter(({ kind }) => kind === 'oom_kill');
    const counted = () => own().reduce((sum, { count = 0 }) => sum + count, 0);
    await until(() => counted() + lost >= groups.length);
    assert.ok(counted() <= groups.length);
    for (const { cgroup, count } of own()) {
      assert.match(cgroup, /\/g\d$/);
      assert.equal(count, 1);
    }
    assert.equal(new Set(own().map(({ cgroup }) => cgroup)).size, own().length);
    t.diagnostic(`${counted()} of ${groups.length} were given to their group`);
  },
  ['memory'],
);

function rules(...texts: string[]): readonly ThresholdRule[] {
  return texts.map((text) => parseThreshold(defaultRegistry, text));
}

realKernel(
  'a share of a memory limit is told when it is reached and left, by the kernel, and follows the limit',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(group);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(64 << 20));
    const { engine, told } = await engineFor(t, path, {
      pollMs: NEVER,
      thresholds: rules(`${path}: memory.usage >= 50%`, '/nobody: memory.usage >= 1'),
    });
    if (engine.status().writes === 'polling') return t.skip('no native addon');
    const alarms = () => told.filter(({ kind }) => kind === 'threshold').map(({ details }) => details?.above);
    const eat = (mib: number) =>
      spawnFor(
        t,
        'sh',
        '-c',
        `echo $$ > ${group}/cgroup.procs; exec "$0" -e "$1"`,
        process.execPath,
        `Buffer.alloc(${mib} << 20, 1); setTimeout(() => {}, 1e6)`,
      );
    const { child } = await eat(36);
    await until(() => alarms().length === 1);
    child.kill('SIGKILL');
    await until(() => alarms().length === 2);
    assert.deepEqual(alarms(), [true, false]);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(512 << 20));
    await until(() => told.some(({ kind }) => kind === 'limit_changed'));
    await eat(64);
    await until(() => Number(readFileSync(join(group, 'memory.usage_in_bytes'), 'utf8')) > 64 << 20);
    await engine.poll();
    assert.deepEqual(alarms(), [true, false]);
  },
  ['memory'],
);

realKernel(
  'a threshold of which no kernel tells is looked at: processes',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('pids'), path);
    mkdirSync(group);
    const { told } = await engineFor(t, path, { pollMs: 20, thresholds: rules(`${path}: pids.current >= 2`) });
    const { pid } = await spawnIdle(t);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    const second = await spawnIdle(t);
    writeFileSync(join(group, 'cgroup.procs'), String(second.pid));
    const alarms = () => told.filter(({ kind }) => kind === 'threshold').map(({ details }) => details?.above);
    await until(() => alarms().length === 1);
    second.child.kill('SIGKILL');
    await until(() => alarms().length === 2);
    assert.deepEqual(alarms(), [true, false]);
  },
  ['pids'],
);

realKernel(
  'pressure is told by a trigger, and that it is over',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('cgroup2'), path);
    mkdirSync(group);
    if (!existsSync(join(group, 'cpu.pressure'))) return t.skip('absent by kernel: no pressure');
    const { engine, told } = await engineFor(t, path, {
      pollMs: NEVER,
      thresholds: rules(`${path}: pressure.cpu >= 1%`),
    });
    if (engine.status().triggers === 0) return t.skip('no native addon');
    const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm)?.length ?? 1;
    const busy = await Promise.all(Array.from({ length: cpus + 1 }, () => spawnBusy(t)));
    for (const { pid } of busy) writeFileSync(join(group, 'cgroup.procs'), String(pid));
    const alarms = () => told.filter(({ kind }) => kind === 'threshold').map(({ details }) => details?.above);
    await until(() => alarms().length === 1);
    for (const { child } of busy) child.kill('SIGKILL');
    await until(() => alarms().length === 2);
    assert.deepEqual(alarms(), [true, false]);
    assert.equal(engine.status().triggers, 1);
  },
  ['cgroup2'],
);

realKernel(
  'trouble with reclaim is told by levels',
  async (t) => {
    const { path } = scratch(t);
    const group = join(mountOf('memory'), path);
    mkdirSync(group);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(16 << 20));
    const { engine, told } = await engineFor(t, path, {
      pollMs: NEVER,
      thresholds: rules(`${path}: memory_pressure >= low`),
    });
    if (engine.status().writes === 'polling') return t.skip('no native addon');
    const file = join(temporary(t), 'file');
    await spawnFor(t, 'sh', '-c', `echo $$ > ${group}/cgroup.procs && head -c 64M /dev/zero > ${file}`);
    await until(() => told.some(({ kind, details }) => kind === 'threshold' && details?.above === true));
  },
  ['memory'],
);
