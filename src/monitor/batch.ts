/** Files of many groups, read at once. */
import type { CgroupId } from '../hierarchy/types.ts';
import type { KeyedColumn } from '../protocol/snapshot.ts';

/** Files of groups, to be read at once. The arrays are the reader's until it is done. */
export interface Batch {
  /** Of each file: its group's handle, its step in the programme, and the row that its figures are for. A group's follow one another. */
  readonly groups: Int32Array;
  readonly steps: Int32Array;
  readonly rows: Int32Array;
  /** Filled: what came of each file, see {@link OUTCOME}. */
  readonly outcomes: Uint8Array;
  /** Filled: when its turn came, in seconds on the monotonic clock. */
  readonly times: Float64Array;
  /** By the programme's columns: written at the rows, NaN where a file holds no figure. Undefined for columns with labels. */
  readonly columns: readonly (Float64Array | undefined)[];
  /** Files of lower rank stay open, and of this rank so many as are spare. */
  readonly level: number;
  readonly spare: number;
}

export const OUTCOME = {
  read: 0,
  /** The file is not there, or no longer. */
  absent: 1,
  /** It is there and cannot be read. */
  failed: 2,
  /** What it holds is not in the shape that is declared. */
  malformed: 3,
} as const;

/** Its descriptors are its own: close() must be called. */
export interface BatchReader {
  readonly kind: 'native' | 'plain';
  /** How many descriptors are kept. */
  readonly open: number;
  readonly budget: number;
  /** @returns the group's handle. Nothing is opened yet */
  add(id: CgroupId): number;
  /** Forgets a group and closes its files. Not while a batch is read. */
  remove(handle: number): void;
  /** One batch at a time. @returns by column, figures with labels in the order of the batch */
  read(batch: Batch): Promise<ReadonlyMap<number, KeyedColumn>>;
  close(): void;
}
