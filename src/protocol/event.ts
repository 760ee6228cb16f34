/** Things that happened to cgroups, as facts: counters decided them, notifications only said when to look. */
export interface CgroupEvent {
  /** Grows by one with each event of a service's life. */
  readonly seq: number;
  readonly time: number;
  /** `oom`, `oom_kill`, `created`, `removed` … */
  readonly kind: string;
  readonly cgroup: string;
  readonly generation?: string;
  /** How many (kills since the last event of this kind). */
  readonly count?: number;
  /** The ancestor whose limit was hit, where known. */
  readonly ancestor?: string;
  /** For people. */
  readonly text: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}
