/** Rows by what is asked of them, found once for as long as the rows stay. */
import type { Row, Snapshot } from '../protocol/snapshot.ts';

const indexes = new WeakMap<readonly Row[], ReadonlyMap<string, number>>();

/** Rows by path. */
export function indexOf({ rows }: Snapshot): ReadonlyMap<string, number> {
  let index = indexes.get(rows);
  if (index === undefined) {
    index = new Map(rows.map(({ id }, at) => [id, at]));
    indexes.set(rows, index);
  }
  return index;
}
