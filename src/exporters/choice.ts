/** What of a snapshot is exported: the operator's policy first, then what a scrape asks for. */
import type { LabelName } from '../controllers/controller.ts';
import type { StatEntry } from '../controllers/registry.ts';
import type { Matches } from '../parse/pattern.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import type { Family } from './exposition.ts';
import { Kept } from './kept.ts';
import type { Audience, Labels, Part, Subject, Tail } from './parts.ts';
import type { Selector } from './selector.ts';

/** The operator's choice. */
export interface Policy {
  /** Patterns of groups; without one, all. */
  readonly include: readonly Matches[];
  readonly exclude: readonly Matches[];
  /** Levels below the root. */
  readonly depth: number;
  /** `leaves`: groups without children. `rollup`: groups below which nothing else is shown. */
  readonly groups: 'all' | 'leaves' | 'rollup';
  /** Names of controllers; without one, all. */
  readonly collect: readonly string[];
  /** Names of controllers and other collectors. */
  readonly skip: readonly string[];
  readonly perCpu: boolean;
  readonly perDevice: boolean;
  /** Most series of one exposition. */
  readonly series: number;
}

/** What a scrape asks for. */
export interface Wish {
  /** Names of controllers and of the other collectors; undefined: all. */
  readonly collect: ReadonlySet<string> | undefined;
  readonly groups: readonly Matches[];
  readonly selectors: readonly Selector[];
}

export const EVERYTHING: Wish = { collect: undefined, groups: [], selectors: [] };

/** A policy with what it has found out about paths. */
export class Choice {
  readonly policy: Policy;
  readonly #known = new Kept<boolean>();

  constructor(policy: Policy) {
    this.policy = policy;
  }

  /** Whether the policy and a wish leave a collector in. */
  collects(name: string, { collect }: Wish): boolean {
    return !this.policy.skip.includes(name) && (collect?.has(name) ?? true);
  }

  stat({ controller: { name }, stat: { label } }: StatEntry, wish: Wish): boolean {
    const { collect } = this.policy;
    const chosen = collect.length === 0 || collect.includes(name);
    return chosen && this.label(label) !== 'none' && this.collects(name, wish);
  }

  /** What becomes of the figures that a label tells apart: a CPU's have a total of their own, a device's are added up. */
  label(label: LabelName | undefined): 'each' | 'sum' | 'none' {
    const { perCpu, perDevice } = this.policy;
    const single: Partial<Record<LabelName, 'each' | 'sum' | 'none'>> = {
      cpu: perCpu ? 'each' : 'none',
      device: perDevice ? 'each' : 'sum',
    };
    return (label && single[label]) ?? 'each';
  }

  /** Whether a path is within the policy and the wish; of groups that are gone no more is known. */
  path(id: string, { groups }: Wish): boolean {
    const { include, exclude } = this.policy;
    return (
      (include.length === 0 || include.some((matches) => matches(id))) &&
      !exclude.some((matches) => matches(id)) &&
      (groups.length === 0 || groups.some((matches) => matches(id)))
    );
  }

  /** The rows that are shown, in order. */
  rows({ rows }: Snapshot, wish: Wish): Int32Array {
    this.#known.trim(rows.length);
    const shown = new Uint8Array(rows.length);
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at];
      if (row !== undefined && this.#admits(row) && this.#wished(row, wish)) shown[at] = 1;
    }
    const { groups } = this.policy;
    const inner = groups === 'all' ? undefined : inside(rows, groups === 'leaves' ? undefined : shown);
    const chosen = new Int32Array(rows.length);
    let length = 0;
    for (let at = 0; at < rows.length; at++) if (shown[at] === 1 && inner?.[at] !== 1) chosen[length++] = at;
    return chosen.subarray(0, length);
  }

  #admits(row: Row): boolean {
    return row.depth <= this.policy.depth && this.#known.get(row.id, () => this.path(row.id, EVERYTHING));
  }

  #wished({ id }: Row, { groups }: Wish): boolean {
    return groups.length === 0 || groups.some((matches) => matches(id));
  }
}

/** 1 for rows that have descendants; of those that are marked, where marks are given. Parents precede children. */
export function inside(rows: readonly Row[], marked?: Uint8Array): Uint8Array {
  const inner = new Uint8Array(rows.length);
  for (let at = rows.length - 1; at >= 0; at--) {
    const parent = rows[at]?.parent ?? -1;
    if (parent >= 0 && (marked === undefined || marked[at] === 1 || inner[at] === 1)) inner[parent] = 1;
  }
  return inner;
}

/** Families with what a scrape's selectors leave of them: a series is shown when one of them takes it. */
export function* selected(
  families: Iterable<Family>,
  { rows, subjects }: Audience,
  selectors: readonly Selector[],
): Generator<Family> {
  if (selectors.length === 0) return yield* families;
  const judges = selectors.map((selector) => new Judge(selector, rows, subjects));
  for (const family of families) {
    const here = judges.filter(({ selector }) => selector.name(family.name));
    yield {
      ...family,
      parts: here.length === 0 ? [] : (family.parts ?? []).map((part) => judged(part, here)),
      singles: (family.singles ?? []).filter(({ name = family.name, labels }) =>
        judges.some((judge) => judge.selector.name(name) && judge.takes(labels)),
      ),
    };
  }
}

/** A selector, and what it says to each row; what is left of it is about tails. */
class Judge {
  readonly selector: Selector;
  readonly #rows: Uint8Array;
  readonly #rest: Selector['labels'];
  readonly #tails = new Map<Tail | undefined, boolean>();

  constructor(selector: Selector, rows: Int32Array, subjects: readonly (Subject | undefined)[]) {
    this.selector = selector;
    const own = Object.keys(subjects[rows[0] ?? -1]?.labels ?? {});
    const about = selector.labels.filter(({ label }) => own.includes(label));
    this.#rest = selector.labels.filter(({ label }) => !own.includes(label));
    this.#rows = Uint8Array.from(subjects, (whose) =>
      Number(whose !== undefined && about.every(({ label, holds }) => holds(whose.labels[label] ?? ''))),
    );
  }

  row(row: number): boolean {
    return this.#rows[row] === 1;
  }

  tail(tail: Tail | undefined): boolean {
    let takes = this.#tails.get(tail);
    if (takes === undefined) {
      takes = this.#rest.every(({ label, holds }) => holds(tail?.labels[label] ?? ''));
      this.#tails.set(tail, takes);
    }
    return takes;
  }

  takes(labels: Labels): boolean {
    return this.selector.labels.every(({ label, holds }) => holds(labels[label] ?? ''));
  }
}

function judged(part: Part, judges: readonly Judge[]): Part {
  const takes = (row: number, tail: Tail | undefined) => judges.some((judge) => judge.row(row) && judge.tail(tail));
  const values =
    'row' in part
      ? part.values.map((value, at) =>
          takes(part.row[at] ?? -1, part.tails[part.which[at] ?? -1]) ? value : Number.NaN,
        )
      : part.values.map((value, row) => (takes(row, part.tail) ? value : Number.NaN));
  return { ...part, values };
}

/** An audience within a budget of series, and how many series were left out for it. */
export interface Budgeted {
  readonly audience: Audience;
  readonly dropped: number;
}

/** Leaves whole groups out where there are too many series: the deepest first, and always the same ones. */
export function budgeted(
  families: readonly Family[],
  rows: readonly Row[],
  audience: Audience,
  budget: number,
): Budgeted {
  const most = families.reduce(
    (sum, { parts = [], singles = [] }) =>
      parts.reduce((all, part) => all + ('row' in part ? part.row.length : audience.rows.length), sum + singles.length),
    0,
  );
  if (most <= budget) return { audience, dropped: 0 };
  const counts = seriesOf(families, rows.length, audience);
  let left = budget - families.reduce((sum, { singles = [] }) => sum + singles.length, 0);
  let dropped = 0;
  const kept = new Set<number>();
  for (const row of audience.rows.toSorted((a, b) => (rows[a]?.depth ?? 0) - (rows[b]?.depth ?? 0) || a - b)) {
    const count = counts[row] ?? 0;
    if (dropped === 0 && count <= left) {
      left -= count;
      kept.add(row);
    } else dropped += count;
  }
  return {
    audience: {
      rows: audience.rows.filter((row) => kept.has(row)),
      subjects: audience.subjects.map((whose, row) => (kept.has(row) ? whose : undefined)),
    },
    dropped,
  };
}

/** How many series each row has. */
function seriesOf(families: readonly Family[], length: number, { rows }: Audience): Int32Array {
  const counts = new Int32Array(length);
  for (const part of families.flatMap(({ parts = [] }) => parts)) {
    const many = 'row' in part ? part.row : rows;
    for (let at = 0; at < many.length; at++) {
      const row = many[at] ?? -1;
      if (!Number.isNaN(part.values['row' in part ? at : row] ?? Number.NaN)) counts[row] = (counts[row] ?? 0) + 1;
    }
  }
  return counts;
}
