/** Distinct subscriptions to the stream: clients that want the same share a channel, and what it tells is made once. */
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { Feed, type Frame, type Knowledge, type Selection } from '../exporters/feed.ts';
import { defaultColumns, resolveColumns } from '../exporters/stream.ts';
import { isWithin, parseCgroupId } from '../hierarchy/id.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import type { Sampler } from '../monitor/sampler.ts';
import { glob } from '../parse/pattern.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import type { Subscribe } from '../protocol/stream-schema.ts';

/** Each costs a table, and the making of its messages. */
const MOST_CHANNELS = 256;
/** A channel without clients is kept so long, for those that lost their connection, and so many of them. */
const KEEP_MS = 30_000;
const MOST_KEPT = 16;
/** What was last seen is told at once if it is not older: a look at thousands of groups takes a while, a person is waiting. */
const AT_FIRST_SECONDS = 15;

/** Hears each message of a channel; of none, where there is nothing new to tell. */
export type Listener = (frame: Frame | undefined) => void;

export class Channel {
  readonly selection: Selection;
  readonly feed: Feed;
  readonly #subscribe: (deliver: (snapshot: Snapshot) => void) => () => void;
  readonly #left: () => void;
  readonly #listeners = new Set<Listener>();
  #unsubscribe: (() => void) | undefined;
  #followed = false;

  /** @param left is called when the last listener is gone */
  constructor(
    selection: Selection,
    knowledge: Knowledge,
    subscribe: (deliver: (snapshot: Snapshot) => void) => () => void,
    left: () => void,
  ) {
    this.selection = selection;
    this.feed = new Feed(selection, knowledge);
    this.#subscribe = subscribe;
    this.#left = left;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  /** Whether its table is of the present: it was told a moment ago, and is followed. */
  get isCurrent(): boolean {
    return this.#followed;
  }

  /** @returns a function that ends it */
  join(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#unsubscribe ??= this.#subscribe((snapshot) => {
      const frame = this.feed.advance(snapshot);
      this.#followed = true;
      for (const hear of this.#listeners) hear(frame);
    });
    return () => {
      if (!this.#listeners.delete(listener) || !this.isIdle) return;
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      this.#followed = false;
      this.#left();
    };
  }
}

export class Channels {
  readonly #registry: Registry;
  readonly #sampler: Sampler;
  readonly #knowledge: Knowledge;
  readonly #channels = new Map<string, Channel>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();

  constructor(registry: Registry, sampler: Sampler, knowledge: Knowledge) {
    this.#registry = registry;
    this.#sampler = sampler;
    this.#knowledge = knowledge;
  }

  /** @throws CgError for what cannot be subscribed */
  find(wanted: Pick<Subscribe, 'intervalMs' | 'columns' | 'subtree' | 'pattern' | 'figures'>): Channel {
    const { intervalMs, columns, subtree, pattern, figures } = wanted;
    const key = JSON.stringify([intervalMs, columns, subtree, pattern, figures]);
    clearTimeout(this.#leaving.get(key));
    this.#leaving.delete(key);
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      const selection = this.#select(wanted);
      if (this.#channels.size >= MOST_CHANNELS)
        throw new CgError('OVERLOAD', `there are ${MOST_CHANNELS} different subscriptions already`);
      channel = new Channel(
        selection,
        this.#knowledge,
        (deliver) => this.#follow(intervalMs, deliver),
        () => this.#left(key),
      );
      this.#channels.set(key, channel);
      // It may be that nobody joins.
      this.#left(key);
    }
    return channel;
  }

  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#channels.clear();
  }

  #follow(intervalMs: number, deliver: (snapshot: Snapshot) => void): () => void {
    const { last } = this.#sampler;
    if (last !== undefined && performance.now() / 1000 - last.monotonic <= AT_FIRST_SECONDS) deliver(last);
    return this.#sampler.subscribe(intervalMs, deliver);
  }

  #left(key: string): void {
    const timer = setTimeout(() => this.#drop(key), KEEP_MS);
    timer.unref();
    clearTimeout(this.#leaving.get(key));
    // Last in line again.
    this.#leaving.delete(key);
    this.#leaving.set(key, timer);
    const [oldest] = this.#leaving.keys();
    if (this.#leaving.size > MOST_KEPT && oldest !== undefined) this.#drop(oldest);
  }

  #drop(key: string): void {
    clearTimeout(this.#leaving.get(key));
    this.#leaving.delete(key);
    if (this.#channels.get(key)?.isIdle) this.#channels.delete(key);
  }

  #select({
    columns: metrics,
    subtree,
    pattern,
    figures,
  }: Pick<Subscribe, 'columns' | 'subtree' | 'pattern' | 'figures'>): Selection {
    const top = subtree === undefined ? undefined : parseCgroupId(subtree);
    const matches = pattern === undefined ? undefined : glob(pattern);
    return {
      columns: metrics === undefined ? defaultColumns(this.#registry) : this.#columns(metrics),
      figures,
      wants: (id) => (top === undefined || isWithin(id as CgroupId, top)) && (matches === undefined || matches(id)),
    };
  }

  #columns(metrics: readonly string[]): Selection['columns'] {
    const { columns, unknown } = resolveColumns(this.#registry, metrics);
    if (unknown.length === 0) return columns;
    throw new CgError('USAGE', `there are no columns ${unknown.map((name) => JSON.stringify(name)).join(', ')}`);
  }
}
