/** One look at the whole tree: immutable, columnar, shared by everybody who asks. */

export interface Row {
  /** The cgroup's path, the same in every hierarchy it is in. */
  readonly id: string;
  /** Tells a path that was deleted and created again from the old one (directory inode; of the first hierarchy that has it). */
  readonly generation: string;
  /** Index of the parent's row, -1 for the root. Parents precede children. */
  readonly parent: number;
  readonly depth: number;
}

/** Figures of a stat that has a label: entry i belongs to row `row[i]` and label `label[i]`. */
export interface KeyedColumn {
  readonly row: Int32Array;
  readonly label: readonly string[];
  readonly value: Float64Array;
}

export interface Snapshot {
  /** Grows by one with each snapshot of a service's life. */
  readonly seq: number;
  /** Milliseconds since the epoch, for people. */
  readonly time: number;
  /** Seconds on the monotonic clock, for rates. */
  readonly monotonic: number;
  readonly rows: readonly Row[];
  /** By metric name; NaN is absent, Infinity is no limit. In base units. */
  readonly columns: ReadonlyMap<string, Float64Array>;
  readonly keyed: ReadonlyMap<string, KeyedColumn>;
  /** By column name: change per second between the last two reads; NaN where there is none (first look, counter reset, new row). Keyed stats are summed over their label. */
  readonly rates: ReadonlyMap<string, Float64Array>;
  /**
   * Of each row, seconds since the oldest of its figures was read: what cannot have changed much is read again only within a
   * bound. Settings do not count, they are read again when somebody writes them.
   */
  readonly staleness: Float64Array;
  /** Reads that failed with something other than "gone", by file. */
  readonly errors: ReadonlyMap<string, number>;
  readonly durationSeconds: number;
  /** How much of it went into reading the files of each controller, by its name, where that was measured. */
  readonly controllerSeconds?: ReadonlyMap<string, number>;
}
