/** cAdvisor's names, with its labels `id`, `image` and `name`; without timestamps, which would keep the series of a group that is gone. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { HOST_FAMILIES, type HostFamily } from '../controllers/cadvisor.ts';
import type { Cadvisor, LabelName, Unit } from '../controllers/controller.ts';
import { cadvisorOf } from '../controllers/derive.ts';
import type { Registry, StatEntry } from '../controllers/registry.ts';
import { figuresOf } from '../monitor/columns.ts';
import type { MachineFacts } from '../monitor/facts.ts';
import { Slices } from '../monitor/pause.ts';
import type { Interface, ProcessFigures } from '../monitor/processes.ts';
import type { NetCounters } from '../parse/procfs.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import { inside } from './choice.ts';
import type { Family, Single } from './exposition.ts';
import { type Labels, type Part, tail } from './parts.ts';
import { partOf, Subjects, tailsOf, type View } from './view.ts';

/** Labels of a group beside `id`: empty where they are not known, as cAdvisor has them. */
export interface ContainerLabels {
  readonly image: string;
  readonly name: string;
}

/** What no control file says. */
export interface Surroundings {
  /** Undefined when it could not be read. */
  readonly machine: MachineFacts | undefined;
  readonly processes: ProcessFigures;
  /** When groups were made, by row. */
  readonly births: Float64Array;
  readonly pageSize: number;
  readonly version: string;
}

/** Collectors beside the controllers. */
export const MACHINE = 'machine';
export const NETWORK = 'network';
export const PROCESSES = 'processes';

interface Use {
  readonly entry: StatEntry;
  readonly word: Cadvisor;
}

export class CadvisorNames {
  readonly subjects: Subjects;
  readonly #registry: Registry;
  readonly #names: (id: string) => ContainerLabels;
  readonly #uses = new Map<string, [Use, ...Use[]]>();

  constructor(registry: Registry, names: (id: string) => ContainerLabels) {
    this.#registry = registry;
    this.#names = names;
    this.subjects = new Subjects((id) => this.#labels(id));
    for (const entry of registry.allStats()) {
      for (const word of cadvisorOf(entry.stat)) {
        const uses = this.#uses.get(word.name);
        if (uses === undefined) this.#uses.set(word.name, [{ entry, word }]);
        else uses.push({ entry, word });
      }
    }
  }

  /** Makes the labels of groups that are new, in slices. */
  async prepare({ rows }: Snapshot): Promise<void> {
    this.subjects.trim(rows.length);
    const slices = new Slices();
    for (const { id } of rows) {
      this.subjects.of(id);
      if (slices.due()) await slices.pause();
    }
  }

  /** Families of groups in the order of declaration, then those of processes and of the machine. */
  *families(view: View, around: Surroundings): Generator<Family> {
    const figures = new Figures(view, around, this.#registry);
    for (const [name, uses] of this.#uses) yield this.#family(name, uses, view, figures);
    yield* hostFamilies(view, around);
  }

  #family(name: string, uses: readonly [Use, ...Use[]], view: View, figures: Figures): Family {
    const [{ entry, word }] = uses;
    const here = uses.filter((use) => view.choice.stat(use.entry, view.wish));
    return {
      name,
      kind: entry.stat.kind,
      help: word.help ?? entry.stat.help,
      unit: entry.stat.unit,
      parts: here.flatMap((use) => figures.part(use) ?? []),
      singles: here.flatMap(({ entry: { stat } }) =>
        view.dead
          .filter((dead) => dead.stat === stat.name && view.choice.path(dead.id, view.wish))
          .map(({ id, value }) => ({ labels: this.#labels(id), value })),
      ),
    };
  }

  #labels(id: string): Labels {
    return { id, ...this.#names(id) };
  }
}

/** A snapshot's figures as cAdvisor gives them. */
class Figures {
  readonly #view: View;
  readonly #around: Surroundings;
  readonly #registry: Registry;
  readonly #inner: Uint8Array;

  constructor(view: View, around: Surroundings, registry: Registry) {
    this.#registry = registry;
    this.#view = view;
    this.#around = around;
    this.#inner = inside(view.snapshot.rows);
  }

  part({ entry, word }: Use): Part | undefined {
    const { stat } = entry;
    const part = partOf(this.#view, entry, (key) => this.#labels(stat.label, key, word));
    if (part === undefined) return undefined;
    const rowOf = (at: number): number => ('row' in part ? (part.row[at] ?? -1) : at);
    const change = this.#change(word);
    return change === undefined ? part : { ...part, values: part.values.map((value, at) => change(value, rowOf(at))) };
  }

  /** Undefined where nothing is to be done. */
  #change(word: Cadvisor): ((value: number, row: number) => number) | undefined {
    const { less, sum, unless, leaf, unit, unlimited, decode } = word;
    const column = (name: string) => figuresOf(this.#view.snapshot, { metric: name, rate: false });
    const steps: ((value: number, row: number) => number)[] = [];
    if (sum !== undefined) {
      const parts = sum.map(column);
      const total = (row: number) => parts.reduce((all, part) => all + (part?.[row] ?? Number.NaN), 0);
      steps.push((value, row) => (Number.isNaN(value) ? total(row) : value));
    }
    if (less !== undefined) {
      const other = column(less);
      steps.push((value, row) => Math.max(0, value - (other?.[row] ?? Number.NaN)));
    }
    if (leaf) steps.push((value, row) => (this.#inner[row] === 1 ? Number.NaN : value));
    const other = unless !== undefined && this.#served(unless) ? column(unless) : undefined;
    if (other !== undefined) steps.push((value, row) => (Number.isNaN(other[row] ?? Number.NaN) ? value : Number.NaN));
    if (unlimited !== undefined) {
      const instead = unlimited === 'zero' ? 0 : Number.NaN;
      steps.push((value) => (value === Number.POSITIVE_INFINITY ? instead : value));
    }
    if (unit === 'microseconds') steps.push((value) => Math.round(value * 1e6));
    if (unit === 'pages') steps.push((value) => value / this.#around.pageSize);
    if (decode !== undefined)
      steps.push((value) => (Number.isNaN(value) ? value : (decode(String(value)) ?? Number.NaN)));
    if (steps.length === 0) return undefined;
    return (value, row) => steps.reduce((now, step) => step(now, row), value);
  }

  /** Whether a stat's figures are exported here: not so where the operator has them left out. */
  #served(name: string): boolean {
    return this.#view.choice.label(this.#registry.findStat(name)?.stat.label) === 'each';
  }

  #labels(label: LabelName | undefined, key: string, { labels, numbered }: Cadvisor): Labels {
    if (label === undefined || key === '') return labels ?? {};
    const text = label in SPELLING ? (SPELLING[label]?.(key) ?? key) : key;
    const [major = '', minor = ''] = (this.#around.machine?.devices.get(key) ?? key).split(':');
    return { ...labels, [label]: text, ...(numbered && { major, minor }) };
  }
}

/** How cAdvisor writes the keys of some labels. */
const SPELLING: Partial<Record<LabelName, (key: string) => string>> = {
  device: (name) => (name.includes(':') ? name : `/dev/${name}`),
  cpu: (number) => `cpu${number.padStart(2, '0')}`,
};

function hostFamilies(view: View, { machine, processes, births, version }: Surroundings): Family[] {
  const { snapshot, choice, wish } = view;
  const { descriptors, sockets, openFiles, network } = processes;
  const column = (family: HostFamily, values: Float64Array, labels: Labels = {}): Family => ({
    ...headOf(family),
    parts: [{ values, tail: tail(labels) }],
  });
  const one = (family: HostFamily, value: number, labels: Labels = {}): Family => many(family, [{ labels, value }]);
  const {
    bootTime = Number.NaN,
    cpus = Number.NaN,
    physicalCores = Number.NaN,
    sockets: packages = Number.NaN,
    memoryBytes = Number.NaN,
    swapBytes = Number.NaN,
    nodes = [],
  } = machine ?? {};
  const started = births.map((seconds, row) => (snapshot.rows[row]?.parent === -1 ? bootTime : seconds));
  const f = HOST_FAMILIES;
  return [
    column(f.start, started),
    column(f.seen, new Float64Array(snapshot.rows.length).fill(Math.floor(snapshot.time / 1000))),
    one(f.scrapeError, Number(snapshot.errors.size > 0)),
    ...(choice.collects(PROCESSES, wish)
      ? [
          column(f.descriptors, descriptors),
          column(f.sockets, sockets),
          column(f.ulimits, openFiles, { ulimit: 'max_open_files' }),
        ]
      : []),
    ...(choice.collects(NETWORK, wish) ? INTERFACES.map((one) => interfaces(one, network)) : []),
    ...(choice.collects(MACHINE, wish)
      ? [
          one(f.cores, cpus),
          one(f.physicalCores, physicalCores),
          one(f.packages, packages),
          one(f.memory, memoryBytes),
          one(f.swap, swapBytes),
          many(
            f.nodeMemory,
            nodes.map((node) => ({ labels: { node_id: String(node.node) }, value: node.memoryBytes })),
          ),
          many(
            f.nodeDistance,
            nodes.flatMap(({ node, distances }) =>
              distances.map((value, at) => ({
                labels: { node_id: String(node), target_node_id: String(nodes[at]?.node ?? at) },
                value,
              })),
            ),
          ),
          many(
            f.nodeHugepages,
            nodes.flatMap(({ node, hugepages }) =>
              [...hugepages].map(([size, value]) => ({ labels: { node_id: String(node), page_size: size }, value })),
            ),
          ),
          one(f.machineError, Number(machine === undefined)),
          one(f.version, 1, {
            cadvisorRevision: '',
            cadvisorVersion: `cgctl ${version}`,
            dockerVersion: '',
            kernelVersion: release(),
            osVersion: osName(),
          }),
        ]
      : []),
  ];
}

const INTERFACES: readonly (readonly [HostFamily, 'receive' | 'transmit', keyof NetCounters])[] = [
  [HOST_FAMILIES.receivedBytes, 'receive', 'bytes'],
  [HOST_FAMILIES.receivedPackets, 'receive', 'packets'],
  [HOST_FAMILIES.receivedDropped, 'receive', 'dropped'],
  [HOST_FAMILIES.receivedErrors, 'receive', 'errors'],
  [HOST_FAMILIES.transmittedBytes, 'transmit', 'bytes'],
  [HOST_FAMILIES.transmittedPackets, 'transmit', 'packets'],
  [HOST_FAMILIES.transmittedDropped, 'transmit', 'dropped'],
  [HOST_FAMILIES.transmittedErrors, 'transmit', 'errors'],
];

function interfaces([family, way, what]: (typeof INTERFACES)[number], network: ProcessFigures['network']): Family {
  const all = [...network].flatMap(([row, here]) => here.map((one: Interface) => ({ row, one })));
  return {
    ...headOf(family),
    parts: [
      {
        values: Float64Array.from(all, ({ one }) => one[way][what]),
        row: Int32Array.from(all, ({ row }) => row),
        ...tailsOf(
          all.map(({ one }) => one.name),
          (name) => ({ interface: name }),
        ),
      },
    ],
  };
}

function headOf({ name, kind, help }: HostFamily): Pick<Family, 'name' | 'kind' | 'help' | 'unit'> {
  const unit = (['seconds', 'bytes'] as const).find((candidate) =>
    name.replace(/_total$/, '').endsWith(`_${candidate}`),
  );
  return { name, kind, help, ...(unit && { unit: unit satisfies Unit }) };
}

const many = (family: HostFamily, singles: readonly Single[]): Family => ({ ...headOf(family), singles });

/** os-release(5). */
function osName(): string {
  const file = ['/etc/os-release', '/usr/lib/os-release'].find((path) => existsSync(path));
  const text = file === undefined ? '' : readFileSync(file, 'utf8');
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? '';
}
