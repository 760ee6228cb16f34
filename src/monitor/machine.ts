/** What the machine as a whole has counted (/proc/vmstat): the sum that the groups' events must come to. */
import { closeSync, openSync, readSync } from 'node:fs';
import { alternatives } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { errnoOf } from '../errors.ts';
import { flatValue } from '../parse/flat.ts';

interface Tally {
  /** Of /proc/vmstat. */
  readonly line: string;
  readonly start: number;
  /** What groups counted since the start. */
  counted: number;
  /** What was missing at the last settling. */
  missed: number;
}

/** One kind's events that no group accounts for. */
export interface Lost {
  readonly kind: string;
  readonly count: number;
}

export class MachineCounts {
  readonly #registry: Registry;
  readonly #tallies = new Map<string, Tally>();
  #file: Vmstat | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Counting begins here. */
  begin(): void {
    this.#file = new Vmstat();
    for (const { event } of this.#registry.allEvents()) {
      const counters = [event.v1, event.v2].flatMap(alternatives).flatMap((source) => source.counters);
      for (const { kind, vmstat: line } of counters) {
        const start = line === undefined ? undefined : this.#file.value(line);
        if (line !== undefined && start !== undefined) this.#tallies.set(kind, { line, start, counted: 0, missed: 0 });
      }
    }
  }

  /** Groups accounted for so many. */
  counted(kind: string, count: number): void {
    const tally = this.#tallies.get(kind);
    if (tally !== undefined) tally.counted += count;
  }

  /** Whether the machine has counted more than the groups have. */
  get behind(): boolean {
    return [...this.#tallies.values()].some((tally) => this.#missing(tally) > 0);
  }

  /** What was missing the last time already and still is: no group is left that could say so. It counts as accounted for from now on. */
  settle(): readonly Lost[] {
    return [...this.#tallies].flatMap(([kind, tally]) => {
      const now = this.#missing(tally);
      const count = Math.min(now, tally.missed);
      tally.counted += count;
      tally.missed = now - count;
      return count > 0 ? [{ kind, count }] : [];
    });
  }

  close(): void {
    this.#file?.close();
  }

  #missing({ line, start, counted }: Tally): number {
    return Math.max(0, (this.#file?.value(line) ?? start) - start - counted);
  }
}

/** Kept open: it is read again and again. */
class Vmstat {
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  #descriptor: number | undefined;

  constructor() {
    this.#descriptor = unlessRefused(() => openSync('/proc/vmstat', 'r'));
  }

  /** Undefined where the kernel does not count it, or /proc is not there. */
  value(line: string): number | undefined {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return undefined;
    const size = unlessRefused(() => readSync(descriptor, this.#buffer, 0, this.#buffer.length, 0));
    return size === undefined ? undefined : flatValue(this.#buffer.toString('latin1', 0, size), line);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
