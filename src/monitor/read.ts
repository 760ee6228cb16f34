/** Reading many files of many groups at once, by the addon or in plain JavaScript: the results are the same. */
import type { Layout } from '../hierarchy/types.ts';
import { type Native, native } from '../native.ts';
import type { Batch, BatchReader } from './batch.ts';
import { affordable } from './descriptors.ts';
import { NativeReader } from './native-reader.ts';
import { PlainReader } from './plain-reader.ts';
import type { Programme } from './programme.ts';

/** Kept-open descriptors, by default. */
export const DESCRIPTOR_BUDGET = 4096;

export interface ReaderOptions {
  /** Descriptors that may be kept open. */
  readonly budget?: number | undefined;
  /** Descriptors that others of this process may have in any case; none by default. */
  readonly beside?: number | undefined;
  /** The addon; undefined to do without. */
  readonly native?: Native | undefined;
}

export function openReader(layout: Layout, programme: Programme, options: ReaderOptions = {}): BatchReader {
  const budget = affordable(options.budget ?? DESCRIPTOR_BUDGET, options.beside);
  const addon = 'native' in options ? options.native : native();
  return addon === undefined
    ? new PlainReader(layout, programme, budget)
    : new NativeReader(addon, layout, programme, budget);
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
