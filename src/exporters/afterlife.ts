/** What groups that are gone have counted: kept for a while, so that the last event of a group is seen by the next scrape. */
import { alternatives, type Stat } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import type { EventTotal } from '../monitor/journal.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import { indexOf } from './rows.ts';

/** The last figure of a group that is gone. */
export interface DeadFigure {
  readonly id: string;
  /** The stat's name. */
  readonly stat: string;
  readonly value: number;
}

/** A counter that events tell of as they happen. */
interface Counted {
  readonly stat: Stat;
  readonly kind: string;
}

interface Death {
  /** On the monotonic clock, in ms. */
  readonly at: number;
  /** By stat. */
  readonly figures: Map<string, number>;
}

type Totals = ReadonlyMap<string, number>;

export class Afterlife {
  readonly #counted: readonly Counted[];
  readonly #kinds: ReadonlySet<string>;
  readonly #dead = new Map<string, Death>();
  #last: { readonly snapshot: Snapshot; readonly totals: Totals } | undefined;

  constructor(registry: Registry) {
    this.#counted = registry.allStats().flatMap(({ stat }) => {
      const kind = kindOf(stat, registry);
      return stat.kind === 'counter' && kind !== undefined ? [{ stat, kind }] : [];
    });
    this.#kinds = new Set(this.#counted.map(({ kind }) => kind));
  }

  /**
   * Takes note of a snapshot and of the events until now.
   * @returns figures of groups that are in no row, at most so old
   */
  see(snapshot: Snapshot, events: readonly EventTotal[], keepMs: number, now = performance.now()): DeadFigure[] {
    if (this.#last === undefined || snapshot.seq > this.#last.snapshot.seq) {
      const happened = events.filter(({ kind, count }) => count > 0 && this.#kinds.has(kind));
      const totals: Totals = new Map(happened.map(({ kind, cgroup, count }) => [keyOf(kind, cgroup), count]));
      const here = indexOf(snapshot.rows);
      if (this.#last !== undefined && this.#last.snapshot.rows !== snapshot.rows) {
        for (const [at, { id }] of this.#last.snapshot.rows.entries()) if (!here.has(id)) this.#bury(id, at, now);
      }
      // What was counted since the last look; a group that was made and gone since then has nothing else.
      for (const cgroup of new Set(happened.map((event) => event.cgroup))) {
        if (!here.has(cgroup) && cgroup.startsWith('/')) this.#add(cgroup, totals, now);
      }
      for (const [id, { at }] of this.#dead) if (here.has(id) || now - at >= keepMs) this.#dead.delete(id);
      this.#last = { snapshot, totals };
    }
    return [...this.#dead].flatMap(([id, { figures }]) => [...figures].map(([stat, value]) => ({ id, stat, value })));
  }

  /** Keeps what the kernel had counted at the last look, and no less than events tell: figures of idle groups may be old. */
  #bury(id: string, row: number, at: number): void {
    const figures = new Map<string, number>();
    for (const { stat, kind } of this.#counted) {
      const told = this.#last?.totals.get(keyOf(kind, id)) ?? 0;
      const value = this.#last?.snapshot.columns.get(stat.name)?.[row] ?? Number.NaN;
      const most = Number.isNaN(value) ? told : Math.max(value, told);
      if (most > 0) figures.set(stat.name, most);
    }
    if (figures.size > 0) this.#dead.set(id, { at, figures });
  }

  #add(id: string, totals: Totals, at: number): void {
    for (const { stat, kind } of this.#counted) {
      const key = keyOf(kind, id);
      const grown = (totals.get(key) ?? 0) - (this.#last?.totals.get(key) ?? 0);
      if (grown <= 0) continue;
      const { figures } = this.#dead.get(id) ?? { figures: new Map<string, number>() };
      figures.set(stat.name, (figures.get(stat.name) ?? 0) + grown);
      this.#dead.set(id, { at, figures });
    }
  }
}

const keyOf = (kind: string, cgroup: string): string => `${kind} ${cgroup}`;

/** The kind of event that a stat counts: both read the same key of the same file. */
function kindOf(stat: Stat, registry: Registry): string | undefined {
  const sources = [...alternatives(stat.v1), ...alternatives(stat.v2)];
  for (const { event } of registry.allEvents()) {
    for (const { file, counters } of [...alternatives(event.v1), ...alternatives(event.v2)]) {
      const found = counters.find(({ key }) =>
        sources.some(({ file: other, format }) => other === file && format.at === 'flat' && format.key === key),
      );
      if (found !== undefined) return found.kind;
    }
  }
  return undefined;
}
