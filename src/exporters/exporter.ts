/** Expositions of a snapshot, under native names and under cAdvisor's. */
import type { Registry } from '../controllers/registry.ts';
import { parseCgroupId } from '../hierarchy/id.ts';
import type { Host } from '../hierarchy/types.ts';
import { containerAt, unitOf } from '../identity/runtime.ts';
import { Births } from '../monitor/births.ts';
import { figuresOf } from '../monitor/columns.ts';
import { type MachineFacts, machineFacts } from '../monitor/facts.ts';
import type { EventTotal } from '../monitor/journal.ts';
import { Slices } from '../monitor/pause.ts';
import { type ProcessFigures, processFigures } from '../monitor/processes.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import { Afterlife } from './afterlife.ts';
import { CadvisorNames, type ContainerLabels, MACHINE, NETWORK, PROCESSES } from './cadvisor.ts';
import { budgeted, type Choice, selected, type Wish } from './choice.ts';
import type { Family } from './exposition.ts';
import { EVENTS, INFO, NativeNames } from './native.ts';
import type { Audience, Labels } from './parts.ts';
import type { View } from './view.ts';

/** Whose names. */
export type Names = 'native' | 'cadvisor';

/** What is to be written, {@link pages} of which are the exposition. */
export interface Exposed {
  readonly families: Iterable<Family>;
  readonly audience: Audience;
  /** Series that were left out for the budget. */
  readonly dropped: number;
}

export interface ExporterOptions {
  readonly registry: Registry;
  readonly host: Host;
  readonly version: string;
  events(): readonly EventTotal[];
  /** What to do with an error in the machine's figures, without which the rest is exported. */
  onError(error: unknown): void;
}

/** What can be asked for with `collect[]` beside the controllers' names. `service` is for who appends its own figures. */
export const COLLECTORS = [INFO, EVENTS, 'service', MACHINE, NETWORK, PROCESSES] as const;
export const SERVICE = COLLECTORS[2];

/** CPUs, memory and disks hardly ever change. */
const FACTS_MS = 60_000;

export class Exporter {
  readonly #options: ExporterOptions;
  readonly #native: NativeNames;
  readonly #cadvisor: CadvisorNames;
  readonly #afterlife: Afterlife;
  readonly #births: Births;
  #facts: { readonly machine: MachineFacts | undefined; readonly until: number } | undefined;

  constructor(options: ExporterOptions) {
    const { registry, host } = options;
    this.#options = options;
    this.#native = new NativeNames(registry, identityOf);
    this.#cadvisor = new CadvisorNames(registry, containerLabels);
    this.#afterlife = new Afterlife(registry);
    this.#births = new Births(host);
  }

  /** Names that `collect[]` takes. */
  get collectors(): readonly string[] {
    return [...this.#options.registry.controllers.map(({ name }) => name), ...COLLECTORS];
  }

  /**
   * @param keepGoneMs how long figures of groups that are gone stay
   * @param extra families that come last: the service's own
   */
  async expose(
    names: Names,
    snapshot: Snapshot,
    choice: Choice,
    wish: Wish,
    keepGoneMs: number,
    extra: readonly Family[] = [],
  ): Promise<Exposed> {
    const slices = new Slices();
    const events = this.#options.events();
    const dead = this.#afterlife.see(snapshot, events, keepGoneMs);
    const view: View = { snapshot, choice, wish, events, dead };
    const named = names === 'native' ? this.#native : this.#cadvisor;
    await named.prepare(snapshot);
    const all = named.subjects.audience(view);
    const whole = names === 'native' ? this.#native.families(view) : await this.#cadvisors(view);
    const chosen: Family[] = [];
    for (const family of selected(concat(whole, extra), all, wish.selectors)) {
      chosen.push(family);
      if (slices.due()) await slices.pause();
    }
    const { audience, dropped } = budgeted(chosen, snapshot.rows, all, choice.policy.series);
    return { families: [...chosen, droppedFamily(dropped)], audience, dropped };
  }

  async #cadvisors(view: View): Promise<Iterable<Family>> {
    return this.#cadvisor.families(view, await this.#surroundings(view));
  }

  async #surroundings({ snapshot, choice, wish }: View): Promise<Parameters<CadvisorNames['families']>[1]> {
    const { host, version } = this.#options;
    const network = choice.collects(NETWORK, wish);
    const descriptors = choice.collects(PROCESSES, wish);
    return {
      machine: this.#machine(),
      processes: await this.#processes(snapshot, { network, descriptors }),
      births: await this.#births.of(snapshot),
      pageSize: host.pageSize,
      version,
    };
  }

  #processes(snapshot: Snapshot, wish: { network: boolean; descriptors: boolean }): Promise<ProcessFigures> {
    const { host, registry } = this.#options;
    const [procs] = registry.statsByRole('procs');
    const populated = procs && figuresOf(snapshot, { metric: procs.stat.name, rate: false });
    const asked = wish.network || wish.descriptors;
    return processFigures(host, snapshot, asked ? (populated ?? []) : [], wish);
  }

  #machine(): MachineFacts | undefined {
    const now = performance.now();
    if (this.#facts === undefined || now >= this.#facts.until) {
      this.#facts = { machine: this.#readMachine(), until: now + FACTS_MS };
    }
    return this.#facts.machine;
  }

  #readMachine(): MachineFacts | undefined {
    try {
      return machineFacts(this.#options.host);
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }
}

function* concat<T>(...lists: readonly Iterable<T>[]): Generator<T> {
  for (const list of lists) yield* list;
}

const droppedFamily = (dropped: number): Family => ({
  name: 'cgctl_dropped_series',
  kind: 'gauge',
  help: 'Series of this exposition that were left out for the budget (metrics.series)',
  singles: [{ labels: {}, value: dropped }],
});

/** What tells a group's place beyond its path: the container that it is, the unit that it belongs to. */
function identityOf(id: string): Labels {
  const cgroup = parseCgroupId(id);
  const container = containerAt(cgroup);
  const unit = unitOf(cgroup);
  return {
    ...(container && { runtime: container.runtime, container: container.id }),
    ...(unit !== undefined && { unit }),
  };
}

/** The name is a container's id, and only its own group has it, as cAdvisor does for CRI runtimes; which image it has no path tells. */
function containerLabels(id: string): ContainerLabels {
  return { image: '', name: containerAt(parseCgroupId(id))?.id ?? '' };
}
