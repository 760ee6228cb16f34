/**
 * Looks at the whole tree when somebody asks: one immutable snapshot, shared by all who asked. What cannot have changed is not
 * read again: see {@link Pace} and {@link BOUNDS}.
 */
import type { Registry } from '../controllers/registry.ts';
import { SUBTREE_CONTROL } from '../hierarchy/notify.ts';
import type { Host } from '../hierarchy/types.ts';
import type { Native } from '../native.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import { type Batch, type BatchReader, OUTCOME } from './batch.ts';
import { historyColumns } from './charts.ts';
import { History, type HistoryOptions, type PastTable, type Series } from './history.ts';
import { listAnew, type Member, Members } from './members.ts';
import { Slices } from './pause.ts';
import { type Pace, Programme, type Step } from './programme.ts';
import { openReader } from './read.ts';
import { Requests } from './requests.ts';
import { Table } from './table.ts';
import { type Group, Tree } from './tree.ts';

export interface SamplerOptions {
  /** Shared with the event engine, so that directories are looked at once. */
  readonly tree?: Tree;
  /** Descriptors that are kept open, at most (default 4096; half of what the process may have, or all but 1000, if that is more). */
  readonly budget?: number;
  /** Descriptors that others of this process may have in any case; none by default. */
  readonly beside?: number;
  /** The addon; undefined to do without. */
  readonly native?: Native | undefined;
  /** What the view's columns and the charts' figures were is kept. Default: it is not. */
  readonly history?: HistoryOptions & {
    /** So often, in seconds, it looks for itself when nobody else does; 0: never. */
    readonly tick: number;
  };
  /** Whether {@link Sampler.invalidate} is told of each write to a setting. Default: it is not. */
  readonly writesAreTold?: () => boolean;
  /** What to do with an error of a tick that nobody waits for. Default: throw it, uncaught. */
  readonly onError?: (error: unknown) => void;
}

/** Figures about the sampler itself. */
export interface SamplerStatus {
  readonly snapshots: number;
  readonly rows: number;
  readonly descriptors: number;
  readonly budget: number;
  readonly subscribers: number;
  /** How late the last look was that was made for a client of the stream, in seconds. */
  readonly lagSeconds: number;
  /** Files that were read since the sampler was made. */
  readonly reads: number;
  readonly reader: BatchReader['kind'];
  /** Memory that the history takes. */
  readonly historyBytes: number;
  /** Since the sampler was made, by file. */
  readonly errors: ReadonlyMap<string, number>;
}

/** How old figures may get, in seconds. */
export interface Bounds {
  /** Of a group in which nothing moved that is read each time. */
  readonly idle: number;
  /** Of a group with no process in it or below. */
  readonly empty: number;
  /** What stands still while nothing moved that is read each time. */
  readonly still: number;
  /** Settings that nobody is known to have written. */
  readonly setting: number;
  /** The same where each write is told: in case that something was missed. */
  readonly told: number;
}

export const BOUNDS: Bounds = { idle: 10, empty: 60, still: 60, setting: 30, told: 300 };
/** For the history's own looks. */
const UNWATCHED: Bounds = { idle: 60, empty: 300, still: 300, setting: 300, told: 300 };

interface Subscription {
  readonly intervalMs: number;
  readonly deliver: (snapshot: Snapshot) => void;
  due: number;
}

/** How a look is made. */
interface Look {
  readonly bounds: Bounds;
  /** Read every file. */
  readonly whole: boolean;
}
const WATCHED: Look = { bounds: BOUNDS, whole: false };

export class Sampler {
  readonly tree: Tree;
  readonly #host: Host;
  readonly #programme: Programme;
  readonly #reader: BatchReader;
  readonly #members: Members;
  readonly #table: Table;
  readonly #requests = new Requests();
  readonly #history: History | undefined;
  readonly #historyMs: number;
  readonly #writesAreTold: () => boolean;
  readonly #onError: (error: unknown) => void;
  /** Groups that left while a look was made. */
  #leaving: Group[] = [];
  readonly #subscriptions = new Set<Subscription>();
  readonly #errors = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly #unwatch: () => void;
  #seq = 0;
  #reads = 0;
  #lag = 0;
  #last: Snapshot | undefined;
  #running: Promise<Snapshot> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(host: Host, registry: Registry, options: SamplerOptions = {}) {
    this.#host = host;
    this.tree = options.tree ?? new Tree(host);
    this.#programme = new Programme(host.layout, registry, host.pageSize);
    this.#reader = openReader(host.layout, this.#programme, options);
    this.#table = new Table(this.#programme);
    this.#history = options.history && new History(historyColumns(registry), options.history);
    this.#historyMs = (options.history?.tick ?? 0) * 1000;
    this.#writesAreTold = options.writesAreTold ?? (() => false);
    this.#members = new Members(host, this.#programme, this.#reader, this.tree, this.#writesAreTold);
    this.#onError =
      options.onError ??
      ((error) => {
        throw error;
      });
    this.#unwatch = this.tree.watch(({ created, removed }) => {
      for (const { parent } of [...created, ...removed]) {
        for (let above = parent; above !== undefined; above = above.parent) this.#members.stir(above);
      }
      if (this.#running === undefined) for (const group of removed) this.#members.forget(group);
      else this.#leaving.push(...removed);
    });
    this.#schedule();
  }

  /** A new snapshot; calls while one is being made share it. @param whole read every file, whenever it was read last */
  sample({ whole = false } = {}): Promise<Snapshot> {
    return this.#look({ ...WATCHED, whole });
  }

  /** The snapshot that was made last. */
  get last(): Snapshot | undefined {
    return this.#last;
  }

  /** The last snapshot if it is not older than that, else a new one. */
  async latest(maxAgeMs: number): Promise<Snapshot> {
    const last = this.#last;
    if (last !== undefined && performance.now() - last.monotonic * 1000 <= maxAgeMs) return last;
    return this.sample();
  }

  /** Snapshots at an interval, for as long as it is not ended. @returns a function that ends it */
  subscribe(intervalMs: number, deliver: (snapshot: Snapshot) => void): () => void {
    const subscription = { intervalMs, deliver, due: performance.now() };
    this.#subscriptions.add(subscription);
    this.#schedule();
    return () => {
      this.#subscriptions.delete(subscription);
      this.#schedule();
    };
  }

  /** Somebody wrote a group's file, or any of them: it is read at the next look, however fresh it seems. */
  invalidate(cgroup: string, file?: string): void {
    const group = this.tree.find(cgroup);
    if (group === undefined) return;
    const member = this.#members.find(group);
    if (member !== undefined) {
      listAnew(member);
      member.written = (member.written ?? new Set()).add(file);
      // Writing one setting may change another.
      if (file !== undefined) member.read.setting = Number.NEGATIVE_INFINITY;
    }
    if (file === SUBTREE_CONTROL) this.#members.handsDown(group);
  }

  /**
   * What columns of the view and figures of the charts were; nothing where no history is kept.
   * @param metrics names; counters per second, as the view shows them
   * @param from the first and the last moment that is wanted, in milliseconds since the epoch
   */
  history(metrics: readonly string[], from: number, to: number, cgroups: readonly string[]): readonly Series[] {
    return this.#history?.series(metrics, from, to, cgroups) ?? [];
  }

  /** The moments of which something is kept, oldest first. @see History.moments */
  moments(): readonly (readonly [from: number, to: number])[] {
    return this.#history?.moments ?? [];
  }

  /** All groups at a moment; undefined where nothing is kept. @param metrics names, as for {@link history} */
  pastTable(time: number, metrics: readonly string[]): PastTable | undefined {
    return this.#history?.table(time, metrics);
  }

  status(): SamplerStatus {
    return {
      snapshots: this.#seq,
      rows: this.#last?.rows.length ?? 0,
      descriptors: this.#reader.open,
      budget: this.#reader.budget,
      subscribers: this.#subscriptions.size,
      lagSeconds: this.#lag,
      reads: this.#reads,
      reader: this.#reader.kind,
      historyBytes: this.#history?.bytes ?? 0,
      errors: new Map(this.#errors),
    };
  }

  /** Ends all subscriptions and lets go of every descriptor, once a running look has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#subscriptions.clear();
    this.#schedule();
    this.#unwatch();
    await this.#running?.catch(this.#onError);
    this.#reader.close();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed) return;
    const dues = [...this.#subscriptions].map(({ due }) => due);
    if (this.#historyMs > 0) dues.push(this.#last === undefined ? 0 : this.#last.monotonic * 1000 + this.#historyMs);
    if (dues.length === 0) return;
    this.#timer = setTimeout(
      () => {
        this.#tick().catch(this.#onError);
      },
      Math.max(0, Math.min(...dues) - performance.now()),
    );
    if (this.#subscriptions.size === 0) this.#timer.unref();
  }

  async #tick(): Promise<void> {
    try {
      if (this.#subscriptions.size === 0) await this.#look({ bounds: UNWATCHED, whole: false });
      else await this.#deliver();
    } finally {
      this.#schedule();
    }
  }

  async #deliver(): Promise<void> {
    // What another reader asked for a moment ago will do.
    const shortest = Math.min(...[...this.#subscriptions].map(({ intervalMs }) => intervalMs));
    const due = Math.min(...[...this.#subscriptions].map((subscription) => subscription.due));
    const snapshot = await this.latest(shortest / 4);
    const now = performance.now();
    this.#lag = Math.max(0, now - due) / 1000;
    for (const subscription of this.#subscriptions) {
      if (subscription.due > now) continue;
      subscription.due += subscription.intervalMs;
      if (subscription.due <= now) subscription.due = now + subscription.intervalMs;
      subscription.deliver(snapshot);
    }
  }

  #look(look: Look): Promise<Snapshot> {
    this.#running ??= this.#sample(look).finally(() => {
      this.#running = undefined;
      for (const group of this.#leaving) this.#members.forget(group);
      this.#leaving = [];
    });
    return this.#running;
  }

  async #sample({ bounds, whole }: Look): Promise<Snapshot> {
    const started = performance.now();
    const now = started / 1000;
    const interval = this.#last === undefined ? 0 : now - this.#last.monotonic;
    const slices = new Slices();
    await this.tree.refresh();
    const from = await this.#members.gather(now, slices);
    if (from !== undefined) this.#table.rearrange(from);
    const result: Result = {
      gone: new Uint8Array(this.#table.rows),
      errors: new Map(),
      spent: new Float64Array(this.#programme.steps.length),
    };

    for (const member of this.#members.list) {
      this.#requestAt(member, 'tick', now);
      if (slices.due()) await slices.pause();
    }
    const before = this.#ticking().map((column) => ({ column, values: this.#table.column(column).slice() }));
    await this.#read(result, slices);
    const moved = new Uint8Array(this.#table.rows);
    for (const { column, values } of before) markChanges(values, this.#table.column(column), moved);
    const pids = this.#table.column(this.#programme.columns.findIndex(({ stat }) => stat.role === 'pids.current'));
    const setting = this.#writesAreTold() ? bounds.told : bounds.setting;
    for (const member of this.#members.list) {
      const active = moved[member.row] === 1;
      // Once more after it has stopped: else the last rates would stay.
      const stirred = active || member.moved;
      member.moved = active;
      const { read, share } = member;
      const idle = pids[member.row] === 0 ? bounds.empty : bounds.idle;
      // Of a group without memory's files, say, nothing shows that it stands still.
      const still = member.paced.telling ? bounds.still : idle;
      const written = writtenSteps(member);
      if (whole || stirred || isDue(read.activity, share.activity, now, idle, interval)) {
        share.activity = stirred ? member.phase : 1;
        this.#requestAt(member, 'activity', now);
      }
      if (whole || stirred || isDue(read.still, share.still, now, still, interval)) {
        share.still = stirred ? member.phase : 1;
        this.#requestAt(member, 'still', now);
      }
      if (whole || isDue(read.setting, share.setting, now, setting, interval)) {
        share.setting = read.setting === Number.NEGATIVE_INFINITY ? member.phase : 1;
        this.#requestAt(member, 'setting', now);
      }
      for (const step of written)
        if (read[step.pace] !== now) this.#requests.add(member.handle, step.index, member.row);
      if (slices.due()) await slices.pause();
    }
    await this.#read(result, slices);
    if (result.gone.includes(1)) this.#table.rearrange(this.#members.drop(result.gone));
    if (slices.due()) await slices.pause();
    return this.#conclude(started, result);
  }

  /** Asks for a group's files of a pace. */
  #requestAt({ handle, paced, row, read }: Member, pace: Pace, now: number): void {
    for (const { index } of paced[pace]) this.#requests.add(handle, index, row);
    read[pace] = now;
  }

  /** Plain columns of files that are read each time. */
  #ticking(): number[] {
    const steps = this.#programme.steps.filter(({ pace }) => pace === 'tick');
    const columns = new Set(steps.flatMap((step) => step.columns));
    return [...columns].filter((at) => this.#programme.columns[at]?.label === undefined);
  }

  async #read({ gone, errors, spent }: Result, slices: Slices): Promise<void> {
    if (this.#requests.length === 0) return;
    const { columns } = this.#programme;
    const batch = this.#requests.take({ columns: this.#table.writable(), ...this.#members.pins });
    const found = new Map(await this.#reader.read(batch));
    for (const [at, keyed] of found) {
      if (columns[at]?.label === 'device') found.set(at, { ...keyed, label: keyed.label.map(this.#deviceName) });
    }
    const end = performance.now() / 1000;
    await this.#table.absorb(batch, found, slices);
    this.#reads += batch.steps.length;
    if (slices.due()) await slices.pause();
    this.#judge(batch, gone, errors);
    addTimes(batch, end, spent);
  }

  /** Counts errors by file, and finds groups of which nothing is left. */
  #judge({ rows, steps, outcomes }: Batch, gone: Uint8Array, errors: Map<string, number>): void {
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at] ?? -1;
      const outcome = outcomes[at];
      if (outcome === OUTCOME.absent) {
        if (gone[row] === UNKNOWN) gone[row] = GONE;
        this.#members.suspect(row);
        continue;
      }
      gone[row] = THERE;
      if (outcome === OUTCOME.read) continue;
      const file = this.#programme.steps[steps[at] ?? -1]?.file ?? '';
      errors.set(file, (errors.get(file) ?? 0) + 1);
    }
  }

  /** A file that feeds several controllers' figures is the first one's. */
  #byController(spent: Float64Array): ReadonlyMap<string, number> {
    const { steps, columns } = this.#programme;
    const seconds = new Map(columns.map(({ controller }) => [controller, 0]));
    for (const [at, time] of spent.entries()) {
      const controller = columns[steps[at]?.columns[0] ?? -1]?.controller;
      if (controller !== undefined) seconds.set(controller, (seconds.get(controller) ?? 0) + time);
    }
    return seconds;
  }

  /** Loop devices and the like come and go: only found names are kept. */
  #deviceName = (majMin: string): string => {
    let name = this.#names.get(majMin);
    if (name === undefined) {
      name = this.#host.devices.nameOf(majMin);
      if (name === undefined) return majMin;
      this.#names.set(majMin, name);
    }
    return name;
  };

  #conclude(started: number, { errors, spent }: Result): Snapshot {
    for (const [file, count] of errors) this.#errors.set(file, (this.#errors.get(file) ?? 0) + count);
    const monotonic = started / 1000;
    const { list, rows } = this.#members;
    const snapshot: Snapshot = {
      seq: ++this.#seq,
      time: Math.round(Date.now() - (performance.now() - started)),
      monotonic,
      rows,
      ...this.#table.share(),
      staleness: agesOf(list, monotonic),
      errors,
      durationSeconds: (performance.now() - started) / 1000,
      controllerSeconds: this.#byController(spent),
    };
    this.#history?.add(snapshot);
    this.#last = snapshot;
    return snapshot;
  }
}

/** What is known so far of a row's group. */
const [UNKNOWN, GONE, THERE] = [0, 1, 2];

/** What comes of a look's batches. */
interface Result {
  /** By row. */
  readonly gone: Uint8Array;
  readonly errors: Map<string, number>;
  /** Seconds by step. */
  readonly spent: Float64Array;
}

/** Adds up how long each step's files took: until the next one's turn came. */
function addTimes({ steps, times }: Batch, end: number, spent: Float64Array): void {
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] ?? -1;
    spent[step] = (spent[step] ?? 0) + Math.max(0, (times[at + 1] ?? end) - (times[at] ?? end));
  }
}

/** Of each member, how long ago the oldest of its figures was read, settings and what stands still aside. */
function agesOf(members: readonly Member[], now: number): Float64Array {
  const ages = new Float64Array(members.length);
  for (const [row, { read }] of members.entries()) ages[row] = now - Math.min(read.tick, read.activity);
  return ages;
}

/** Marks the rows whose figures differ; NaN is NaN. */
function markChanges(before: Float64Array, now: Float64Array, marks: Uint8Array): void {
  for (let row = 0; row < marks.length; row++) if (!Object.is(before[row], now[row])) marks[row] = 1;
}

/** Whether figures would be older than their share of the bound before the next look. */
function isDue(read: number, share: number, now: number, bound: number, interval: number): boolean {
  return now - read + Math.min(interval, bound / 2) > bound * share;
}

const NONE: readonly Step[] = [];

/** The files that somebody wrote, and those that feed the same columns: figures of a row are replaced together. */
function writtenSteps(member: Member): readonly Step[] {
  const { steps, written } = member;
  if (written === undefined) return NONE;
  const all = written.has(undefined);
  const own = steps.filter(({ file }) => all || written.has(file));
  const fed = new Set(own.flatMap(({ columns }) => columns));
  member.written = undefined;
  return steps.filter(({ columns }) => columns.some((column) => fed.has(column)));
}
