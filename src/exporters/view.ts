/** What the two families of names are made from: a snapshot, what is chosen of it, and what is known beside it. */
import type { StatEntry } from '../controllers/registry.ts';
import { rowSums } from '../monitor/columns.ts';
import type { EventTotal } from '../monitor/journal.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import type { DeadFigure } from './afterlife.ts';
import type { Choice, Wish } from './choice.ts';
import { Kept } from './kept.ts';
import { type Audience, type Labels, type Part, type Subject, subject, type Tails, tail } from './parts.ts';

export interface View {
  readonly snapshot: Snapshot;
  readonly choice: Choice;
  readonly wish: Wish;
  /** Counts of events, {@link EventTotal}. */
  readonly events: readonly EventTotal[];
  /** Last figures of groups that are gone. */
  readonly dead: readonly DeadFigure[];
}

/** Labels of each group. */
export class Subjects {
  readonly #known = new Kept<Subject>();
  readonly #labels: (id: string) => Labels;
  /** Of all groups that the operator chose, as most scrapes want. */
  #usual: { readonly rows: readonly Row[]; readonly choice: Choice; readonly audience: Audience } | undefined;

  constructor(labels: (id: string) => Labels) {
    this.#labels = labels;
  }

  audience({ snapshot, choice, wish }: View): Audience {
    const { rows } = snapshot;
    if (wish.groups.length > 0) return this.#audience(snapshot, choice, wish);
    if (this.#usual?.rows !== rows || this.#usual.choice !== choice)
      this.#usual = { rows, choice, audience: this.#audience(snapshot, choice, wish) };
    return this.#usual.audience;
  }

  #audience(snapshot: Snapshot, choice: Choice, wish: Wish): Audience {
    const { rows } = snapshot;
    const shown = choice.rows(snapshot, wish);
    const subjects = new Array<Subject | undefined>(rows.length).fill(undefined);
    for (const at of shown) {
      const id = rows[at]?.id;
      if (id !== undefined) subjects[at] = this.of(id);
    }
    return { rows: shown, subjects };
  }

  of(id: string): Subject {
    return this.#known.get(id, () => subject(this.#labels(id)));
  }

  /** Forgets, when far more was made than there are groups. */
  trim(groups: number): void {
    this.#known.trim(groups);
  }
}

/** Tails of figures that a text each tells apart. */
export function tailsOf(texts: readonly string[], labels: (text: string) => Labels): Tails {
  const made = new Map<string, number>();
  const which = new Int32Array(texts.length);
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] ?? '';
    let found = made.get(text);
    if (found === undefined) {
      found = made.size;
      made.set(text, found);
    }
    which[at] = found;
  }
  return { tails: Array.from(made.keys(), (text) => tail(labels(text))), which };
}

/**
 * A stat's figures as a part, if this host has any.
 * @param labels of a keyed stat's figure, by its key; one without a key has none
 */
export function partOf(
  { snapshot, choice }: View,
  { stat: { name, kind, label } }: StatEntry,
  labels: (key: string) => Labels,
): Part | undefined {
  const column = snapshot.columns.get(name);
  if (column !== undefined) return { values: column, tail: tail(labels('')) };
  const keyed = snapshot.keyed.get(name);
  if (keyed === undefined || label === undefined) return undefined;
  const { row, value: values } = keyed;
  if (choice.label(label) === 'sum')
    // Gauges of devices do not add up.
    return kind === 'counter' ? { values: rowSums(keyed, snapshot.rows.length), tail: tail(labels('')) } : undefined;
  return { values, row, ...tailsOf(keyed.label, labels) };
}
