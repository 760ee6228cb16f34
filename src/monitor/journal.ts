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

interface Tally {
  /** By the kind's number; a hole where the group has none of it. */
  readonly counts: number[];
  /** When the group went, in ms since the epoch. */
  readonly goneAt: number | undefined;
}

export class Journal {
  readonly #kept = new Map<string, CgroupEvent[]>();
  #seq = 0;
  #dropped = 0;
  readonly #tallies = new Map<string, Tally>();
  /** There are few kinds, and many groups. */
  readonly #kinds: string[] = [];
  /** As long as nothing was counted since they were asked for. */
  #totals: readonly EventTotal[] | undefined;
  readonly #subscribers = new Set<(event: CgroupEvent) => void>();

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
    let tally = this.#tallies.get(cgroup);
    if (tally === undefined || tally.goneAt !== undefined) {
      tally = { counts: tally?.counts ?? [], goneAt: undefined };
      this.#tallies.set(cgroup, tally);
    }
    const number = this.#numberOf(kind);
    const before = tally.counts[number];
    tally.counts[number] = (before ?? 0) + count;
    if (count > 0 || before === undefined) this.#totals = undefined;
  }

  #numberOf(kind: string): number {
    const known = this.#kinds.indexOf(kind);
    return known < 0 ? this.#kinds.push(kind) - 1 : known;
  }

  /** The group is gone: what it counted stays until it {@link expire}s. */
  gone(cgroup: string): void {
    const tally = this.#tallies.get(cgroup);
    if (tally === undefined) return;
    this.#totals = undefined;
    const counts: number[] = [];
    tally.counts.forEach((count, kind) => {
      if (count > 0) counts[kind] = count;
    });
    if (counts.length > 0) this.#tallies.set(cgroup, { counts, goneAt: Date.now() });
    else this.#tallies.delete(cgroup);
  }

  /** Lets go of totals whose time is over. */
  expire(now: number = Date.now(), keepMs: number = KEEP_GONE_MS): void {
    for (const [cgroup, { goneAt }] of this.#tallies) {
      if (goneAt === undefined || now - goneAt < keepMs) continue;
      this.#tallies.delete(cgroup);
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
    this.#totals ??= [...this.#tallies].flatMap(([cgroup, { counts }]) =>
      this.#kinds.flatMap((kind, number) => {
        const count = counts[number];
        return count === undefined ? [] : [{ kind, cgroup, count }];
      }),
    );
    return this.#totals;
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
