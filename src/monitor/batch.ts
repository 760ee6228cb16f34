/** Files of many groups, read at once. */
import type { CgroupId } from '../hierarchy/types.ts';
import type { BatchSpec } from '../native.ts';
import type { KeyedColumn } from '../protocol/snapshot.ts';

/** Files of groups, to be read at once. What came of each is an {@link OUTCOME}, and the arrays are the reader's until it is done. */
export type Batch = Omit<BatchSpec, 'now'>;

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
