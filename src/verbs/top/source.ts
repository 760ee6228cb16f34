/** Where the view's figures come from: this machine's own sampler, or a service. */
import type { ColumnInfo } from '../../protocol/column.ts';
import type { CgroupEvent } from '../../protocol/event.ts';
import type { Table } from '../../view/table.ts';
import type { Detail } from './detail.ts';

export interface Machine {
  /** For the heading: `host7 · hybrid · 6.18`. */
  readonly title: string;
  /** CPUs that are online, and memory in bytes, where they are known. */
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

export interface Listener {
  table(table: Table): void;
  event(event: CgroupEvent): void;
  /** Why nothing comes, for people; the next table says that it is over. */
  trouble(text: string): void;
}

export interface Source {
  readonly machine: Machine;
  readonly columns: readonly ColumnInfo[];
  /** Begins to tell; it goes on until {@link close}. */
  follow(intervalMs: number, listener: Listener): void;
  /** What stands in the pane beside the figures. @throws CgError */
  detail(id: string): Promise<Detail>;
  close(): Promise<void>;
}
