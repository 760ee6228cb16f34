/** Tables from paths and figures. */
import type { Cell, ColumnInfo } from '../../src/protocol/column.ts';
import type { LiveRow } from '../../src/protocol/stream.ts';
import type { Table } from '../../src/view/table.ts';

/** Rows from paths, parents first. */
export function rowsOf(ids: readonly string[], generation = '1', more: Partial<LiveRow> = {}): LiveRow[] {
  return ids.map((id) => {
    const above = id === '/' ? undefined : id.slice(0, id.lastIndexOf('/')) || '/';
    return {
      id,
      generation,
      parent: above === undefined ? -1 : ids.indexOf(above),
      depth: id === '/' ? 0 : id.split('/').length - 1,
      ...more,
    };
  });
}

/** A table of one column, `cpu`: a figure for each path. */
export function tableOf(groups: Readonly<Record<string, Cell>>, generation = '1', rest: Partial<Table> = {}): Table {
  const rows = rowsOf(Object.keys(groups), generation);
  return { seq: 1, time: 0, columns: ['cpu'], rows, values: [Object.values(groups)], ...rest };
}

export function columnOf(metric: string, rest: Partial<ColumnInfo> = {}): ColumnInfo {
  return { metric, title: metric, show: 'count', rate: false, ...rest };
}
