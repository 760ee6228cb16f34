/**
 * The vocabulary in which the kernel's interface is declared. A controller is data: knobs, stats, actions and events, each with
 * its v1 and v2 form side by side; `encode` and `decode` are the only functions. Flags, validation, plans, metrics, the page's
 * columns and the reference docs are derived from these words, so no other room names a controller or one of its files.
 */

import type { ChartPart } from './charts.ts';

/** Which of the kernel's two interfaces a file speaks. Sources have a dialect, hosts do not: a hybrid host has both. */
export type Dialect = 'v1' | 'v2';

/** What a knob holds, once decoded. Keyed knobs (per device, page size, interface) are maps; absent is `undefined`, no limit is `Infinity`. */
export type Value = number | boolean | string | readonly number[] | readonly string[] | ValueMap;
export type ValueMap = ReadonlyMap<string, Value>;

/** What the keys of a keyed knob are; each kind has a resolver (a device path becomes MAJ:MIN of its whole disk). */
export type KeyKind = 'device' | 'pagesize' | 'interface' | 'resource';

export type ValueType =
  /** Whole number. `unit` is for people (`µs`, `shares`). `unlimited`: `max` and `-1` are accepted. */
  | {
      kind: 'int';
      min: number;
      max: number;
      unit?: string;
      unlimited?: boolean;
      signed?: boolean;
      warnBelow?: Warn;
      warnAbove?: Warn;
    }
  /** Bytes, or bytes or operations per second; suffixes are 1024-based. */
  | { kind: 'bytes'; min?: number; max?: number; unit?: 'bytes' | 'bytes/s'; unlimited?: boolean; warnBelow?: Warn }
  /** A number with decimals, as `--cpus 1.5`. */
  | { kind: 'decimal'; min: number; max: number; unit?: string; unlimited?: boolean; decimals?: number }
  | { kind: 'bool' }
  | { kind: 'enum'; values: readonly string[] }
  /** CPU or memory node numbers in the kernel's list format. */
  | { kind: 'list'; of: 'cpu' | 'node' }
  | { kind: 'text'; pattern: RegExp; example: string }
  /** Tokens that are written one by one and add up in the kernel (v1 device rules). */
  | { kind: 'rules'; pattern: RegExp; example: string }
  /** `KEY:VALUE`, repeatable; keys that are not named stay as they are. */
  | { kind: 'map'; key: KeyKind; value: ValueType; example: string }
  /** `field=value,field=value`. */
  | { kind: 'record'; fields: Readonly<Record<string, ValueType>> };

/** A bound that is not the kernel's: crossing it is allowed and said. */
export interface Warn {
  at: number;
  why: string;
}

/** How a value sits in its file. */
export type Shape =
  /** The file is the value. */
  | { kind: 'scalar' }
  /** One of the blank-separated words of the file's only line (v2's `cpu.max` is QUOTA PERIOD); a write repeats the other words. */
  | { kind: 'tuple'; at: number; width: number }
  /** The line `NAME value` of a flat file; written bare when `bare` (v1's memory.oom_control), else as `NAME value`. */
  | { kind: 'line'; name: string; bare?: boolean }
  /** A line a key, `KEY value`; with `field`, `KEY field=value …` where a write names one field; with `fields`, all of them. `remove` takes a key out. */
  | { kind: 'keyed'; field?: string; fields?: boolean; remove?: string; skip?: readonly string[] }
  /** A file a key: `{key}` in the file's name. */
  | { kind: 'files' }
  /** Written only; what adds up is read from `list`, where it can be. */
  | { kind: 'append'; list?: string };

/** The values of the knobs that a slot names in `needs`: as this command will leave them, else as they are now. */
export type Need = (knob: string) => Value | undefined;

/** One dialect's place for a knob: which file, in which shape, and how the value converts. */
export interface Slot<V extends Value = Value> {
  file: string;
  /** v1 subsystem or v2 controller that owns the file when it is not the declaration's own; `core` and `every` as in {@link Controller}. */
  in?: string;
  shape?: Shape;
  /** What is written for "no limit": `-1` on v1, `max` on v2 (the default there). */
  unlimited?: string;
  /** Value to the file's text, where the type's own is not it (name the conversion: `ociWeight`). */
  encode?(value: V, need: Need): string;
  /** The file's text (the tuple's word, the key's value) to the value. */
  decode?(text: string, need: Need): V | undefined;
  /** Knobs whose values encode, decode or the kernel's check rest on. */
  needs?: readonly string[];
  /** The kernel keeps this knob ≥ that one (memsw over memory): orders the two writes, raising and lowering. */
  notBelow?: string;
  /** The kernel keeps this knob ≤ that one where that one is finite (burst under quota). */
  notAbove?: string;
  /** The kernel checks this file together with that knob's file; on EINVAL the other one is tried first (v1 quota and period). */
  eitherOrder?: string;
  /** Writing this knob makes the kernel reset those: they are written again after it, and on undo. */
  clobbers?: readonly string[];
  /** The kernel refuses this knob while another one has that value (weight while idle). */
  refusedWhile?: { knob: string; is: Value };
  /** A child's value must lie within its parent's: parents first when growing, children first when shrinking. */
  withinParent?: boolean;
  /** A new v1 group starts with this file empty and holds no task until it is filled: `create` copies the parent's, top-down. */
  populate?: boolean;
  /** After a write, wait until this reads so (freezing is asynchronous). */
  settle?: { file: string; key?: string; is: Readonly<Record<string, string>> };
  /** `exact` (default): writing back the text that was read restores it. `best`: nearly. `none`: cannot be undone, needs consent, goes last. */
  undo?: 'exact' | 'best' | 'none';
  /** What an errno from this file means, for people. */
  errno?: Readonly<Record<string, string>>;
  /** The name of a lossy conversion, shown by `explain` and in plans. */
  conversion?: string;
}

/** A value, or a multiple of what another knob will be. */
export type Meaning<V extends Value> = V | Multiple | (V extends ValueMap ? Value : never);
export interface Multiple {
  times: number;
  of: string;
}

/** In which groups a file exists. */
export type Scope = 'any' | 'root' | 'not-root';

/** Something that can be set, in both dialects. Several slots for one dialect are a list to probe: the first whose file exists is used. */
export interface Knob<V extends Value = Value> {
  /** `controller.name`, the same in both dialects; filled in by {@link controller} from its place in `knobs`. */
  key: string;
  /** As Docker's where Docker has one: `-m, --memory`. Knobs without a flag are read only. */
  flag?: string;
  type: ValueType;
  help: string;
  scope?: Scope;
  v1?: Slot<V> | readonly Slot<V>[];
  v2?: Slot<V> | readonly Slot<V>[];
  /** Why a dialect lacks it, where there is more to say than "the kernel has no such file". */
  unsupported?: Readonly<Partial<Record<Dialect, string>>>;
  /** What a value given by a person stands for (Docker: `--pids-limit 0` is no limit), before the range is checked; in maps, for each key's value. */
  means?: readonly (readonly [given: string, value: Meaning<V>])[];
  /** `create` and `run` set this value too when that knob is given and this one is not (Docker's swap beside -m). */
  onCreate?: { with: string; value: Meaning<V> };
  /** Lowering below this stat's present value is refused without --force. */
  usage?: string;
  /** The gauge that exports it, from each slot that has no decode: a name as in {@link Stat}, its unit and the divisor into it. */
  metric?: { name: string; unit: Unit; per?: number; role?: Role; cadvisor?: CadvisorNames; chart?: ChartPart };
  /** systemd's property for the same thing, for the advice when systemd owns the group. */
  systemd?: string;
  role?: Role;
  /** Drawn as it is now, where no gauge tells what it was. */
  chart?: ChartPart;
}

/** What a derived flag's conversion may ask of the machine. */
export interface Facts {
  cpusOfNode(node: number): readonly number[] | undefined;
  onlineCpus: number;
}

/** A flag with no file of its own: it stands for values of other knobs. */
export interface Derived<V extends Value = Value> {
  flag: string;
  type: ValueType;
  help: string;
  /** The knobs that it sets; giving one of them beside it is a mistake. */
  sets: readonly string[];
  /** Returns what is wrong as text. */
  encode(value: V, facts: Facts): Readonly<Record<string, Value>> | string;
  decode?(need: Need): V | undefined;
}

export type Unit = 'seconds' | 'bytes' | 'ratio' | 'count';

/** What a figure is, so that `stats`, the page and the rules find it without naming a controller. */
export type Role =
  | 'cpu.usage'
  | 'cpu.user'
  | 'cpu.system'
  | 'cpu.periods'
  | 'cpu.throttled'
  | 'cpu.throttled.time'
  | 'cpu.quota'
  | 'cpu.period'
  | 'memory.usage'
  | 'memory.cache.inactive'
  | 'memory.limit'
  | 'memory.swap'
  | 'memory.swap.limit'
  | 'io.read.bytes'
  | 'io.write.bytes'
  | 'io.read.ops'
  | 'io.write.ops'
  | 'pids.current'
  | 'pids.limit'
  | 'oom.kills'
  | 'freeze'
  | 'frozen'
  | 'populated'
  | 'kill'
  | 'procs'
  | 'placement.cpus'
  | 'placement.cpus.effective'
  | 'placement.nodes'
  | 'placement.nodes.effective'
  | 'pressure.cpu'
  | 'pressure.memory'
  | 'pressure.io';

/** How a figure is found in its file. All but `scalar`, `flat`, `word`, `psi` and `count` yield one figure a label value. */
export type Format =
  /** The file is one number. */
  | { at: 'scalar' }
  /** The n-th word of the only line. */
  | { at: 'word'; index: number }
  /** `KEY n` lines. */
  | { at: 'flat'; key: string }
  /** `some avg10=… total=n`: the total in µs. */
  | { at: 'psi'; line: 'some' | 'full' }
  /** How many lines. */
  | { at: 'count' }
  /** `LABEL n` lines; with `suffix`, the lines whose key ends so, the label being what is before it. */
  | { at: 'keyed'; suffix?: string }
  /** `LABEL field=n …` lines. */
  | { at: 'nested'; field: string }
  /** v1 blkio's `LABEL Op n` lines. */
  | { at: 'ops'; op: string }
  /** Blank-separated numbers, labelled 0, 1, 2 … */
  | { at: 'percpu' }
  /** numa_stat: `KEY N0=n …` (v2) or `KEY=total N0=n …` (v1), labelled by node. */
  | { at: 'numa'; key: string }
  /** One file a label, `{key}` in the file's name: a number, or with `key` that line of a flat file. */
  | { at: 'files'; key?: string };

/** One dialect's place for a stat. `per` divides into the base unit (1e9 for nanoseconds); `equals` turns text into 1 or 0. */
export interface Source {
  file: string;
  in?: string;
  format: Format;
  per?: number;
  /** The file counts pages of memory: the figure is made bytes of. */
  pages?: true;
  equals?: string;
  /** The text that says "no limit", beside `max` and the kernel's largest number. */
  unlimited?: string;
  /** The kernel tells when it crosses a level that is asked for: v1 through an eventfd, pressure by a trigger on the file. */
  crossing?: 'eventfd' | 'trigger';
  /** Counted in this group only, or over its whole subtree; never pair the two. Default hierarchical. */
  extent?: 'local' | 'hierarchical';
  /** As the stat's word, which it goes before. */
  still?: boolean;
}

export type LabelName = KeyKind | 'cpu' | 'node';

/** cAdvisor's name for a figure, and what has to be done so that it means there what cAdvisor's does. */
export interface Cadvisor {
  name: string;
  /** What it says, where several figures share the name; else the stat's own help. */
  help?: string;
  /** Labels of fixed values, beside cAdvisor's `id`, `image` and `name`. */
  labels?: Readonly<Record<string, string>>;
  /** The unit in which cAdvisor gives it, where that is not the base unit. */
  unit?: 'microseconds' | 'pages';
  /** What stands for no limit: 0, or no series at all. Default: `+Inf`. */
  unlimited?: 'zero' | 'none';
  /** This stat is taken off it, down to 0. */
  less?: string;
  /** Where a group has no figure, the sum of these stats. */
  sum?: readonly string[];
  /** Only where the group has no figure of that stat, which says the same in another way. */
  unless?: string;
  /** Only for groups without children, whose subtree they are themselves. */
  leaf?: boolean;
  /** With the labels `major` and `minor` beside `device`. */
  numbered?: boolean;
  /** Our figure's text to cAdvisor's figure. */
  decode?(text: string): number | undefined;
  /** Where it differs from cAdvisor on purpose, and why. */
  differs?: string;
}
/** One figure may have several of cAdvisor's names. */
export type CadvisorNames = string | Cadvisor | readonly (string | Cadvisor)[];

/** Something that is measured. The exported name is `cgroup_` + name. */
export interface Stat {
  name: string;
  kind: 'counter' | 'gauge';
  unit: Unit;
  help: string;
  v1?: Source | readonly Source[];
  v2?: Source | readonly Source[];
  /** The label that tells the figures of one group apart, where the format yields several. */
  label?: LabelName;
  scope?: Scope;
  role?: Role;
  /** It is set, not measured: it stays until somebody writes it. {@link Knob.metric} makes such. */
  setting?: true;
  /** As the controller's word, which it goes before. */
  still?: boolean;
  /** The gauge of its upper end: it is drawn against it, and shares are parts of it. */
  limit?: string;
  cadvisor?: CadvisorNames;
  column?: Column;
  /** Where it stands on the charts of one group. */
  chart?: ChartPart;
}

/** A column of the live view. Counters are shown as rates, but for those that are shown as a count. */
export interface Column {
  title: string;
  /** The title where there is little room. */
  brief?: string;
  show: 'cores' | 'bytes' | 'bytes/s' | 'count' | 'rate' | 'ratio';
  /** Columns stand in this order. */
  rank: number;
  /** Stats or figures that are marks on the way there. */
  marks?: readonly { metric: string; title: string }[];
  /** The stat that is the worse part of it. */
  worse?: string;
  alarm?: Alarm;
  /** It grows with this event, whose happening lately is what matters. */
  event?: string;
}

/**
 * From where on a figure is near to what is wrong, and wrong: the worse part where there is one, else the share of the limit
 * where there is one, else the figure.
 */
export interface Alarm {
  near: number;
  bad: number;
}

/** What the live view makes of two stats; it is not exported, for whoever reads metrics can reckon himself. */
export interface Figure {
  name: string;
  help: string;
  of: string;
  /** This is taken off, down to 0. */
  less?: string;
  /** One is divided by the other; without a figure where the other is 0. */
  per?: string;
  /** As a stat's. */
  limit?: string;
  column?: Column;
}

/** Something that is done once: it has no state to read back, so it is never undone and needs consent where it destroys. */
export interface Action {
  /** `controller.name`. */
  key: string;
  help: string;
  v1?: ActionSlot;
  v2?: ActionSlot;
  scope?: Scope;
  /** Loses data or kills: asks for --yes. */
  destructive?: boolean;
  role?: Role;
}
export interface ActionSlot {
  file: string;
  in?: string;
  /** A fixed text, or a value that the user gives. */
  write: string | ValueType;
  errno?: Readonly<Record<string, string>>;
}

/** A happening that the kernel tells of. Counters decide, notifications only say when to look. */
export interface EventDecl {
  /** `oom`, `oom_kill`, `max` … */
  name: string;
  help: string;
  v1?: EventSource | readonly EventSource[];
  v2?: EventSource | readonly EventSource[];
}
export interface EventSource {
  file: string;
  in?: string;
  /** v1: register the file with an eventfd. v2: the file itself is modified (inotify) or becomes ready (POLLPRI). `poll`: the kernel does not tell. */
  mechanism: 'eventfd' | 'modify' | 'poll';
  /** The flat keys whose growth is the fact. */
  counters: readonly EventCounter[];
  /** A flat key that says whether the state holds now (under_oom, frozen). */
  state?: string;
  /** Names of stats in the same hierarchy, each the only number of its file, that are part of the fact: what was in use then, of how much. */
  beside?: readonly string[];
  /** What the kernel's log says before the group's path when it happens there for the first time. */
  logged?: string;
  /** It is listened to only where somebody asks for one of these, the least first: the word that the registration names. */
  levels?: readonly string[];
}
export interface EventCounter {
  key: string;
  /** The event that its growth becomes. */
  kind: string;
  /** The line of /proc/vmstat that counts them on the whole machine. */
  vmstat?: string;
  /** Each is a process that the kernel killed for want of memory: its log names it. */
  victims?: boolean;
  /** It is counted in the group whose limit was hit. */
  limited?: boolean;
}

export interface Controller {
  name: string;
  summary: string;
  /** The v1 subsystem whose hierarchy holds its files; `every` stands for each v1 hierarchy that the group is in. */
  v1?: string;
  /** The v2 controller; `core` files are there without any being enabled. */
  v2?: string;
  /** Where both exist on one host (core files of the unified mount beside a v1 hierarchy), this one is used. */
  prefer?: Dialect;
  /** Why a dialect lacks the whole controller. */
  unsupported?: Readonly<Partial<Record<Dialect, string>>>;
  /** `create` enables it on v2 though no flag asks for it: an operator expects its figures. */
  onCreate?: boolean;
  /** Its figures stand still while the group's CPU time, memory and number of tasks do: then they are read again more seldom. */
  still?: boolean;
  /** The kernel document that this rests on. */
  doc: string;
  knobs: readonly Knob[];
  derived: readonly Derived[];
  stats: readonly Stat[];
  figures: readonly Figure[];
  actions: readonly Action[];
  events: readonly EventDecl[];
}

type Bare<T> = Omit<T, 'key'>;

/** A controller as it is listed: made when it is first asked for, since most commands concern one or two of them. */
export type Declared = () => Controller;

/** Declares a controller; a knob's and an action's key is the controller's name and its own: `memory.max`. */
export function controller(declare: () => Declaration): Declared {
  let made: Controller | undefined;
  return () => {
    made ??= whole(declare());
    return made;
  };
}

type Declaration = Omit<Controller, 'knobs' | 'derived' | 'stats' | 'figures' | 'actions' | 'events'> & {
  knobs?: Readonly<Record<string, Bare<Knob>>>;
  actions?: Readonly<Record<string, Bare<Action>>>;
  derived?: readonly Derived[];
  stats?: readonly Stat[];
  figures?: readonly Figure[];
  events?: readonly EventDecl[];
};

function whole(spec: Declaration): Controller {
  const named = <T>(table: Readonly<Record<string, T>> = {}): (T & { key: string })[] =>
    Object.entries(table).map(([name, item]) => ({ ...item, key: `${spec.name}.${name}` }));
  return {
    ...spec,
    knobs: named(spec.knobs),
    actions: named(spec.actions),
    derived: spec.derived ?? [],
    stats: spec.stats ?? [],
    figures: spec.figures ?? [],
    events: spec.events ?? [],
  };
}

/** A knob whose encode and decode are checked against its value's type. */
export const knob = <V extends Value>(spec: Bare<Knob<V>>): Bare<Knob> => spec;
export const derived = <V extends Value>(spec: Derived<V>): Derived => spec;

type StatRest = Omit<Stat, 'name' | 'kind' | 'unit' | 'help'>;
/** Something that only grows; names end in `_total`. */
export const counter = (name: string, unit: Unit, help: string, rest: StatRest): Stat => ({
  name,
  kind: 'counter',
  unit,
  help,
  ...rest,
});
/** Something that goes up and down. */
export const gauge = (name: string, unit: Unit, help: string, rest: StatRest): Stat => ({
  name,
  kind: 'gauge',
  unit,
  help,
  ...rest,
});

type SourceRest = Omit<Source, 'file' | 'format'>;
export const scalar = (file: string, rest: SourceRest = {}): Source => ({ file, format: { at: 'scalar' }, ...rest });
export const flat = (file: string, key: string, rest: SourceRest = {}): Source => ({
  file,
  format: { at: 'flat', key },
  ...rest,
});
export const nested = (file: string, field: string, rest: SourceRest = {}): Source => ({
  file,
  format: { at: 'nested', field },
  ...rest,
});
export const keyed = (file: string, rest: SourceRest = {}): Source => ({ file, format: { at: 'keyed' }, ...rest });
export const ops = (file: string, op: string, rest: SourceRest = {}): Source => ({
  file,
  format: { at: 'ops', op },
  ...rest,
});
export const psi = (file: string, line: 'some' | 'full', rest: SourceRest = {}): Source => ({
  file,
  format: { at: 'psi', line },
  per: 1e6,
  crossing: 'trigger',
  ...rest,
});
export const percpu = (file: string, rest: SourceRest = {}): Source => ({ file, format: { at: 'percpu' }, ...rest });
export const numa = (file: string, key: string, rest: SourceRest = {}): Source => ({
  file,
  format: { at: 'numa', key },
  ...rest,
});
export const count = (file: string, rest: SourceRest = {}): Source => ({ file, format: { at: 'count' }, ...rest });
export const files = (file: string, rest: SourceRest = {}): Source => ({ file, format: { at: 'files' }, ...rest });

/** A slot or a probe list as a list. */
export function alternatives<T>(one: T | readonly T[] | undefined): readonly T[] {
  if (one === undefined) return [];
  return isList(one) ? one : [one];
}
const isList = <T>(x: T | readonly T[]): x is readonly T[] => Array.isArray(x);
