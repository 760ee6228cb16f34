/**
 * Groups of a test's own, made, set and measured through the product in whatever mode this kernel is: the same test claims the
 * same thing on v1, hybrid and v2. Only putting a process inside is done by hand, so that it cannot hide a mistake.
 */
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { act } from '../../src/control/act.ts';
import { change } from '../../src/control/change.ts';
import type { LockOptions } from '../../src/control/lock.ts';
import { machineOf, parseSpec, type Request, withCreateDefaults } from '../../src/control/spec.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { childId, parseCgroupId } from '../../src/hierarchy/id.ts';
import { isAbsent, pick } from '../../src/hierarchy/locate.ts';
import { pidsOf } from '../../src/hierarchy/procs.ts';
import type { CgroupId, Host } from '../../src/hierarchy/types.ts';
import { Sampler } from '../../src/monitor/sampler.ts';
import type { Outcome } from '../../src/protocol/plan.ts';
import { realKernel, type Spawned, scratch, spawnFor, temporary, until } from '../support/host.ts';
import { type FactKind, kernelMode, seenAbsent } from './support.ts';

export type Given = Readonly<Record<string, unknown>>;

/** Writes 0 (itself) to each of $1 files, then becomes the rest. */
const ENTER = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; n=$((n-1)); done; exec "$@"';

export class TestGroup {
  constructor(
    readonly t: TestContext,
    readonly host: Host,
    readonly id: CgroupId,
    private readonly lockDir: string,
  ) {}

  /** Sets values; `yes` and, unless that is what is tested, `force` are given, so that it is the kernel that answers. */
  set(given: Given, { force = true } = {}): Promise<Outcome> {
    return this.#change({ id: this.id, values: this.#values(given) }, force);
  }

  /** A group below this one. @param controllers keeps it to their hierarchies, and to them on v2 */
  async child(name: string, given: Given = {}, controllers?: readonly string[]): Promise<TestGroup> {
    const child = new TestGroup(this.t, this.host, childId(this.id, name), this.lockDir);
    await child.make(given, controllers);
    return child;
  }

  make(given: Given, controllers?: readonly string[]): Promise<Outcome> {
    const values = withCreateDefaults(defaultRegistry, this.#values(given));
    return this.#change({ id: this.id, values, create: true, ...(controllers && { controllers }) });
  }

  /** A declared action. */
  async act(key: string, given?: string): Promise<void> {
    const entry = defaultRegistry.findAction(key);
    if (entry === undefined) throw new Error(`no action ${key}`);
    await act(this.host, entry, this.id, given, { lock: this.#lock, yes: true });
  }

  /** The processes that each hierarchy of the group names. */
  members(): number[][] {
    const { reader } = this.host;
    return reader.places(this.id).map((h) => pidsOf(reader, h, this.id));
  }

  /** Starts a command inside, in every hierarchy; it dies with the test. Returns once it is there, or has ended. */
  async spawn(command: string, ...args: string[]): Promise<Spawned> {
    const { reader } = this.host;
    const files = reader.places(this.id).map((h) => reader.path(h, this.id, 'cgroup.procs'));
    const entering = [String(files.length), ...files, command, ...args];
    const spawned = await spawnFor(this.t, '/bin/sh', '-c', ENTER, 'sh', ...entering);
    await until(() => over(spawned) || this.members().every((pids) => pids.includes(spawned.pid)));
    return spawned;
  }

  /** A shell script inside. */
  sh(script: string): Promise<Spawned> {
    return this.spawn('/bin/sh', '-c', script);
  }

  /** This group's figure of a metric now, summed over its label; NaN where the kernel does not give it. */
  async figure(metric: string): Promise<number> {
    if (defaultRegistry.findStat(metric) === undefined) throw new Error(`no metric ${metric}`);
    const sampler = new Sampler(this.host, defaultRegistry);
    try {
      const snapshot = await sampler.sample();
      const row = snapshot.rows.findIndex(({ id }) => id === this.id);
      const keyed = snapshot.keyed.get(metric);
      if (keyed === undefined) return snapshot.columns.get(metric)?.[row] ?? Number.NaN;
      const own = [...keyed.value].filter((_, i) => keyed.row[i] === row);
      return own.length === 0 ? Number.NaN : own.reduce((sum, value) => sum + value, 0);
    } finally {
      sampler.close();
    }
  }

  /** Figures by label (`node`, `device`): empty where the kernel does not give them. */
  async figures(metric: string): Promise<Map<string, number>> {
    const sampler = new Sampler(this.host, defaultRegistry);
    try {
      const snapshot = await sampler.sample();
      const row = snapshot.rows.findIndex(({ id }) => id === this.id);
      const keyed = snapshot.keyed.get(metric);
      return new Map(
        [...(keyed?.label ?? [])].flatMap((label, i) =>
          keyed?.row[i] === row ? [[label, keyed.value[i] ?? Number.NaN]] : [],
        ),
      );
    } finally {
      sampler.close();
    }
  }

  /** Why this kernel, here, lacks a knob; undefined where it has it. */
  lacks(key: string): string | undefined {
    const entry = defaultRegistry.findKnob(key);
    if (entry === undefined) throw new Error(`no knob ${key}`);
    const found = pick(this.host.reader, this.id, entry.controller, entry.knob);
    return isAbsent(found) && found.code !== 'not-enabled' ? found.absent : undefined;
  }

  /** Which dialect serves a knob here. */
  dialect(key: string): 'v1' | 'v2' | undefined {
    const entry = defaultRegistry.findKnob(key);
    if (entry === undefined) throw new Error(`no knob ${key}`);
    const found = pick(this.host.reader, this.id, entry.controller, entry.knob);
    return isAbsent(found) ? undefined : found.dialect;
  }

  #values(given: Given): Request['values'] {
    const { values, mistakes } = parseSpec(defaultRegistry, given, machineOf(this.host));
    if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
    return values;
  }

  #change(request: Request, force = true): Promise<Outcome> {
    return change(this.host, defaultRegistry, [request], { lock: this.#lock, yes: true, force });
  }

  get #lock(): LockOptions {
    return { dir: this.lockDir, timeout: 30, who: 'test' };
  }
}

/** A new group at the top, gone when the test ends. */
export async function testGroup(t: TestContext, given: Given = {}): Promise<TestGroup> {
  const group = new TestGroup(t, openHost(), parseCgroupId(scratch(t).path), temporary(t));
  await group.make(given);
  return group;
}

/** Waits until something holds, and fails with what it last saw when it does not within a minute (emulated kernels are slow). */
export async function eventually<T>(read: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const seen = await read();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`still ${String(seen)} after a minute`);
    await pause(20);
  }
}

/** Ends a test whose subject this kernel does not have: that it is absent is what is then proved. */
export function absent(t: TestContext, reason: string, kind: FactKind = 'effect'): void {
  seenAbsent(t, kind, t.name, reason);
}

/** In a machine of our own, that whatever concerns the whole machine may be done to: its kernel was told what to mount. */
export const emulated = kernelMode !== 'host' && / V[12]=/.test(readFileSync('/proc/cmdline', 'utf8'));

/** A test that mounts, swaps or otherwise concerns the whole machine: nowhere but in an emulated one. */
export const ownMachine: typeof realKernel = (name, fn, wanted) => {
  if (emulated) realKernel(name, fn, wanted);
};

const over = ({ child }: Spawned): boolean => child.exitCode !== null || child.signalCode !== null;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How much a metric of several groups grew over a stretch of time: each time all are read at one look, a slow machine's too. */
export async function growthOver(ms: number, metric: string, ...groups: TestGroup[]): Promise<number[]> {
  const [one] = groups;
  if (one === undefined) return [];
  const sampler = new Sampler(one.host, defaultRegistry);
  const look = async (): Promise<number[]> => {
    const { rows, columns } = await sampler.sample({ whole: true });
    const found = groups.map(({ id }) => rows.findIndex((row) => row.id === id));
    return found.map((row) => columns.get(metric)?.[row] ?? Number.NaN);
  };
  try {
    const before = await look();
    await pause(ms);
    return (await look()).map((value, i) => value - (before[i] ?? Number.NaN));
  } finally {
    sampler.close();
  }
}
