/** Keeps events: the last ones as they were, all of them as totals. */
import type { CgroupEvent } from '../protocol/event.ts';

/** How many events of each kind are kept: much that comes and goes does not push out the few that matter. */
const CAPACITY = 1000;
/** How long the totals of a group that is gone are kept: long enough for several scrapes. */
const KEEP_GONE_MS = 15 * 60_000;

export interface EventTotal {
  readonly kind: string;
  readonly cgroup: string;
  /** Since the service began, 0 for a group that was only watched so far. */
  readonly count: number;
}

/** By the kind's number; a hole where the group has none of it. */
type Counts = number[];

/** What a group that is gone had counted. Thousands may go in the time for which it is kept. */
interface Remains {
  readonly totals: readonly EventTotal[];
  /** When the group went, in ms since the epoch. */
  readonly at: number;
}

export class Journal {
  readonly #passing: ReadonlySet<string>;
  readonly #kept = new Map<string, CgroupEvent[]>();
  #seq = 0;
  #dropped = 0;
  readonly #counts = new Map<string, Counts>();
  readonly #gone = new Map<string, Remains>();
  /** There are few kinds, and many groups. */
  readonly #kinds: string[] = [];
  /** As long as nothing was counted since they were asked for. */
  #totals: readonly EventTotal[] | undefined;
  readonly #subscribers = new Set<(event: CgroupEvent) => void>();

  /** @param passing kinds whose totals are over when their group is gone */
  constructor(passing: ReadonlySet<string> = new Set()) {
    this.#passing = passing;
  }

  /** The seq of the last event; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** Numbers an event, keeps it and tells subscribers. */
  record(event: Omit<CgroupEvent, 'seq' | 'time'>): void {
    const numbered: CgroupEvent = { seq: ++this.#seq, time: Date.now(), ...event };
    const kept = this.#kept.get(event.kind) ?? [];
    this.#kept.set(event.kind, kept);
    kept.push(numbered);
    if (kept.length > CAPACITY) {
      kept.shift();
      this.#dropped += 1;
    }
    for (const tell of this.#subscribers) tell(numbered);
  }

  /** Adds to a group's total. */
  count(kind: string, cgroup: string, count: number): void {
    let counts = this.#counts.get(cgroup);
    if (counts === undefined) {
      counts = [];
      this.#counts.set(cgroup, counts);
      for (const total of this.#gone.get(cgroup)?.totals ?? []) counts[this.#numberOf(total.kind)] = total.count;
      this.#gone.delete(cgroup);
    }
    const number = this.#numberOf(kind);
    const before = counts[number];
    counts[number] = (before ?? 0) + count;
    if (count > 0 || before === undefined) this.#totals = undefined;
  }

  #numberOf(kind: string): number {
    const known = this.#kinds.indexOf(kind);
    return known < 0 ? this.#kinds.push(kind) - 1 : known;
  }

  /** The group is gone: what it counted stays until it {@link expire}s. */
  gone(cgroup: string): void {
    const counts = this.#counts.get(cgroup);
    if (counts === undefined) return;
    this.#totals = undefined;
    this.#counts.delete(cgroup);
    const totals = this.#named(cgroup, counts).filter(({ kind, count }) => count > 0 && !this.#passing.has(kind));
    if (totals.length > 0) this.#gone.set(cgroup, { totals, at: Date.now() });
  }

  /** Lets go of totals whose time is over. */
  expire(now: number = Date.now(), keepMs: number = KEEP_GONE_MS): void {
    for (const [cgroup, { at }] of this.#gone) {
      if (now - at < keepMs) continue;
      this.#gone.delete(cgroup);
      this.#totals = undefined;
    }
  }

  /** How many are kept no longer. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The kept events after that seq, oldest first. A gap between their seqs is events that are kept no longer. */
  since(seq: number): readonly CgroupEvent[] {
    if (seq >= this.#seq) return [];
    const later = [...this.#kept.values()].flatMap((kept) => kept.slice(firstAfter(kept, seq)));
    return later.sort((a, b) => a.seq - b.seq);
  }

  /** The same list for as long as it says the same. */
  totals(): readonly EventTotal[] {
    this.#totals ??= [
      ...[...this.#counts].flatMap(([cgroup, counts]) => this.#named(cgroup, counts)),
      ...[...this.#gone.values()].flatMap(({ totals }) => totals),
    ];
    return this.#totals;
  }

  #named(cgroup: string, counts: Counts): EventTotal[] {
    return this.#kinds.flatMap((kind, number) => {
      const count = counts[number];
      return count === undefined ? [] : [{ kind, cgroup, count }];
    });
  }

  /** Be told of each event as it happens. @returns a function that ends it */
  subscribe(tell: (event: CgroupEvent) => void): () => void {
    this.#subscribers.add(tell);
    return () => this.#subscribers.delete(tell);
  }

  /** The events after a seq, then each as it happens, until the signal. A reader that is too slow misses events, never memory. */
  async *follow(signal: AbortSignal, since: number = this.#seq): AsyncGenerator<CgroupEvent, void, undefined> {
    let seq = since;
    while (!signal.aborted) {
      const events = this.since(seq);
      for (const event of events) {
        if (signal.aborted) return;
        seq = event.seq;
        yield event;
      }
      if (events.length === 0) await this.#next(signal);
    }
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        end();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const end = this.subscribe(done);
      signal.addEventListener('abort', done);
    });
  }
}

/** Where the events after that seq begin. */
function firstAfter(events: readonly CgroupEvent[], seq: number): number {
  const first = events.findLastIndex((event) => event.seq <= seq);
  return first + 1;
}
