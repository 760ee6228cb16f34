/**
 * Turns what happens to groups into events. Notifications (an eventfd, a modified file, a line of the kernel's log) only say when
 * to look; the kernel's counters decide what happened, since notifications coalesce and the removal of a group notifies as well.
 */
import { alternatives, type EventDecl, type EventSource } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { parentId } from '../hierarchy/id.ts';
import { isRootGroup } from '../hierarchy/locate.ts';
import { PROCS, SUBTREE_CONTROL } from '../hierarchy/notify.ts';
import type { Host } from '../hierarchy/types.ts';
import { type Native, native } from '../native.ts';
import { parseKmsg } from '../parse/kmsg.ts';
import { limitAt } from '../parse/number.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import { type EventTotal, Journal } from './journal.ts';
import { type Kill, Kills, killed, type Victim } from './kills.ts';
import { type By, clock, Listener, type Means } from './listener.ts';
import { MachineCounts } from './machine.ts';
import { Slices } from './pause.ts';
import { countersOf, type EventPlace, placesOf } from './places.ts';
import { type ThresholdRule, Thresholds } from './thresholds.ts';
import { type Group, type Place, Tree, type TreeChange } from './tree.ts';
import { type Watch, Watches } from './watches.ts';
import { UNATTRIBUTED, Whereabouts } from './whereabouts.ts';
import { Writes } from './writes.ts';

export interface EventEngineOptions {
  /** Shared with the sampler, so that directories are looked at once. */
  readonly tree?: Tree;
  /** The addon; undefined to do without. */
  readonly native?: Native | undefined;
  /** How often what cannot notify is looked at. */
  readonly pollMs?: number;
  /** How long the totals of groups that are gone stay; 15 minutes by default. */
  readonly keepGoneMs?: () => number;
  /** What else is to be told, {@link Thresholds}. */
  readonly thresholds?: readonly ThresholdRule[];
  /** What to do with an error that nobody waits for. Default: throw it, uncaught. */
  readonly onError?: (error: unknown) => void;
}

export interface EventStatus {
  /** Files that notify by an eventfd, by being modified, and those that are polled for want of either. */
  readonly eventfds: number;
  readonly modified: number;
  readonly polled: number;
  /** Pressure triggers: each is a thread of the kernel. */
  readonly triggers: number;
  readonly events: number;
  /** How many of them are kept no longer. */
  readonly dropped: number;
  /** How new and removed groups, and writes to knobs, are noticed. */
  readonly tree: Means;
  readonly writes: Means;
  /** Whether the kernel's log is followed: it names the victims of OOM kills. */
  readonly kernelLog: boolean;
  /** What is not as it could be, for people. */
  readonly warnings: readonly string[];
}

const POLL_MS = 1000;
/** How often all directories are looked at though somebody tells of each, in case that something was missed. */
const RECONCILE_MS = 5 * 60_000;
/** Looking takes no more than this share of the time, however much there is to look at. */
const POLL_SHARE = 0.05;
/** v2 files come and go as the parent hands controllers down; where nobody tells, so often new ones are looked for. */
const SETTLE_POLLS = 10;
/** So often it is let go of who was in groups that are gone. */
const FORGET_POLLS = 10;
/** While nothing is heard, polls are so much rarer. */
const QUIET_POLLS = 10;
/** setTimeout's limit. */
const LONGEST_MS = 2 ** 31 - 1;
/** A group comes in up to a dozen hierarchies, one directory after the other. */
const GATHER_MS = 4;
/** An ancestor and its descendants are signalled at once. */
const SAME_SIGNAL_MS = 100;
/** For so long after a signal, what is counted came with it. */
const SIGNAL_MS = 3000;

/** Hears of a write to a group's file; of any of them, where it may be that some were missed. */
export type WriteWatcher = (group: Group, file: string | undefined) => void;

type Draft = Omit<CgroupEvent, 'seq' | 'time'>;
type Details = NonNullable<CgroupEvent['details']>;

export class EventEngine {
  readonly tree: Tree;
  readonly #host: Host;
  readonly #native: Native | undefined;
  readonly #pollMs: number;
  readonly #keepGoneMs: (() => number) | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #journal: Journal;
  readonly #places: readonly EventPlace[];
  /** The one that counts processes that were killed. */
  readonly #killing: EventPlace | undefined;
  readonly #watches: Watches;
  readonly #writes: Writes;
  readonly #thresholds: Thresholds;
  readonly #kills: Kills;
  readonly #whereabouts: Whereabouts | undefined;
  readonly #machine: MachineCounts | undefined;
  readonly #writeWatchers = new Set<WriteWatcher>();
  #listener: Listener | undefined;
  /** Places that are to be looked at. */
  readonly #pending = new Map<string, Place>();
  /** Whose doing it was. */
  readonly #doers = new Map<string, By>();
  #gathering: NodeJS.Timeout | undefined;
  /** Heard since the listener was last done. */
  #texts: { readonly watch: Watch; readonly text: string }[] = [];
  readonly #written = new Map<string, { readonly place: Place; readonly file: string; readonly by: By }>();
  /** New groups, until the next poll. */
  #settling: Group[] = [];
  #missed = false;
  #stirred = true;
  /** The next poll is further away than usual. */
  #relaxed = false;
  #polls = 0;
  #reconcileAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;
  #polling: Promise<void> | undefined;
  #starting: Promise<void> | undefined;

  constructor(host: Host, registry: Registry, options: EventEngineOptions = {}) {
    this.#host = host;
    this.tree = options.tree ?? new Tree(host);
    this.#native = 'native' in options ? options.native : native();
    this.#pollMs = options.pollMs ?? POLL_MS;
    this.#keepGoneMs = options.keepGoneMs;
    this.#onError =
      options.onError ??
      ((error) => {
        throw error;
      });
    this.#journal = new Journal(passingKinds(registry));
    const declared = placesOf(host, registry);
    this.#places = [...new Set(declared.flat())];
    this.#watches = new Watches(host, declared, {
      counted: (watch, kind, count, victims) => this.#counted(watch, kind, count, victims),
      state: (watch, event, key, value) => this.#tellState(watch, event, key, value),
    });
    this.#writes = new Writes(host, registry, this.#native);
    this.#thresholds = new Thresholds(host, registry, options.thresholds ?? [], (draft) => this.#record(draft));
    this.#killing = this.#places.find((place) => countersOf(place).some(({ victims }) => victims));
    const hierarchy = this.#killing && host.layout.hierarchies[this.#killing.hierarchy];
    // The kernel's log and the machine's counts speak of all groups: where a mount shows some, they say nothing of those.
    if (hierarchy !== undefined && isRootGroup(host.reader, hierarchy, hierarchy.root)) {
      this.#whereabouts = new Whereabouts(host.reader, hierarchy);
      this.#machine = new MachineCounts(registry);
    }
    this.#kills = new Kills({
      tell: (kill, victims) => this.#tellKill(kill, victims),
      believe: (cgroup, victim) => this.#believe(cgroup, victim),
    });
  }

  /** Begins to listen. What was counted before is not told. It keeps Node alive until close(). */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#machine?.begin();
    if (this.#native !== undefined) this.#listen(this.#native);
    await this.tree.reconcile();
    this.#reconcileAt = clock() + RECONCILE_MS;
    this.#unwatch = this.tree.watch((change) => this.#follow(change));
    const slices = new Slices();
    for (const group of this.tree.groups) {
      if (!group.gone && this.#unwatch !== undefined) this.#attach(group, false);
      if (slices.due()) await slices.pause();
    }
    if (this.#unwatch !== undefined) this.#schedule(this.#pollMs);
  }

  #listen(addon: Native): void {
    const wanted = {
      births: this.#watches.targets,
      names: [...this.#writes.names, PROCS, SUBTREE_CONTROL],
      log: this.#places.flatMap(({ logged }) => logged ?? []),
    };
    this.#listener = new Listener(this.#host, this.tree, addon, wanted, {
      text: (key, texts, at) => this.#heardText(key, texts, at),
      ended: (key) => this.#heardEnd(key),
      made: (place, by, keys) => {
        this.#watches.born(place.id, keys);
        this.#expect(place, by);
      },
      removed: (place, by) => this.#expect(place, by),
      written: (place, file, by) => {
        this.#written.set(`${place.hierarchy}${place.id}/${file}`, { place, file, by });
      },
      log: (text, groups) => this.#heardLog(text, groups),
      lost: () => {
        this.#missed = true;
        this.#stir();
      },
      done: () => this.#heardAll(),
    });
    this.#watches.listen(this.#listener);
    this.#thresholds.listen(this.#listener);
  }

  /** Ends listening and lets go of every descriptor and watch. Events and totals stay readable. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#gathering);
    this.#unwatch?.();
    this.#unwatch = undefined;
    await this.#polling?.catch(this.#onError);
    this.#kills.close();
    this.#thresholds.close();
    this.#watches.close();
    this.#machine?.close();
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** The kept events after that seq, oldest first. */
  since(seq: number): readonly CgroupEvent[] {
    return this.#journal.since(seq);
  }

  /** Be told of each event as it happens. @returns a function that ends it */
  subscribe(tell: (event: CgroupEvent) => void): () => void {
    return this.#journal.subscribe(tell);
  }

  /** The events after a seq (default: from now on), then each as it happens, until the signal. */
  follow(signal: AbortSignal, since?: number): AsyncGenerator<CgroupEvent, void, undefined> {
    return this.#journal.follow(signal, since);
  }

  /**
   * Be told of each write to a knob's file, whatever it changed; not of all of them where not {@link tellsWrites}.
   * @returns a function that ends it
   */
  watchWrites(tell: WriteWatcher): () => void {
    this.#writeWatchers.add(tell);
    return () => this.#writeWatchers.delete(tell);
  }

  /** Whether every write to a knob's file is heard of. */
  get tellsWrites(): boolean {
    return (this.#listener?.writes ?? 'polling') !== 'polling';
  }

  /** How many of each kind each group had; a group that is gone stays for a while. */
  totals(): readonly EventTotal[] {
    return this.#journal.totals();
  }

  status(): EventStatus {
    const { eventfds, modified, polled } = this.#watches.status();
    const asked = this.#thresholds.status();
    const listener = this.#listener;
    return {
      eventfds: eventfds + asked.eventfds,
      modified,
      polled: polled + asked.polled,
      triggers: asked.triggers,
      events: this.#journal.seq,
      dropped: this.#journal.dropped,
      tree: listener?.tree ?? 'polling',
      writes: listener?.writes ?? 'polling',
      kernelLog: listener?.log ?? false,
      warnings: listener?.warnings ?? [WITHOUT_ADDON],
    };
  }

  /** Looks now at every directory, and at all that does not notify. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll(true).finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  /** Something was heard that the machine may have counted, or that is to be looked at again soon. */
  #stir(): void {
    this.#stirred = true;
    if (!this.#relaxed) return;
    this.#relaxed = false;
    clearTimeout(this.#timer);
    this.#schedule(this.#pollMs);
  }

  /** When to look next, after a poll that took so long: seldom where everything that matters is heard of. */
  #scheduleAfter(ms: number): void {
    const listener = this.#listener;
    const heard = listener !== undefined && listener.tree !== 'polling' && listener.log;
    this.#relaxed = heard && !this.#stirred && !this.#watches.lasting && this.#thresholds.status().polled === 0;
    const soon = Math.max(this.#pollMs, ms / POLL_SHARE);
    this.#schedule(this.#relaxed ? Math.min(soon * QUIET_POLLS, LONGEST_MS) : soon);
  }

  #schedule(delay: number): void {
    this.#timer = setTimeout(() => {
      const started = clock();
      this.#polling ??= this.#poll(false).finally(() => {
        this.#polling = undefined;
      });
      this.#polling.catch(this.#onError).finally(() => {
        if (this.#unwatch !== undefined) this.#scheduleAfter(clock() - started);
      });
    }, delay);
  }

  /** @param asked even where it would be told */
  async #poll(asked: boolean): Promise<void> {
    this.#polls += 1;
    this.#stirred = false;
    const kept = this.#listener !== undefined && this.#listener.tree !== 'polling';
    const whole = asked || this.#missed || !kept || clock() >= this.#reconcileAt;
    const slices = new Slices();
    if (whole) {
      const missed = this.#missed;
      this.#missed = false;
      await this.tree.reconcile();
      this.#reconcileAt = clock() + RECONCILE_MS;
      if (kept || this.#polls % SETTLE_POLLS === 0) {
        for (const group of this.tree.groups) {
          if (!group.gone) this.#attach(group, true);
          if (slices.due()) await slices.pause();
        }
      }
      // What was missed may be anywhere.
      if (missed) {
        for (const watch of this.#watches.all()) this.#watches.look(watch);
        for (const tell of this.#writeWatchers) for (const group of this.tree.groups) tell(group, undefined);
      }
    }
    const settled = this.#settling;
    this.#settling = [];
    for (const group of settled) {
      if (this.#listener !== undefined && !group.gone) this.#writes.learn(group);
      if (slices.due()) await slices.pause();
    }
    const behind = this.#machine?.behind ?? false;
    for (const watch of behind ? this.#suspects() : this.#watches.due()) {
      this.#watches.look(watch);
      if (slices.due()) await slices.pause();
    }
    this.#thresholds.poll();
    this.#journal.expire(Date.now(), this.#keepGoneMs?.());
    if (this.#polls % FORGET_POLLS === 0) this.#whereabouts?.forget((id) => this.tree.find(id) !== undefined);
    if (behind) {
      this.#stir();
      for (const { kind, count } of this.#machine?.settle() ?? []) this.#tellLost(kind, count);
    } else this.#kills.balanced();
  }

  /** All that may have counted what the machine has, and what is due anyway. */
  #suspects(): readonly Watch[] {
    const counting = this.#watches
      .all()
      .filter(({ place }) => countersOf(place).some(({ vmstat }) => vmstat !== undefined));
    return [...counting, ...this.#watches.due()];
  }

  // What is heard.

  #heardText(key: number, texts: readonly string[], at: number): void {
    const watch = this.#watches.find(key);
    const [text = '', ...beside] = texts;
    if (watch === undefined) {
      this.#thresholds.heard(key, text);
      return;
    }
    // The kernel signals whose limit it is, and all below.
    if (watch.place.target?.mechanism === 'eventfd') watch.notified = at;
    if (beside.some((each) => each !== '')) watch.beside = beside;
    this.#texts.push({ watch, text });
    this.#stir();
  }

  #heardEnd(key: number): void {
    const watch = this.#watches.find(key);
    if (watch === undefined) {
      this.#thresholds.ended(key);
      return;
    }
    this.#watches.release(watch);
    this.#expect({ hierarchy: watch.place.hierarchy, id: watch.id }, {});
  }

  #heardLog(text: string, groups: string | undefined): void {
    const message = parseKmsg(text)?.message;
    if (message === undefined) return;
    const victim = this.#whereabouts?.heard(message, groups);
    if (victim !== undefined) {
      this.#kills.named(victim);
      // It was counted before it was logged.
      const watch = victim.cgroup === undefined ? undefined : this.#watchAt(victim.cgroup, this.#killing);
      if (watch !== undefined) this.#watches.look(watch);
    }
    this.#stir();
    for (const place of this.#places) {
      const at = place.logged === undefined ? -1 : message.indexOf(place.logged);
      if (place.logged === undefined || at < 0) continue;
      const watch = this.#watchAt(message.slice(at + place.logged.length), place);
      if (watch !== undefined) this.#watches.look(watch);
    }
  }

  #expect(place: Place, by: By): void {
    this.#pending.set(`${place.hierarchy}${place.id}`, place);
    if (by.pid !== undefined) this.#doers.set(place.id, by);
    this.#gathering ??= setTimeout(() => this.#gather(), GATHER_MS);
  }

  #heardAll(): void {
    const texts = this.#texts;
    this.#texts = [];
    const written = [...this.#written.values()];
    this.#written.clear();
    // What happened in a group is told after its making.
    const early =
      texts.some(({ watch }) => watch.group === undefined) ||
      written.some(({ place }) => this.tree.find(place.id) === undefined);
    if (early) this.#see();
    for (const { watch, text } of texts) this.#watches.heard(watch, text);
    for (const { place, file, by } of written) this.#heardWrite(place, file, by);
    if (early) this.#dropUnseen();
  }

  #heardWrite(place: Place, file: string, by: By): void {
    const group = this.tree.find(place.id);
    if (group === undefined) return;
    if (file === PROCS) {
      if (place.hierarchy === this.#killing?.hierarchy) this.#whereabouts?.joined(group.id);
      return;
    }
    if (file === SUBTREE_CONTROL) for (const child of group.children?.values() ?? []) this.#attach(child, true);
    for (const tell of this.#writeWatchers) tell(group, file);
    const draft = this.#writes.changed(place, group, file, by);
    if (draft === undefined) return;
    this.#record(draft);
    this.#thresholds.rearm(group);
  }

  /** Looks at the directories that were heard of. */
  #see(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.tree.look(this.#pending.values());
    this.#pending.clear();
    this.#doers.clear();
  }

  #gather(): void {
    this.#see();
    this.#dropUnseen();
  }

  #dropUnseen(): void {
    for (const id of this.#watches.dropUnseen()) if (this.tree.find(id) === undefined) this.#journal.gone(id);
  }

  // Groups.

  #follow({ created, removed }: TreeChange): void {
    for (const group of removed) {
      this.#watches.detach(group);
      this.#writes.forget(group);
      this.#thresholds.forget(group);
      this.#journal.gone(group.id);
      this.#tellPassing('removed', group);
    }
    for (const group of created) {
      this.#tellPassing('created', group);
      this.#attach(group, true);
    }
  }

  #attach(group: Group, born: boolean): void {
    if (!this.#watches.attach(group, born)) return;
    // Without a listener nobody hears of writes. Whoever makes a group sets it up at once: its limits are read when that is over.
    if (born) {
      this.#settling.push(group);
      this.#stir();
    } else if (this.#listener !== undefined) this.#writes.learn(group);
    this.#thresholds.attach(group);
  }

  #watchAt(cgroup: string, place: EventPlace | undefined): Watch | undefined {
    const group = this.tree.find(cgroup);
    return group && place && this.#watches.of(group, place);
  }

  // What is told.

  #record(draft: Draft): void {
    this.#journal.record(draft);
  }

  #tellPassing(kind: 'created' | 'removed', { id: cgroup, generation }: Group): void {
    const { pid, command } = this.#doers.get(cgroup) ?? {};
    const who = pid === undefined ? '' : ` by pid ${pid}${command === undefined ? '' : ` (${command})`}`;
    this.#record({
      kind,
      cgroup,
      generation,
      text: `${kind} ${cgroup}${who}`,
      ...(pid !== undefined && { details: { pid, ...(command !== undefined && { command }) } }),
    });
  }

  #counted(watch: Watch, kind: string, count: number, victims: boolean): void {
    const { group } = watch;
    // One text of each path is enough.
    const cgroup = group?.id ?? watch.id;
    this.#journal.count(kind, cgroup, count);
    this.#machine?.counted(kind, count);
    if (count === 0) return;
    const kill = { kind, cgroup, count, ...(group && { generation: group.generation }) };
    if (victims) this.#kills.counted(kill, this.#whereabouts !== undefined && (this.#listener?.log ?? false));
    else this.#tellCount(kill, watch.place);
  }

  /** The log names a victim of which no counter spoke: its group gets a last chance, and is gone then. */
  #believe(cgroup: string, victim: Victim): void {
    const watch = this.#watchAt(cgroup, this.#killing);
    if (watch !== undefined && this.#watches.look(watch)) return;
    const kind = this.#killing && countersOf(this.#killing).find(({ victims }) => victims)?.kind;
    if (kind === undefined || !this.#kills.isOpen(victim)) return;
    this.#journal.count(kind, cgroup, 1);
    this.#journal.gone(cgroup);
    this.#machine?.counted(kind, 1);
    this.#tellKill({ kind, cgroup, count: 1 }, [victim]);
  }

  #tellKill(kill: Kill, victims: readonly Victim[]): void {
    this.#tellCount(kill, this.#killing, victims);
  }

  #tellCount(kill: Kill, place: EventPlace | undefined, victims: readonly Victim[] = []): void {
    const ancestor = victims[0]?.limited ?? this.#ancestorOf(kill.cgroup, place);
    this.#record(killed(kill, victims, ancestor, this.#beside(ancestor ?? kill.cgroup, place)));
  }

  #tellState(watch: Watch, kind: string, key: string, value: number): void {
    const { group } = watch;
    const id = group?.id ?? watch.id;
    if (value > 0) this.#journal.count(kind, id, 1);
    const generation = group?.generation;
    this.#record({
      kind,
      cgroup: id,
      ...(generation !== undefined && { generation }),
      text: `${key} ${value} in ${id}`,
      details: { [key]: value },
    });
  }

  #tellLost(kind: string, count: number): void {
    this.#journal.count(kind, UNATTRIBUTED, count);
    this.#record(killed({ kind, cgroup: UNATTRIBUTED, count }, this.#kills.takeStrays(count), undefined));
  }

  /** The topmost group that was signalled together with this one: signals go down from the group whose limit was hit. */
  #ancestorOf(cgroup: string, place: EventPlace | undefined): string | undefined {
    const watch = this.#watchAt(cgroup, place);
    if (watch === undefined) return undefined;
    const now = clock();
    const signalled = watch.notified > now - SIGNAL_MS;
    const at = signalled ? watch.notified : now;
    let ancestor = signalled ? cgroup : undefined;
    for (let above = parentId(watch.id); above !== undefined; above = parentId(above)) {
      const other = this.#watchAt(above, place);
      if (other === undefined) continue;
      if (Math.abs(other.notified - at) <= SAME_SIGNAL_MS) ancestor = above;
    }
    return ancestor;
  }

  /** What the group had in use, and how much it might: read when its file notified. */
  #beside(cgroup: string, place: EventPlace | undefined): Details {
    const texts = this.#watchAt(cgroup, place)?.beside ?? [];
    return Object.fromEntries(
      (place?.beside ?? []).flatMap((name, at) => {
        const text = texts[at]?.trim() ?? '';
        const value = limitAt(text, 0, text.length);
        if (Number.isNaN(value)) return [];
        return [[name, value === Number.POSITIVE_INFINITY ? 'max' : value]];
      }),
    );
  }
}

const WITHOUT_ADDON = 'without the native addon events are polled, and writes to knobs are not seen';

/** Changes of a state that nothing counts (every group once had a first process, and is without one when it is removed). */
function passingKinds(registry: Registry): ReadonlySet<string> {
  const states = registry
    .allEvents()
    .filter(({ event }) => sourcesOf(event).every(({ counters }) => counters.length === 0));
  return new Set(states.map(({ event }) => event.name));
}

const sourcesOf = ({ v1, v2 }: EventDecl): readonly EventSource[] => [v1, v2].flatMap(alternatives);

/** Every kind of event that there may be. */
export function eventKinds(registry: Registry): readonly string[] {
  const declared = registry.allEvents().flatMap(({ event }) => {
    const sources = sourcesOf(event).filter(({ levels }) => levels === undefined);
    const states = sources.some(({ state }) => state !== undefined) ? [event.name] : [];
    return [...states, ...sources.flatMap(({ counters }) => counters.map(({ kind }) => kind))];
  });
  return [...new Set([...declared, 'created', 'removed', 'limit_changed', 'threshold'])];
}
