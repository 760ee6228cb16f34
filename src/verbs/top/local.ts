/** This machine's groups: looked at when somebody watches. */
import { hostname, totalmem } from 'node:os';
import { describeKnobs } from '../../control/describe.ts';
import type { Value } from '../../controllers/controller.ts';
import type { Registry } from '../../controllers/registry.ts';
import { CgError } from '../../errors.ts';
import { parseCgroupId } from '../../hierarchy/id.ts';
import type { Host } from '../../hierarchy/types.ts';
import { nameFor } from '../../identity/runtime.ts';
import { Births } from '../../monitor/births.ts';
import { figuresOf, findColumn, viewColumns } from '../../monitor/columns.ts';
import { EventEngine } from '../../monitor/events.ts';
import { Sampler } from '../../monitor/sampler.ts';
import { Tree } from '../../monitor/tree.ts';
import { besides, type Cell, type ColumnInfo } from '../../protocol/column.ts';
import type { Row, Snapshot } from '../../protocol/snapshot.ts';
import type { LiveRow } from '../../protocol/stream.ts';
import type { Table } from '../../view/table.ts';
import { valueText } from '../get.ts';
import { processesOf } from '../ps.ts';
import type { Detail } from './detail.ts';
import type { Listener, Machine, Source } from './source.ts';

/** Processes that a pane lists. */
const LISTED = 20;

export class LocalSource implements Source {
  readonly machine: Machine;
  readonly columns: readonly ColumnInfo[];
  readonly #host: Host;
  readonly #registry: Registry;
  readonly #tree: Tree;
  readonly #sampler: Sampler;
  readonly #events: EventEngine;
  readonly #tables: Tables;
  readonly #ends: (() => void)[] = [];

  constructor(host: Host, registry: Registry) {
    this.#host = host;
    this.#registry = registry;
    const { mode } = host.layout;
    this.machine = {
      title: `${hostname()} · ${mode}`,
      cpus: host.topology().onlineCpus.length,
      memoryBytes: totalmem(),
    };
    this.columns = viewColumns(registry);
    this.#tables = new Tables(host, registry);
    this.#tree = new Tree(host);
    this.#sampler = new Sampler(host, registry, {
      tree: this.#tree,
      writesAreTold: () => this.#events.tellsWrites,
    });
    this.#events = new EventEngine(host, registry, { tree: this.#tree });
  }

  follow(intervalMs: number, listener: Listener): void {
    const troubled = (error: unknown) => listener.trouble(error instanceof Error ? error.message : String(error));
    this.#events.watchWrites((group, file) => this.#sampler.invalidate(group.id, file));
    this.#ends.push(
      this.#sampler.subscribe(intervalMs, (snapshot) => listener.table(this.#tables.of(snapshot))),
      this.#events.subscribe((event) => {
        this.#sampler.invalidate(event.cgroup);
        listener.event(event);
      }),
    );
    this.#events.start().catch(troubled);
  }

  async detail(text: string): Promise<Detail> {
    const id = parseCgroupId(text);
    try {
      const processes = processesOf(this.#host, id);
      const knobs = describeKnobs(this.#host, this.#registry, id).flatMap(
        ({ entry: { knob }, asked, value, absent }) => {
          if (absent !== undefined || value === undefined) return [];
          const textOf = (one: Value) => valueText(this.#host, knob.type, one);
          return [{ key: knob.key, asked: asked === undefined ? undefined : textOf(asked), kernel: textOf(value) }];
        },
      );
      return { id, knobs, processes: processes.slice(0, LISTED), total: processes.length };
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      return { id, knobs: [], processes: [], total: 0, problem: error.message };
    }
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    await this.#events.close();
    await this.#sampler.close();
  }
}

/** Snapshots as the stream would send them: the view's columns, what is told beside them, and what is known of each group. */
class Tables {
  readonly #registry: Registry;
  readonly #births: Births;
  readonly #columns: readonly ColumnInfo[];
  /** What is known of rows, as long as they stay. */
  #known: { readonly rows: readonly Row[]; readonly told: readonly LiveRow[] } | undefined;
  #frozen: { readonly of: readonly LiveRow[]; readonly key: string; readonly told: readonly LiveRow[] } | undefined;

  constructor(host: Host, registry: Registry) {
    this.#registry = registry;
    this.#births = new Births(host);
    const columns = viewColumns(registry);
    const further = columns.flatMap((column) =>
      besides(column).flatMap((metric) => findColumn(registry, metric) ?? []),
    );
    this.#columns = [...columns, ...further];
  }

  of(snapshot: Snapshot): Table {
    const none = new Float64Array(snapshot.rows.length).fill(Number.NaN);
    return {
      seq: snapshot.seq,
      time: snapshot.time,
      columns: this.#columns.map(({ metric }) => metric),
      rows: this.#withFrozen(this.#rows(snapshot), snapshot),
      values: this.#columns.map((column) => Array.from(figuresOf(snapshot, column) ?? none, cellOf)),
    };
  }

  #rows({ rows }: Snapshot): readonly LiveRow[] {
    if (this.#known?.rows !== rows) this.#known = { rows, told: rows.map((row) => this.#told(row)) };
    return this.#known.told;
  }

  #told(row: Row): LiveRow {
    const name = nameFor(parseCgroupId(row.id));
    // The mount was not made as other groups are.
    const created = row.parent < 0 ? Number.NaN : Math.round(this.#births.at(row) * 1000);
    return { ...row, ...(name !== undefined && { name }), ...(!Number.isNaN(created) && { created }) };
  }

  #withFrozen(rows: readonly LiveRow[], { columns }: Snapshot): readonly LiveRow[] {
    const [figures] = this.#registry.statsByRole('frozen').flatMap(({ stat }) => columns.get(stat.name) ?? []);
    const frozen = rows.flatMap((_, at) => (figures?.[at] === 1 ? at : []));
    const key = frozen.join();
    if (this.#frozen?.of !== rows || this.#frozen.key !== key) {
      const told =
        frozen.length === 0 ? rows : rows.map((row, at) => (figures?.[at] === 1 ? { ...row, frozen: true } : row));
      this.#frozen = { of: rows, key, told };
    }
    return this.#frozen.told;
  }
}

function cellOf(value: number): Cell {
  if (Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : 'max';
}
