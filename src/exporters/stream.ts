/** The live stream's messages as bytes, but for tables: {@link Feed} makes those. */
import type { Registry } from '../controllers/registry.ts';
import { findColumn, viewColumns } from '../monitor/columns.ts';
import { besides } from '../protocol/column.ts';
import { type ColumnInfo, type ServerMessage, STREAM_VERSION } from '../protocol/stream.ts';
import { LIMITS } from '../protocol/stream-schema.ts';

/** What is sent where a client names no columns: the view's, and what is told beside them. */
export function defaultColumns(registry: Registry): readonly ColumnInfo[] {
  const columns = viewColumns(registry);
  const further = columns.flatMap((column) => besides(column).flatMap((metric) => findColumn(registry, metric) ?? []));
  return [...columns, ...further];
}

/** Columns by metric name; unknown names are told apart. */
export function resolveColumns(
  registry: Registry,
  metrics: readonly string[],
): { readonly columns: readonly ColumnInfo[]; readonly unknown: readonly string[] } {
  const found = metrics.map((metric) => ({ metric, column: findColumn(registry, metric) }));
  return {
    columns: found.flatMap(({ column }) => column ?? []),
    unknown: found.flatMap(({ metric, column }) => (column === undefined ? metric : [])),
  };
}

/** @param instance this life of the service */
export function encodeHello(registry: Registry, instance: string): Buffer {
  return encode({ type: 'hello', version: STREAM_VERSION, instance, columns: viewColumns(registry), limits: LIMITS });
}

/** A message that is made for one client, or made seldom. */
export function encode(message: ServerMessage): Buffer {
  return Buffer.from(JSON.stringify(message));
}
