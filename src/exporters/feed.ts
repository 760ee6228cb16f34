/**
 * What the stream tells of a sequence of snapshots: the whole table once, then what changed. One feed serves all clients that want
 * the same; each message is encoded once, and the last ones are kept for clients that come back.
 */
import { figuresOf, ownFiguresOf } from '../monitor/columns.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import type { ColumnInfo, LiveRow, RowChange } from '../protocol/stream.ts';
import { figuresJson, someFiguresJson } from './json.ts';

export interface Selection {
  readonly columns: readonly ColumnInfo[];
  readonly figures: 'rollup' | 'self';
  /** Whether a group is among the rows. */
  wants(id: string): boolean;
}

/** What is known of groups beside their figures. */
export interface Knowledge {
  /** What stays as long as the group is. */
  of(row: Row): Pick<LiveRow, 'name' | 'created'>;
  /** Figures of all rows that say by 1 or more that it is so, NaN where nothing is known. */
  frozen(snapshot: Snapshot): ArrayLike<number> | undefined;
  populated(snapshot: Snapshot): ArrayLike<number> | undefined;
}

/** Messages that are kept for clients that come back, at most. */
const KEPT_BYTES = 512 * 1024;
/** So many names for the same subscription have their bytes kept: most clients call it the same. */
const MOST_NAMES = 8;
/** Younger figures count as fresh, in seconds: most of what nobody moves is read again before. */
const FRESH_SECONDS = 15;
/** Beyond this share of a column's figures, all of it is shorter. */
const MOST = 0.4;
const NONE = new Float64Array(0);

/** A message of a feed. The same bytes are handed out to all: do not write to them. */
export class Frame {
  readonly type: 'snapshot' | 'delta' | 'bookmark';
  readonly seq: number;
  /** The table that it changes; NaN for a snapshot. */
  readonly after: number;
  readonly #rest: Buffer;
  readonly #whole = new Map<string, Buffer>();

  /** @param rest the message as JSON without its opening brace, `type` and `sub` */
  constructor(type: Frame['type'], seq: number, after: number, rest: string) {
    this.type = type;
    this.seq = seq;
    this.after = after;
    this.#rest = Buffer.from(rest);
  }

  get size(): number {
    return this.#rest.length;
  }

  /** @param sub what the client calls the subscription */
  bytes(sub: string): Buffer {
    let whole = this.#whole.get(sub);
    if (whole === undefined) {
      const head = Buffer.from(`{"type":"${this.type}","sub":${JSON.stringify(sub)},`);
      whole = Buffer.concat([head, this.#rest]);
      if (this.#whole.size < MOST_NAMES) this.#whole.set(sub, whole);
    }
    return whole;
  }

  /** The bytes for single subscriptions are made again when they are asked for. */
  slim(): void {
    this.#whole.clear();
  }
}

/** The table that clients have now. Its rows keep their places until one is gone; new ones come last. */
interface Held {
  readonly seq: number;
  readonly time: number;
  readonly rows: readonly LiveRow[];
  /** The snapshot's rows, and which of them each row is. */
  readonly source: readonly Row[];
  readonly order: Int32Array;
  readonly flags: Uint8Array;
  readonly values: readonly Float64Array[];
  readonly stale: Float64Array;
}

/** Where rows of the new table come from. */
interface Moves {
  readonly rows: readonly LiveRow[];
  readonly order: Int32Array;
  readonly gone: readonly number[];
  readonly fresh: readonly LiveRow[];
  /** Of each new row its place in the old table, -1 for none; undefined where all are where they were. */
  readonly from: Int32Array | undefined;
}

export class Feed {
  readonly #selection: Selection;
  readonly #knowledge: Knowledge;
  #held: Held | undefined;
  #snapshot: Frame | undefined;
  #kept: Frame[] = [];
  #keptBytes = 0;

  constructor(selection: Selection, knowledge: Knowledge) {
    this.#selection = selection;
    this.#knowledge = knowledge;
  }

  /** The seq of the table that clients have now; undefined before the first. */
  get seq(): number | undefined {
    return this.#held?.seq;
  }

  /** Goes on to another snapshot. @returns what clients are told; nothing for the first, and for one that they have */
  advance(snapshot: Snapshot): Frame | undefined {
    const old = this.#held;
    if (old !== undefined && snapshot.seq <= old.seq) return undefined;
    const moves = this.#moves(snapshot, old);
    const { order, from } = moves;
    const flags = this.#flags(snapshot, order);
    const { rows, changed } = withFlags(moves.rows, flags, old?.flags ?? new Uint8Array(0), from);
    const values = this.#selection.columns.map((column) => this.#gather(snapshot, column, order));
    const stale = Float64Array.from(order, (at) => grade(snapshot.staleness[at] ?? 0));
    const { seq, time } = snapshot;
    this.#held = { seq, time, rows, source: snapshot.rows, order, flags, values, stale };
    this.#snapshot = undefined;
    if (old === undefined) return undefined;
    const changes = values.map((now, at) => changeJson(now, old.values[at] ?? NONE, from, Number.NaN));
    const staleChange = changeJson(stale, old.stale, from, 0);
    const { gone, fresh } = moves;
    const same = gone.length + fresh.length + changed.length === 0 && [...changes, staleChange].every(isNone);
    const about = `"seq":${seq},"after":${old.seq},"time":${time}`;
    // Rows that are told whole need not be told again.
    const told = rows.slice(rows.length - fresh.length);
    const known = changed.filter(({ at }) => at < rows.length - fresh.length);
    const frame = same
      ? new Frame('bookmark', seq, old.seq, `${about}}`)
      : new Frame(
          'delta',
          seq,
          old.seq,
          `${about},"gone":[${gone.join(',')}],"rows":${JSON.stringify(told)},"changed":${JSON.stringify(known)},"values":[${changes.join(',')}],"stale":${staleChange}}`,
        );
    this.#keep(frame);
    return frame;
  }

  /** The whole table as it is now. @throws where there is none yet: {@link seq} tells */
  snapshot(): Frame {
    if (this.#held === undefined) throw new Error('there is no table yet');
    if (this.#snapshot === undefined) {
      const { seq, time, rows, values, stale } = this.#held;
      const columns = JSON.stringify(this.#selection.columns.map(({ metric }) => metric));
      const figures = values.map(figuresJson).join(',');
      const rest = `"seq":${seq},"time":${time},"columns":${columns},"rows":${JSON.stringify(rows)},"values":[${figures}],"stale":${figuresJson(stale)}}`;
      this.#snapshot = new Frame('snapshot', seq, Number.NaN, rest);
    }
    return this.#snapshot;
  }

  /** What changed since a table that was told; undefined where that is not known any more. */
  since(seq: number): readonly Frame[] | undefined {
    if (seq === this.seq) return [];
    const at = this.#kept.findIndex(({ after }) => after === seq);
    return at < 0 ? undefined : this.#kept.slice(at);
  }

  #keep(frame: Frame): void {
    this.#kept.at(-1)?.slim();
    this.#kept.push(frame);
    this.#keptBytes += frame.size;
    while (this.#keptBytes > KEPT_BYTES) this.#keptBytes -= this.#kept.shift()?.size ?? 0;
  }

  #moves(snapshot: Snapshot, old: Held | undefined): Moves {
    if (old !== undefined && old.source === snapshot.rows)
      return { rows: old.rows, order: old.order, gone: [], fresh: [], from: undefined };
    const source = snapshot.rows;
    const known = new Map(old?.rows.map((row, at) => [keyOf(row), at]));
    /** Of each of the snapshot's rows: the nearest that is wanted, itself or above it; its place in the old table. */
    const nearest = new Int32Array(source.length);
    const place = new Int32Array(source.length).fill(-1);
    const stays = new Uint8Array(old?.rows.length ?? 0);
    const added: number[] = [];
    for (const [at, row] of source.entries()) {
      const above = row.parent < 0 ? -1 : (nearest[row.parent] ?? -1);
      nearest[at] = above;
      if (!this.#selection.wants(row.id)) continue;
      nearest[at] = at;
      const was = known.get(keyOf(row)) ?? -1;
      const under = place[above] ?? -1;
      // Below another parent it is told anew: parents precede children.
      if (was >= 0 && old?.rows[was]?.parent === under && (above < 0 || under >= 0)) {
        place[at] = was;
        stays[was] = 1;
      } else added.push(at);
    }
    return this.#arrange(source, old, { nearest, place, stays, added });
  }

  #arrange(
    source: readonly Row[],
    old: Held | undefined,
    found: { nearest: Int32Array; place: Int32Array; stays: Uint8Array; added: readonly number[] },
  ): Moves {
    const { nearest, place, stays, added } = found;
    const gone: number[] = [];
    const moved = new Int32Array(stays.length).fill(-1);
    for (const [was, staying] of stays.entries()) {
      if (staying === 1) moved[was] = was - gone.length;
      else gone.push(was);
    }
    const kept = stays.length - gone.length;
    const order = new Int32Array(kept + added.length);
    const from = new Int32Array(order.length).fill(-1);
    const rows = new Array<LiveRow>(kept);
    for (const [was, to] of moved.entries()) {
      const row = old?.rows[was];
      if (to < 0 || row === undefined) continue;
      const parent = row.parent < 0 ? -1 : (moved[row.parent] ?? -1);
      rows[to] = parent === row.parent ? row : { ...row, parent };
      from[to] = was;
    }
    for (const [at, was] of place.entries()) if (was >= 0) order[moved[was] ?? -1] = at;
    /** Of each of the snapshot's rows its place in the new table. */
    const now = new Int32Array(source.length).fill(-1);
    for (const [to, at] of order.subarray(0, kept).entries()) now[at] = to;
    const fresh = added.flatMap((at, i) => {
      const row = source[at];
      if (row === undefined) return [];
      const above = row.parent < 0 ? -1 : (nearest[row.parent] ?? -1);
      order[kept + i] = at;
      now[at] = kept + i;
      return [{ ...row, parent: above < 0 ? -1 : (now[above] ?? -1), ...this.#knowledge.of(row) }];
    });
    return { rows: rows.concat(fresh), order, gone, fresh, from };
  }

  #gather(snapshot: Snapshot, column: ColumnInfo, order: Int32Array): Float64Array {
    const figures = this.#selection.figures === 'self' ? ownFiguresOf(snapshot, column) : figuresOf(snapshot, column);
    const values = new Float64Array(order.length);
    const made = column.rate || column.made !== undefined;
    for (let row = 0; row < order.length; row++) {
      const figure = figures?.[order[row] ?? -1] ?? Number.NaN;
      values[row] = made ? Math.round(figure * 1e4) / 1e4 : figure;
    }
    return values;
  }

  #flags(snapshot: Snapshot, order: Int32Array): Uint8Array {
    const frozen = this.#knowledge.frozen(snapshot) ?? NONE;
    const populated = this.#knowledge.populated(snapshot) ?? NONE;
    const flags = new Uint8Array(order.length);
    for (let row = 0; row < order.length; row++) {
      const at = order[row] ?? -1;
      flags[row] = flag(frozen[at]) | (flag(populated[at]) << POPULATED_SHIFT);
    }
    return flags;
  }
}

function keyOf({ id, generation }: Row): string {
  return `${generation} ${id}`;
}

const UNKNOWN = 0;
const YES = 2;
const POPULATED_SHIFT = 2;
const FLAG_MASK = 3;

function flag(figure = Number.NaN): number {
  return Number.isNaN(figure) ? UNKNOWN : figure >= 1 ? YES : 1;
}

function wordsOf(flags: number): Pick<LiveRow, 'frozen' | 'populated'> {
  const [frozen, populated] = [flags & FLAG_MASK, (flags >> POPULATED_SHIFT) & FLAG_MASK];
  return {
    ...(frozen !== UNKNOWN && { frozen: frozen === YES }),
    ...(populated !== UNKNOWN && { populated: populated === YES }),
  };
}

/** Rows with their flags; the same list where nothing is different. */
function withFlags(
  rows: readonly LiveRow[],
  flags: Uint8Array,
  old: Uint8Array,
  from: Int32Array | undefined,
): { readonly rows: readonly LiveRow[]; readonly changed: readonly RowChange[] } {
  let next: LiveRow[] | undefined;
  const changed: RowChange[] = [];
  for (let at = 0; at < flags.length; at++) {
    const now = flags[at] ?? UNKNOWN;
    const was = old[from === undefined ? at : (from[at] ?? -1)] ?? UNKNOWN;
    const row = rows[at];
    if (now === was || row === undefined) continue;
    next ??= [...rows];
    const { frozen, populated, ...rest } = row;
    next[at] = { ...rest, ...wordsOf(now) };
    changed.push({ at, ...wordsOf(now) });
  }
  return { rows: next ?? rows, changed };
}

function isNone(change: string): boolean {
  return change === 'null';
}

/** @param absent what rows had that were not there */
function changeJson(now: Float64Array, old: Float64Array, from: Int32Array | undefined, absent: number): string {
  const at: number[] = [];
  for (let row = 0; row < now.length; row++) {
    const was = old[from === undefined ? row : (from[row] ?? -1)] ?? absent;
    const is = now[row] ?? absent;
    if (is !== was && !(Number.isNaN(is) && Number.isNaN(was))) at.push(row);
  }
  if (at.length === 0) return 'null';
  if (at.length > now.length * MOST) return figuresJson(now);
  return `{"at":[${at.join(',')}],"to":${someFiguresJson(now, at)}}`;
}

/** Steps that double, so that ages of what nobody reads do not change all the time. */
function grade(age: number): number {
  return age < FRESH_SECONDS ? 0 : FRESH_SECONDS * 2 ** Math.floor(Math.log2(age / FRESH_SECONDS));
}
