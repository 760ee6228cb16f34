/** Reading many files of many groups at once, by the addon or in plain JavaScript: the results are the same. */
import { readFileSync } from 'node:fs';
import type { Layout } from '../hierarchy/types.ts';
import { type Native, native } from '../native.ts';
import type { Batch, BatchReader } from './batch.ts';
import { NativeReader } from './native-reader.ts';
import { PlainReader } from './plain-reader.ts';
import type { Programme } from './programme.ts';

/** Kept-open descriptors, by default. */
export const DESCRIPTOR_BUDGET = 4096;

/** What others in the process may need, where the budget is larger than half of what it may have. */
const RESERVE = 1000;

export interface ReaderOptions {
  /** Descriptors that may be kept open. */
  readonly budget?: number | undefined;
  /** The addon; undefined to do without. */
  readonly native?: Native | undefined;
}

export function openReader(layout: Layout, programme: Programme, options: ReaderOptions = {}): BatchReader {
  const budget = affordable(options.budget ?? DESCRIPTOR_BUDGET);
  const addon = 'native' in options ? options.native : native();
  return addon === undefined
    ? new PlainReader(layout, programme, budget)
    : new NativeReader(addon, layout, programme, budget);
}

/** How many descriptors this process may have: its soft limit, which Node raises to the hard one (proc_pid_limits(5)). */
export function descriptorLimit(): number {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}

/** A budget, cut to what leaves descriptors for others. */
export function affordable(budget: number): number {
  const limit = descriptorLimit();
  return Math.min(budget, Math.max(Math.floor(limit / 2), limit - RESERVE));
}

/**
 * Which files stay open: from how many groups have a file of each rank, the first rank that does not fit the budget as a
 * whole, and how many of it do. Descriptors are pinned to files and never handed on by recency: a cyclic scan larger than such
 * a cache hits nothing.
 */
export function pins(counts: ReadonlyMap<number, number>, budget: number): Pick<Batch, 'level' | 'spare'> {
  let spare = budget;
  for (const [level, count] of [...counts].sort(([a], [b]) => a - b)) {
    if (count > spare) return { level, spare };
    spare -= count;
  }
  return { level: EVERYTHING, spare: 0 };
}

/** Above every rank. */
const EVERYTHING = 2 ** 32 - 1;
