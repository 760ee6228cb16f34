/** Native names: `cgroup_` and the declared name, with the labels `cgroup` and the stat's own. */
import type { Registry, StatEntry } from '../controllers/registry.ts';
import type { EventTotal } from '../monitor/journal.ts';
import { Slices } from '../monitor/pause.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import type { Family } from './exposition.ts';
import { Kept } from './kept.ts';
import { type KeyedPart, type Labels, type Tail, tail } from './parts.ts';
import { indexOf, onceFor } from './rows.ts';
import { partOf, Subjects, tailsOf, type View } from './view.ts';

const PREFIX = 'cgroup_';

/** Collectors beside the controllers. */
export const INFO = 'info';
export const EVENTS = 'events';

/** Identity of a group beyond its path, for `cgroup_info`. */
export type Identity = (id: string) => Labels;

export class NativeNames {
  readonly subjects = new Subjects((id) => ({ cgroup: id }));
  readonly #stats: readonly StatEntry[];
  readonly #identity: Identity;
  readonly #infos = new Kept<Tail>();
  readonly #info = onceFor((rows: readonly Row[]): KeyedPart => {
    const each = Int32Array.from(rows.keys());
    const tails = rows.map((row) => this.#infoOf(row));
    return { values: new Float64Array(rows.length).fill(1), row: each, tails, which: each };
  });
  #prepared: readonly Row[] | undefined;

  constructor(registry: Registry, identity: Identity = () => ({})) {
    this.#stats = registry.allStats();
    this.#identity = identity;
  }

  /** Makes the labels of groups that are new, in slices. */
  async prepare({ rows }: Snapshot): Promise<void> {
    if (rows === this.#prepared) return;
    this.#infos.trim(rows.length);
    this.subjects.trim(rows.length);
    const slices = new Slices();
    for (const row of rows) {
      this.subjects.of(row.id);
      this.#infoOf(row);
      if (slices.due()) await slices.pause();
    }
    this.#prepared = rows;
  }

  /** In the order of declaration, rows in the snapshot's. */
  *families(view: View): Generator<Family> {
    const { choice, wish, dead } = view;
    if (choice.collects(INFO, wish)) {
      const parts = [this.#info(view.snapshot.rows)];
      yield { name: `${PREFIX}info`, kind: 'gauge', help: 'What a group is; always 1', parts };
    }
    for (const entry of this.#stats) {
      const { name, kind, help, unit, label } = entry.stat;
      const part = choice.stat(entry, wish) ? partOf(view, entry, keyLabel(label)) : undefined;
      if (part === undefined) continue;
      const singles = dead
        .filter(({ stat, id }) => stat === name && choice.path(id, wish))
        .map(({ id, value }) => ({ labels: { cgroup: id }, value }));
      yield { name: PREFIX + name, kind, help, unit, parts: [part], singles };
    }
    if (choice.collects(EVENTS, wish)) yield eventFamily(view);
  }

  #infoOf({ id, generation }: Row): Tail {
    const make = () => tail({ generation, ...this.#identity(id) });
    const known = this.#infos.get(id, make);
    return known.labels.generation === generation ? known : this.#infos.set(id, make());
  }
}

const keyLabel =
  (label: string | undefined) =>
  (key: string): Labels =>
    label === undefined || key === '' ? {} : { [label]: key };

function eventFamily({ snapshot, events, choice, wish }: View): Family {
  const { part, others } = sortedEvents(events)(snapshot.rows);
  return {
    name: `${PREFIX}events_total`,
    kind: 'counter',
    help: 'Events that the service saw; a group that is gone is kept for a while',
    parts: [part],
    singles: others
      .filter(({ cgroup }) => !cgroup.startsWith('/') || choice.path(cgroup, wish))
      .map(({ kind, cgroup, count }) => ({ labels: { cgroup, kind }, value: count })),
  };
}

/** Those of groups that have a row, and the others. */
const sortedEvents = onceFor((events: readonly EventTotal[]) =>
  onceFor((rows: readonly Row[]): { readonly part: KeyedPart; readonly others: readonly EventTotal[] } => {
    const index = indexOf(rows);
    const here: EventTotal[] = [];
    const others: EventTotal[] = [];
    for (const event of events) (index.has(event.cgroup) ? here : others).push(event);
    const part = {
      values: Float64Array.from(here, ({ count }) => count),
      row: Int32Array.from(here, ({ cgroup }) => index.get(cgroup) ?? -1),
      ...tailsOf(
        here.map(({ kind }) => kind),
        (kind) => ({ kind }),
      ),
    };
    return { part, others };
  }),
);
