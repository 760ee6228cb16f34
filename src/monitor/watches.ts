/** The files of groups that tell of events: each is listened to where it notifies, else looked at in turns, and compared with what it last said. */
import { CgError } from '../errors.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { flatValue } from '../parse/flat.ts';
import type { Listener, Target } from './listener.ts';
import { clock } from './listener.ts';
import { countersOf, type EventPlace } from './places.ts';
import type { Group } from './tree.ts';

/** The file of one group. */
export interface Watch {
  readonly id: CgroupId;
  /** Undefined while the tree has not seen what the listener has. */
  group: Group | undefined;
  readonly place: EventPlace;
  /** By flat key, as last seen; what is not there was 0. Most never see anything else. */
  seen: Map<string, number> | undefined;
  /** Names it in the listener. */
  key: number | undefined;
  later: NodeJS.Timeout | undefined;
  /** When it last told of a limit that was hit, on the listener's clock. */
  notified: number;
  /** What was read beside it then. */
  beside: readonly string[];
}

export interface WatchTellers {
  /** A counter grew; also by 0, once, where it is seen for the first time. @param victims processes were killed */
  counted(watch: Watch, kind: string, count: number, victims: boolean): void;
  /** A state began or ended. */
  state(watch: Watch, event: string, key: string, value: number): void;
}

/** From then on a state is one that lasts: the kernel sets it for a moment before it kills. */
const LASTING_MS = 150;
/** Where most files notify, those that do not are looked at in turns: each at least once in so many polls. */
const POLLS_A_TURN = 30;
/** Those that have counted something before are likelier to again: so many of them a poll, in turns of their own. */
const BUSY_A_POLL = 16;

export class Watches {
  readonly #host: Host;
  /** Of each declared event, where it may be found; the first that a group has is used. */
  readonly #declared: readonly (readonly EventPlace[])[];
  readonly #targets = new Map<Target, EventPlace>();
  readonly #tellers: WatchTellers;
  readonly #byGroup = new Map<Group, Watch[]>();
  readonly #byKey = new Map<number, Watch>();
  /** How many of those there are, by mechanism, and how many files are watched in any way. */
  #eventfds = 0;
  #watched = 0;
  /** Of groups that the tree has not yet seen. */
  readonly #born = new Map<CgroupId, Watch[]>();
  /** In a state whose end nobody tells. */
  readonly #lasting = new Set<Watch>();
  /** Nobody tells of them, and they have counted something. */
  readonly #counting = new Set<Watch>();
  /** Those that are still to be looked at in this turn. */
  #turn: Watch[] = [];
  #busy: Watch[] = [];
  #share = 1;
  #listener: Listener | undefined;

  constructor(host: Host, declared: readonly (readonly EventPlace[])[], tellers: WatchTellers) {
    this.#host = host;
    this.#declared = declared;
    this.#tellers = tellers;
    for (const place of declared.flat()) if (place.target !== undefined) this.#targets.set(place.target, place);
  }

  /** What is to be registered in each new group. */
  get targets(): readonly Target[] {
    return [...this.#targets.keys()];
  }

  /** From now on files are listened to where they notify. */
  listen(listener: Listener): void {
    this.#listener = listener;
  }

  status(): { readonly eventfds: number; readonly modified: number; readonly polled: number } {
    const modified = this.#byKey.size - this.#eventfds;
    return { eventfds: this.#eventfds, modified, polled: this.#watched - this.#byKey.size };
  }

  find(key: number): Watch | undefined {
    return this.#byKey.get(key);
  }

  of(group: Group, place: EventPlace): Watch | undefined {
    return this.#byGroup.get(group)?.find((watch) => watch.place === place);
  }

  /** Keys that the listener registered in a group as it was made. */
  born(id: CgroupId, keys: ReadonlyMap<Target, number>): void {
    const born = this.#born.get(id) ?? [];
    for (const [target, key] of keys) {
      const place = this.#targets.get(target);
      if (place === undefined) continue;
      const watch = makeWatch(id, place);
      born.push(watch);
      this.#listened(watch, key);
    }
    if (born.length > 0) this.#born.set(id, born);
  }

  /** Groups that were gone before the tree saw them: nothing more will be heard. @returns their ids */
  dropUnseen(): readonly CgroupId[] {
    const ids = [...this.#born.keys()];
    for (const watches of this.#born.values()) for (const watch of watches) this.release(watch);
    this.#born.clear();
    return ids;
  }

  /**
   * Watches what the group has and is not yet watched.
   * @param born after the start: what its files count happened since then
   * @returns whether the group is new here
   */
  attach(group: Group, born: boolean): boolean {
    const known = this.#byGroup.get(group);
    const watches = known ?? [];
    this.#byGroup.set(group, watches);
    const waiting = this.#born.get(group.id) ?? [];
    this.#born.delete(group.id);
    for (const places of this.#declared) {
      if (watches.some(({ place }) => places.includes(place))) continue;
      for (const place of places) {
        const watch = waiting.find((each) => each.place === place) ?? makeWatch(group.id, place);
        if (!this.#begin(watch, group, born)) continue;
        watches.push(watch);
        this.#watched += 1;
        break;
      }
    }
    for (const watch of waiting) if (!watches.includes(watch)) this.release(watch);
    return known === undefined;
  }

  detach(group: Group): void {
    const watches = this.#byGroup.get(group) ?? [];
    for (const watch of watches) this.release(watch);
    this.#watched -= watches.length;
    this.#byGroup.delete(group);
  }

  /** Lets go of its key. */
  release(watch: Watch): void {
    clearTimeout(watch.later);
    this.#lasting.delete(watch);
    this.#counting.delete(watch);
    if (watch.key === undefined) return;
    this.#byKey.delete(watch.key);
    if (watch.place.target?.mechanism === 'eventfd') this.#eventfds -= 1;
    if (watch.place.target !== undefined) this.#listener?.remove(watch.place.target, watch.key);
    watch.key = undefined;
  }

  close(): void {
    for (const watch of [...this.#byGroup.values(), ...this.#born.values()].flat()) this.release(watch);
    this.#byGroup.clear();
    this.#born.clear();
    this.#watched = 0;
  }

  /** The file notified: its text then. */
  heard(watch: Watch, text: string): void {
    if (text !== '') this.#compare(watch, text, false);
    const hasState = watch.place.told.some(({ source }) => source.state !== undefined);
    if (!hasState || watch.key === undefined) return;
    // The text may be older than what was seen since, which only counters can stand.
    if (watch.place.target?.mechanism === 'modify') this.look(watch);
    else
      watch.later ??= setTimeout(() => {
        watch.later = undefined;
        this.look(watch);
      }, LASTING_MS);
  }

  /** Compares the file with what was last seen of it. @returns whether it is there */
  look(watch: Watch): boolean {
    const text = watch.group?.gone ? undefined : this.#read(watch);
    if (text !== undefined) this.#compare(watch, text, true);
    return text !== undefined;
  }

  /** Whether a state holds whose end has to be looked for. */
  get lasting(): boolean {
    return this.#lasting.size > 0;
  }

  all(): readonly Watch[] {
    return [...this.#byGroup.values()].flat();
  }

  /** What a poll is to look at. Without a listener that is everything. */
  due(): readonly Watch[] {
    if (this.#listener === undefined) return this.all();
    if (this.#turn.length === 0) {
      this.#turn = this.all().filter(({ key }) => key === undefined);
      this.#share = Math.ceil(this.#turn.length / POLLS_A_TURN);
    }
    if (this.#busy.length === 0) this.#busy = [...this.#counting];
    return [...this.#turn.splice(-this.#share), ...this.#busy.splice(-BUSY_A_POLL), ...this.#lasting];
  }

  /** The listener knows it by this key. */
  #listened(watch: Watch, key: number): void {
    watch.key = key;
    this.#byKey.set(key, watch);
    if (watch.place.target?.mechanism === 'eventfd') this.#eventfds += 1;
  }

  #begin(watch: Watch, group: Group, born: boolean): boolean {
    const { place } = watch;
    const directory = group.directories[place.hierarchy];
    watch.group = group;
    const text = directory && this.#read(watch);
    if (directory === undefined || text === undefined) return false;
    const early = watch.key !== undefined;
    if (!early && place.target !== undefined) {
      const key = this.#listener?.add(place.target, group.id);
      if (key !== undefined) this.#listened(watch, key);
    }
    for (const { kind, victims } of countersOf(place)) this.#tellers.counted(watch, kind, 0, victims ?? false);
    if (born && early) this.#compare(watch, text, place.target?.mechanism !== 'eventfd');
    // Read once more: between the first look and the registration something may have happened.
    else if (born) this.look(watch);
    else {
      // What is so at the start is not told.
      for (const key of place.keys) see(watch, key, flatValue(text, key) ?? 0);
      if (lasts(watch)) this.#lasting.add(watch);
    }
    return true;
  }

  /** @param settled whether a state may be told: one that an eventfd spoke of has to last */
  #compare(watch: Watch, text: string, settled: boolean): void {
    const { place } = watch;
    const now = (key: string): number => flatValue(text, key) ?? 0;
    const told = new Map<string, number>();
    // The text may be an older one: within one generation counters never go back.
    for (const { key } of countersOf(place)) {
      const count = now(key) - seen(watch, key);
      if (count <= 0) continue;
      see(watch, key, now(key));
      told.set(key, count);
      if (watch.key === undefined && watch.group !== undefined) this.#counting.add(watch);
    }
    if (countersOf(place).some(({ key, limited }) => limited && told.has(key))) watch.notified = clock();
    for (const { key, kind, victims } of countersOf(place)) {
      const count = told.get(key);
      if (count !== undefined) this.#tellers.counted(watch, kind, count, victims ?? false);
    }
    if (!settled) return;
    for (const { event, source } of place.told) {
      if (source.state === undefined) continue;
      const value = now(source.state);
      const before = seen(watch, source.state);
      see(watch, source.state, value);
      // An eventfd speaks of beginnings only, and where something was counted that is the news.
      const isNews = place.target?.mechanism === 'eventfd' ? value > before && told.size === 0 : value !== before;
      if (isNews) this.#tellers.state(watch, event.name, source.state, value);
    }
    if (lasts(watch)) this.#lasting.add(watch);
    else this.#lasting.delete(watch);
  }

  /** The file's text; undefined when it is gone or cannot be read. */
  #read({ id, place }: Watch): string | undefined {
    const hierarchy = this.#host.layout.hierarchies[place.hierarchy];
    try {
      return hierarchy && this.#host.reader.tryRead(hierarchy, id, place.file);
    } catch (error) {
      if (error instanceof CgError) return undefined;
      throw error;
    }
  }
}

function makeWatch(id: CgroupId, place: EventPlace): Watch {
  return {
    id,
    group: undefined,
    place,
    seen: undefined,
    key: undefined,
    later: undefined,
    notified: Number.NEGATIVE_INFINITY,
    beside: [],
  };
}

const seen = (watch: Watch, key: string): number => watch.seen?.get(key) ?? 0;

function see(watch: Watch, key: string, value: number): void {
  if (value === seen(watch, key)) return;
  watch.seen ??= new Map();
  watch.seen.set(key, value);
}

/** A state holds whose end an eventfd does not tell. */
function lasts(watch: Watch): boolean {
  const { target, told } = watch.place;
  return (
    target?.mechanism === 'eventfd' &&
    told.some(({ source }) => source.state !== undefined && seen(watch, source.state) > 0)
  );
}
