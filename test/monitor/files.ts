/** Plain files in place of the kernel's, to be read by what reads control files. */
import { readdirSync } from 'node:fs';
import type { Declared, Stat } from '../../src/controllers/controller.ts';
import { controller } from '../../src/controllers/controller.ts';
import { registry } from '../../src/controllers/registry.ts';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import type { Hierarchy, Layout } from '../../src/hierarchy/types.ts';
import type { Batch, BatchReader } from '../../src/monitor/batch.ts';
import { type Presence, Programme, type Step } from '../../src/monitor/programme.ts';
import type { KeyedColumn } from '../../src/protocol/snapshot.ts';

/** A v1 hierarchy of that folder; its folders are groups. */
export function layoutOf(mountPoint: string, root = '/'): Layout {
  const hierarchy: Hierarchy = {
    key: 'made',
    dialect: 'v1',
    mountPoint,
    root: parseCgroupId(root),
    controllers: ['made'],
    readOnly: false,
    device: 0n,
  };
  return { mode: 'v1', hierarchies: [hierarchy] };
}

export const madeOf = (stats: readonly Stat[]): Declared =>
  controller(() => ({ name: 'made', summary: 'Made up', v1: 'made', doc: 'none', stats }));

export function programmeOf(layout: Layout, stats: readonly Stat[]): Programme {
  return new Programme(layout, registry([madeOf(stats)]), 4096);
}

/** All files of a folder as a group's. */
export function presenceIn(folder: string): Presence {
  const files = readdirSync(folder);
  return { root: false, files, signature: files.join(' ') };
}

export interface Reading extends Batch {
  readonly keyed: ReadonlyMap<number, KeyedColumn>;
}

/** Reads steps of groups once; a row for each group. */
export async function readOnce(
  reader: BatchReader,
  programme: Programme,
  groups: readonly (readonly [handle: number, steps: readonly Step[]])[],
  pinned = { level: 2 ** 32 - 1, spare: 0 },
): Promise<Reading> {
  const entries = groups.flatMap(([handle, steps], row) => steps.map(({ index }) => ({ handle, index, row })));
  const batch: Batch = {
    groups: Int32Array.from(entries, ({ handle }) => handle),
    steps: Int32Array.from(entries, ({ index }) => index),
    rows: Int32Array.from(entries, ({ row }) => row),
    outcomes: new Uint8Array(entries.length).fill(255),
    times: new Float64Array(entries.length).fill(Number.NaN),
    columns: programme.columns.map(({ label }) =>
      label === undefined ? new Float64Array(groups.length).fill(-7) : undefined,
    ),
    ...pinned,
  };
  return { ...batch, keyed: await reader.read(batch) };
}

/** Everything that was found, comparable by deepStrictEqual, which tells NaN, -0 and 0 apart. */
export function foundIn({ outcomes, columns, keyed }: Reading) {
  return {
    outcomes: [...outcomes],
    columns: columns.map((column) => column && [...column]),
    keyed: columns.map((_, at) => {
      const { row = [], label = [], value = [] } = keyed.get(at) ?? {};
      return { row: [...row], label: [...label], value: [...value] };
    }),
  };
}
