/**
 * The read programme: from the declarations, which files of a group are read, how often, and where the figures in them go. A
 * file is read once however many stats it feeds.
 */
import {
  alternatives,
  type Controller,
  type Format,
  type LabelName,
  type Role,
  type Source,
  type Stat,
} from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { candidates, keysOf } from '../hierarchy/locate.ts';
import type { Layout } from '../hierarchy/types.ts';
import type { Wanted } from './formats.ts';

/** A stat that has a source on this host. */
export interface Column {
  readonly controller: string;
  readonly stat: Stat;
  readonly label: LabelName | undefined;
  /** Hierarchy (index in the layout) and source, the first to be preferred. */
  readonly sources: readonly Place[];
}
interface Place {
  readonly hierarchy: number;
  readonly source: Source;
  readonly pace: Pace;
}

/**
 * When a figure is worth reading: each time; when something that is read each time has moved, else within a bound; the same within a
 * longer one, since nothing else is known to move it; when somebody may have written it, or the kernel has told of a change.
 */
export const PACES = ['tick', 'activity', 'still', 'setting'] as const;
export type Pace = (typeof PACES)[number];

/** What a group uses: it shows whether the rest can have changed, and costs little. */
const EACH_TICK: readonly Role[] = ['cpu.usage', 'memory.usage', 'pids.current'];

/** One file of a group. */
export interface Step {
  /** In the programme's steps. */
  readonly index: number;
  readonly hierarchy: number;
  readonly file: string;
  readonly pace: Pace;
  /** Files of lower rank are read more often. */
  readonly rank: number;
  readonly wanted: readonly Wanted[];
  /** Of each figure that is wanted: index in the programme's columns. */
  readonly columns: readonly number[];
  /** Of each figure, the label that the file's name gives. */
  readonly keys: readonly (string | undefined)[];
}

/** Steps of a group by their pace. */
export interface Paced extends Readonly<Record<Pace, readonly Step[]>> {
  /** All of what shows whether the rest can have changed is read each time. */
  readonly telling: boolean;
}

/** What is known of a group in one hierarchy. */
export interface Presence {
  /** The kernel's root of that hierarchy. */
  readonly root: boolean;
  /** Names of its control files. */
  readonly files: readonly string[];
  /** Tells lists of names apart. */
  readonly signature: string;
}

interface Draft {
  readonly hierarchy: number;
  readonly file: string;
  readonly paces: Pace[];
  readonly wanted: Wanted[];
  readonly columns: number[];
  readonly keys: (string | undefined)[];
}

export class Programme {
  readonly columns: readonly Column[];
  readonly #pageSize: number;
  readonly #steps: Step[] = [];
  /** By presences' numbers. */
  readonly #resolved = new Map<string, readonly Step[]>();
  readonly #bySignature = new Map<string, number>();
  /** Presences are often shared, and their signatures long. */
  readonly #byPresence = new WeakMap<Presence, number>();
  readonly #byFile = new Map<string, Step>();
  readonly #byPace = new WeakMap<readonly Step[], Paced>();

  /** @param pageSize in bytes */
  constructor(layout: Layout, registry: Registry, pageSize: number) {
    this.#pageSize = pageSize;
    const told = toldStates(registry);
    this.columns = registry
      .allStats()
      .map(({ controller, stat }): Column => {
        const sources = candidates(layout, controller, stat).flatMap(({ slot: source, hierarchies }) => {
          const pace = paceOf(controller, stat, source, told.has(stateIn(source)));
          return hierarchies.map((h) => ({ hierarchy: layout.hierarchies.indexOf(h), source, pace }));
        });
        return { controller: controller.name, stat, label: stat.label, sources };
      })
      .filter(({ sources }) => sources.length > 0);
  }

  /** Every step that some group has; it grows. */
  get steps(): readonly Step[] {
    return this.#steps;
  }

  /**
   * What to read of a group. Alternatives are resolved by the files that are there; groups alike share their steps.
   * @param presences by hierarchy; undefined where the group is not
   */
  stepsFor(presences: readonly (Presence | undefined)[]): readonly Step[] {
    const key = presences.map((here) => here && this.#numberOf(here)).join();
    let steps = this.#resolved.get(key);
    if (steps === undefined) {
      steps = this.#resolve(presences);
      this.#resolved.set(key, steps);
    }
    return steps;
  }

  /** A group's steps by pace. @param steps as from {@link stepsFor} */
  paced(steps: readonly Step[]): Paced {
    let paced = this.#byPace.get(steps);
    if (paced === undefined) {
      const at = (pace: Pace) => steps.filter((step) => step.pace === pace);
      const roles = at('tick').flatMap(({ columns }) => columns.map((column) => this.columns[column]?.stat.role));
      const telling = EACH_TICK.every((role) => roles.includes(role));
      paced = { tick: at('tick'), activity: at('activity'), still: at('still'), setting: at('setting'), telling };
      this.#byPace.set(steps, paced);
    }
    return paced;
  }

  #numberOf(presence: Presence): number {
    let number = this.#byPresence.get(presence);
    if (number === undefined) {
      number = this.#bySignature.get(presence.signature) ?? this.#bySignature.size;
      this.#bySignature.set(presence.signature, number);
      this.#byPresence.set(presence, number);
    }
    return number;
  }

  #resolve(presences: readonly (Presence | undefined)[]): readonly Step[] {
    const names = presences.map((here) => new Set(here?.files));
    const drafts = new Map<string, Draft>();
    for (const [column, { stat, sources }] of this.columns.entries()) {
      for (const { hierarchy, source, pace } of sources) {
        const here = presences[hierarchy];
        if (here === undefined || !inScope(stat, here)) continue;
        const found = filesOf(source, here.files, names[hierarchy] ?? new Set());
        for (const { file, key } of found) {
          const id = `${hierarchy}/${file}`;
          const draft = drafts.get(id) ?? { hierarchy, file, paces: [], wanted: [], columns: [], keys: [] };
          drafts.set(id, draft);
          const per = source.pages ? 1 / this.#pageSize : source.per;
          draft.wanted.push({ ...source, format: within(source.format), ...(per !== undefined && { per }) });
          draft.columns.push(column);
          draft.paces.push(pace);
          draft.keys.push(key);
        }
        if (found.length > 0) break;
      }
    }
    return [...drafts].map(([id, draft]) => this.#step(id, draft));
  }

  /** Groups that differ in other files have this one in common. */
  #step(id: string, draft: Draft): Step {
    const key = `${id} ${draft.columns}`;
    let step = this.#byFile.get(key);
    if (step === undefined) {
      const { paces, ...rest } = draft;
      // The file is read as often as the figure in it that moves most.
      const order = Math.min(...paces.map((pace) => PACES.indexOf(pace)));
      const rank = order * this.columns.length + Math.min(...draft.columns);
      step = { ...rest, index: this.#steps.length, pace: PACES[order] ?? 'tick', rank };
      this.#steps.push(step);
      this.#byFile.set(key, step);
    }
    return step;
  }
}

function paceOf(controller: Controller, { role, setting, still }: Stat, source: Source, told: boolean): Pace {
  if (role !== undefined && EACH_TICK.includes(role)) return 'tick';
  if (setting || told) return 'setting';
  return (source.still ?? still ?? controller.still) ? 'still' : 'activity';
}

/** What the kernel tells of by itself: states in files that are modified then. */
function toldStates(registry: Registry): ReadonlySet<string | undefined> {
  const sources = registry.allEvents().flatMap(({ event }) => alternatives(event.v2));
  return new Set(
    sources.flatMap(({ file, mechanism, state }) =>
      mechanism === 'modify' && state !== undefined ? [`${file} ${state}`] : [],
    ),
  );
}

const stateIn = ({ file, format }: Source): string | undefined =>
  format.at === 'flat' ? `${file} ${format.key}` : undefined;

/** The files that hold a source's figures: one, one a key, or none. */
function filesOf(
  { file, format }: Source,
  files: readonly string[],
  names: ReadonlySet<string>,
): { file: string; key?: string }[] {
  if (format.at !== 'files') return names.has(file) ? [{ file }] : [];
  return keysOf(files, file).map((key) => ({ file: file.replace('{key}', key), key }));
}

/** The format of what is in one of the files. */
function within(format: Format): Format {
  if (format.at !== 'files') return format;
  return format.key === undefined ? { at: 'scalar' } : { at: 'flat', key: format.key };
}

function inScope({ scope = 'any' }: Stat, { root }: Presence): boolean {
  return scope === 'any' || root === (scope === 'root');
}
