/**
 * Thresholds that people ask for: `/docker/*: memory.usage >= 80%`. The kernel tells of a crossing where it can (v1 usage,
 * pressure); else the file is looked at with each poll, of the groups alone that match.
 */
import { alternatives, type EventSource, type Source, type Stat } from '../controllers/controller.ts';
import type { Registry, StatEntry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { pick } from '../hierarchy/locate.ts';
import type { Hierarchy, Host } from '../hierarchy/types.ts';
import { unacceptable } from '../parse/fail.ts';
import { glob, type Matches } from '../parse/pattern.ts';
import { formatSize, parseSize } from '../parse/size.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import { parserOf } from './formats.ts';
import { clock, type Listener, type Target } from './listener.ts';
import type { Group } from './tree.ts';

/** What somebody wants to be told of. */
export interface ThresholdRule {
  /** As it was given. */
  readonly text: string;
  /** Whether a group is meant. */
  readonly matches: Matches;
  readonly what: string;
  readonly level: Level;
}

export type Level =
  | { readonly kind: 'number'; readonly value: number }
  /** Of the stat's limit, or of the time. */
  | { readonly kind: 'share'; readonly value: number }
  /** A level that the kernel has a word for. */
  | { readonly kind: 'word'; readonly word: string };

/** Triggers that are asked for, at most: each is a real-time thread of the kernel. Beyond it, totals are compared. */
export const MOST_TRIGGERS = 32;
/** Without CAP_SYS_RESOURCE a trigger's window must be a multiple of this (accounting/psi.rst). */
const WINDOW_US = 2_000_000;
/** A trigger fires once a window while its level holds; after two without, it no longer does. */
const QUIET_MS = (2 * WINDOW_US) / 1000 + 500;
/** Shortest stretch over which a rate is taken when it is polled. */
const RATE_MS = 900;

/**
 * `[PATTERN: ]NAME >= LEVEL`. NAME is a metric without `cgroup_`, a role (`memory.usage`, `pids.current`, `pressure.io`) or an event with levels;
 * LEVEL a number, a size, a share in percent (of the limit; for what grows with time, of one second in each), or a level's name.
 * @throws CgError VALUE, USAGE
 */
export function parseThreshold(registry: Registry, text: string): ThresholdRule {
  const match = /^\s*(?:([/*]\S*)\s*:\s+)?([\w.]+)\s*>=\s*(\S+)\s*$/.exec(text);
  if (match === null) throw unacceptable(text, 'a threshold such as "/docker/*: memory.usage >= 80%"');
  const [, pattern = '/**', what = '', level = ''] = match;
  const matches = glob(pattern);
  const levels = levelsOf(registry, what);
  if (levels !== undefined) {
    if (!levels.includes(level)) throw unacceptable(level, `one of ${levels.join(', ')}`);
    return { text: text.trim(), matches, what, level: { kind: 'word', word: level } };
  }
  const stat = statOf(registry, what)?.stat;
  if (stat === undefined) throw unacceptable(what, 'a metric, a role or an event with levels');
  if (sourcesOf(stat).some(({ format }) => format.at === 'files')) throw unacceptable(what, 'a metric of one file');
  return { text: text.trim(), matches, what, level: levelOf(stat, level) };
}

function levelOf(stat: Stat, text: string): Level {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (share !== null) {
    if (stat.kind === 'gauge' && stat.limit === undefined)
      throw unacceptable(text, 'a number: there is no limit that it is a share of');
    return { kind: 'share', value: Number(share[1]) / 100 };
  }
  if (stat.unit === 'bytes') return { kind: 'number', value: parseSize(text) };
  if (!/^\d+(\.\d+)?$/.test(text)) throw unacceptable(text, 'a number');
  return { kind: 'number', value: Number(text) };
}

type Tell = (draft: Omit<CgroupEvent, 'seq' | 'time'>) => void;

/** One rule in one group. */
interface Alarm {
  readonly rule: ThresholdRule;
  readonly group: Group;
  readonly hierarchy: number;
  readonly source: Source | EventSource;
  readonly stat: Stat | undefined;
  target: Target | undefined;
  key: number | undefined;
  /** The level in the file's own unit. */
  level: number;
  /** The last figure and when it was read, for rates. */
  last: { readonly value: number; readonly at: number } | undefined;
  above: boolean;
  quiet: NodeJS.Timeout | undefined;
}

export class Thresholds {
  readonly #host: Host;
  readonly #registry: Registry;
  readonly #record: Tell;
  readonly #rules: readonly ThresholdRule[];
  readonly #alarms = new Map<Group, Alarm[]>();
  readonly #byKey = new Map<number, Alarm>();
  readonly #targets = new Map<string, Target>();
  #listener: Listener | undefined;
  #triggers = 0;

  constructor(host: Host, registry: Registry, rules: readonly ThresholdRule[], record: Tell) {
    this.#host = host;
    this.#registry = registry;
    this.#record = record;
    this.#rules = rules;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  status(): { readonly eventfds: number; readonly triggers: number; readonly polled: number } {
    const all = [...this.#alarms.values()].flat().length;
    return { eventfds: this.#byKey.size - this.#triggers, triggers: this.#triggers, polled: all - this.#byKey.size };
  }

  attach(group: Group): void {
    const alarms = this.#rules.flatMap((rule) => (rule.matches(group.id) ? (this.#alarm(rule, group) ?? []) : []));
    if (alarms.length === 0) return;
    this.#alarms.set(group, alarms);
    for (const alarm of alarms) {
      this.#arm(alarm);
      this.#look(alarm);
    }
  }

  /** A limit of the group is another: shares of it are, too. */
  rearm(group: Group): void {
    for (const alarm of this.#alarms.get(group) ?? []) {
      if (alarm.rule.level.kind !== 'share' || alarm.stat?.kind !== 'gauge') continue;
      this.#disarm(alarm);
      this.#arm(alarm);
      this.#look(alarm);
    }
  }

  forget(group: Group): void {
    for (const alarm of this.#alarms.get(group) ?? []) {
      clearTimeout(alarm.quiet);
      this.#disarm(alarm);
    }
    this.#alarms.delete(group);
  }

  close(): void {
    for (const group of [...this.#alarms.keys()]) this.forget(group);
  }

  /** A file notified. */
  heard(key: number, text: string): void {
    const alarm = this.#byKey.get(key);
    if (alarm === undefined) return;
    if (alarm.stat !== undefined && alarm.target?.mechanism === 'eventfd') {
      this.#judge(alarm, figureOf(text, alarm.source));
      return;
    }
    // It says that the level holds, and never that it no longer does.
    this.#set(alarm, true, Number.NaN);
    clearTimeout(alarm.quiet);
    alarm.quiet = setTimeout(() => this.#set(alarm, false, Number.NaN), QUIET_MS);
    alarm.quiet.unref();
  }

  /** The group is gone, and the key with it. */
  ended(key: number): void {
    const alarm = this.#byKey.get(key);
    if (alarm !== undefined) this.#disarm(alarm);
  }

  /** Looks at what does not notify. */
  poll(): void {
    for (const alarms of this.#alarms.values()) {
      for (const alarm of alarms) if (alarm.key === undefined && alarm.stat !== undefined) this.#look(alarm);
    }
  }

  #alarm(rule: ThresholdRule, group: Group): Alarm | undefined {
    const entry = statOf(this.#registry, rule.what);
    const { reader, layout } = this.#host;
    const event = this.#registry.allEvents().find((each) => each.event.name === rule.what);
    const found = entry
      ? pick<Source | EventSource>(reader, group.id, entry.controller, entry.stat)
      : event && pick<Source | EventSource>(reader, group.id, event.controller, event.event);
    if (found === undefined || 'absent' in found) return undefined;
    const [h] = found.hierarchies;
    if (h === undefined) return undefined;
    return {
      rule,
      group,
      hierarchy: layout.hierarchies.indexOf(h),
      source: found.slot,
      stat: entry?.stat,
      target: undefined,
      key: undefined,
      level: Number.NaN,
      last: undefined,
      above: false,
      quiet: undefined,
    };
  }

  #arm(alarm: Alarm): void {
    const { rule, source, stat, group } = alarm;
    alarm.level = this.#levelOf(alarm);
    const mechanism = 'format' in source ? source.crossing : source.mechanism;
    if (mechanism !== 'eventfd' && mechanism !== 'trigger') return;
    if (mechanism === 'trigger' && this.#triggers >= MOST_TRIGGERS) return;
    const args = rule.level.kind === 'word' ? rule.level.word : argumentOf(source, stat, alarm.level);
    if (args === undefined || group.directories[alarm.hierarchy] === undefined) return;
    alarm.target = this.#target(alarm.hierarchy, source.file, mechanism);
    alarm.key = this.#listener?.add(alarm.target, group.id, args);
    if (alarm.key === undefined) return;
    this.#byKey.set(alarm.key, alarm);
    if (mechanism === 'trigger') this.#triggers += 1;
  }

  #disarm(alarm: Alarm): void {
    const { key, target } = alarm;
    if (key === undefined || target === undefined) return;
    this.#listener?.remove(target, key);
    this.#byKey.delete(key);
    if (target.mechanism === 'trigger') this.#triggers -= 1;
    alarm.key = undefined;
  }

  #target(hierarchy: number, file: string, mechanism: Target['mechanism']): Target {
    const id = `${hierarchy}/${file}`;
    const target = this.#targets.get(id) ?? { hierarchy, file, mechanism };
    this.#targets.set(id, target);
    return target;
  }

  /** In the stat's base unit; Infinity where the limit is none. */
  #levelOf({ rule: { level }, stat, group }: Alarm): number {
    if (level.kind === 'number') return level.value;
    if (level.kind === 'word' || stat === undefined) return Number.NaN;
    if (stat.kind === 'counter') return level.value;
    const limit = this.#registry.findStat(stat.limit ?? '');
    return limit === undefined ? Number.NaN : level.value * this.#figure(limit, group);
  }

  #figure(entry: StatEntry, group: Group): number {
    const found = pick<Source>(this.#host.reader, group.id, entry.controller, entry.stat);
    const [h] = 'absent' in found ? [] : found.hierarchies;
    if ('absent' in found || h === undefined) return Number.NaN;
    const text = this.#read(h, group, found.slot.file);
    return text === undefined ? Number.NaN : figureOf(text, found.slot);
  }

  #read(h: Hierarchy, { id }: Group, file: string): string | undefined {
    try {
      return this.#host.reader.tryRead(h, id, file);
    } catch (error) {
      if (error instanceof CgError) return undefined;
      throw error;
    }
  }

  #look(alarm: Alarm): void {
    const h = this.#host.layout.hierarchies[alarm.hierarchy];
    const { source, group, stat } = alarm;
    if (h === undefined || stat === undefined) return;
    const text = this.#read(h, group, source.file);
    if (text === undefined) return;
    const value = figureOf(text, source);
    if (stat.kind === 'gauge') {
      this.#judge(alarm, value);
      return;
    }
    const at = clock();
    const { last } = alarm;
    if (last !== undefined && at - last.at < RATE_MS) return;
    alarm.last = { value, at };
    if (last !== undefined && alarm.key === undefined)
      this.#judge(alarm, (value - last.value) / ((at - last.at) / 1000));
  }

  #judge(alarm: Alarm, value: number): void {
    if (!Number.isNaN(value) && !Number.isNaN(alarm.level)) this.#set(alarm, value >= alarm.level, value);
  }

  #set(alarm: Alarm, above: boolean, value: number): void {
    if (alarm.above === above) return;
    alarm.above = above;
    const { rule, group, stat } = alarm;
    const now = Number.isNaN(value)
      ? ''
      : ` (now ${stat?.unit === 'bytes' ? formatSize(value) : Number(value.toPrecision(3))})`;
    this.#record({
      kind: 'threshold',
      cgroup: group.id,
      generation: group.generation,
      text: `${above ? 'reached' : 'no longer'}: ${rule.text}${now}`,
      details: { rule: rule.text, above, ...(Number.isFinite(value) && { value }) },
    });
  }
}

/** What the file wants as an argument; undefined for a level that it cannot have. */
function argumentOf(source: Source | EventSource, stat: Stat | undefined, level: number): string | undefined {
  if (!('format' in source) || stat === undefined || !Number.isFinite(level)) return undefined;
  const { format, per = 1 } = source;
  if (!('line' in format)) return String(Math.floor(level * per));
  const stall = Math.round(Math.min(1, level) * WINDOW_US);
  return stall > 0 ? `${format.line} ${stall} ${WINDOW_US}` : undefined;
}

/** In the stat's base unit, the sum where there are several; NaN where the file does not have it. */
function figureOf(text: string, source: Source | EventSource): number {
  if (!('format' in source)) return Number.NaN;
  const bytes = Buffer.from(text);
  const figures: number[] = [];
  parserOf([source])(bytes, bytes.length, (_, value) => figures.push(value));
  return figures.length === 0 ? Number.NaN : figures.reduce((sum, value) => sum + value, 0);
}

/** By its name or by what it is. */
function statOf(registry: Registry, what: string): StatEntry | undefined {
  return registry.findStat(what) ?? registry.allStats().find(({ stat }) => stat.role === what);
}

/** The levels of an event that has some. */
function levelsOf(registry: Registry, name: string): readonly string[] | undefined {
  const event = registry.allEvents().find((entry) => entry.event.name === name)?.event;
  return [event?.v1, event?.v2].flatMap(alternatives).find(({ levels }) => levels !== undefined)?.levels;
}

function sourcesOf({ v1, v2 }: Stat): readonly Source[] {
  return [v1, v2].flatMap(alternatives);
}
