/** What the service tells the pane: of its declarations, of the machine, of one group. */
import type { ChartInfo } from '../../protocol/chart.ts';

/** A setting as `/api/v1/controllers` declares it. */
export interface KnobInfo {
  readonly key: string;
  readonly flag?: string;
  readonly help: string;
  readonly role?: string;
  readonly means: readonly string[];
  readonly type: TypeInfo;
}

export interface TypeInfo {
  readonly kind: string;
  readonly unit?: string;
  /** Range and unit, for people. */
  readonly about: string;
  readonly schema: Schema;
  /** Of a list: what its numbers are; `node` are memory nodes, others CPUs. */
  readonly of?: string;
}

export interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

export interface StatInfo {
  readonly metric: string;
  readonly help: string;
  readonly label?: string;
  readonly role?: string;
}

export interface ControllerInfo {
  readonly name: string;
  readonly knobs: readonly KnobInfo[];
  readonly stats: readonly StatInfo[];
}

export interface Machine {
  readonly onlineCpus: readonly number[];
  readonly nodes: readonly { readonly node: number; readonly cpus: readonly number[]; readonly memoryBytes: number }[];
}

/** What does not change while the service runs. */
export interface Facts {
  readonly writes: boolean;
  readonly machine: Machine;
  readonly controllers: readonly ControllerInfo[];
  readonly knobs: ReadonlyMap<string, KnobInfo>;
  readonly stats: readonly StatInfo[];
  readonly charts: readonly ChartInfo[];
}

export type Figure = number | 'max';

export interface KnobState {
  readonly asked?: unknown;
  readonly value?: unknown;
  readonly files: readonly string[];
  readonly absent?: string;
  readonly conversion?: string;
}

/** One group, as it is. */
export interface Description {
  readonly id: string;
  readonly owner: { readonly owner: string; readonly why: string };
  readonly places: Readonly<Record<string, string>>;
  readonly knobs: Readonly<Record<string, KnobState>>;
  /** Absent where no look has seen the group yet. */
  readonly generation?: string;
  readonly time?: number;
  readonly stats?: Readonly<Record<string, Figure | Readonly<Record<string, Figure>>>>;
  readonly lacking: Readonly<Record<string, string>>;
}

/** Points are the span in milliseconds since the epoch, then minimum, mean and maximum. */
export interface Series {
  readonly generation: string;
  readonly metric: string;
  readonly points: readonly (readonly [from: number, to: number, min: Figure, mean: Figure, max: Figure])[];
}

export interface Processes {
  readonly total: number;
  readonly processes: readonly {
    readonly pid: number;
    readonly command: string;
    readonly state: string;
    readonly threads: number;
    readonly rssBytes: number;
    readonly only?: readonly string[];
  }[];
}
