/** One client's part in a channel: what it is told, and what is left out when it reads too slowly. */
import type { Frame } from '../exporters/feed.ts';
import { encode } from '../exporters/stream.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import type { ResyncMessage } from '../protocol/stream.ts';
import type { Subscribe } from '../protocol/stream-schema.ts';
import type { Channel } from './channels.ts';
import type { Outbox } from './outbox.ts';

/** Told as it happens. */
export interface Course {
  sent(): void;
  dropped(): void;
  /** There is room again after something was left out. */
  drained(): void;
}

export class Subscription {
  readonly events: boolean;
  readonly #sub: string;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #course: Course;
  #leave: (() => void) | undefined;
  /** The client has the table that the next change is about. */
  #inStep = false;
  #dropped = 0;

  constructor({ sub, events }: Subscribe, channel: Channel, outbox: Outbox, course: Course) {
    this.#sub = sub;
    this.events = events;
    this.#channel = channel;
    this.#outbox = outbox;
    this.#course = course;
  }

  /** @param since the seq of the table that the client has */
  start(since: number | undefined): void {
    const { feed, isCurrent } = this.#channel;
    const missed = since === undefined ? undefined : feed.since(since);
    if (missed !== undefined && since !== undefined) {
      this.#inStep = true;
      for (const frame of missed) this.#send(frame);
    } else if (since !== undefined) this.#resync('since');
    this.#leave = this.#channel.join((frame) => this.#hear(frame));
    // Else the first look is under way.
    if (isCurrent && !this.#inStep) this.#hear(undefined);
  }

  end(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Whether the client is told of an event: of a group that it sees, or that such a group's limit brought about. */
  wants({ cgroup, ancestor }: CgroupEvent): boolean {
    const { selection } = this.#channel;
    return this.events && (selection.wants(cgroup) || (ancestor !== undefined && selection.wants(ancestor)));
  }

  #hear(frame: Frame | undefined): void {
    if (this.#outbox.isFull) {
      if (frame === undefined && this.#inStep) return;
      this.#inStep = false;
      this.#dropped += 1;
      this.#course.dropped();
      return;
    }
    if (this.#inStep) {
      if (frame !== undefined) this.#send(frame);
      return;
    }
    if (this.#dropped > 0) {
      this.#resync('slow');
      this.#course.drained();
    }
    this.#send(this.#channel.feed.snapshot());
    this.#inStep = true;
  }

  #resync(reason: ResyncMessage['reason']): void {
    this.#outbox.send(encode({ type: 'resync', sub: this.#sub, reason, dropped: this.#dropped }));
    this.#dropped = 0;
  }

  #send(frame: Frame): void {
    this.#outbox.send(frame.bytes(this.#sub));
    this.#course.sent();
  }
}
