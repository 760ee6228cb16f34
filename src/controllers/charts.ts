/** The charts of one group, from top to bottom. What is drawn on them is said beside each stat, by its `chart` word. */

export interface Chart {
  readonly title: string;
  readonly show: 'cores' | 'bytes' | 'bytes/s' | 'count' | 'ratio';
}

const chart = (title: string, show: Chart['show']): Chart => ({ title, show });

export const charts = {
  cpu: chart('CPU', 'cores'),
  memory: chart('Memory', 'bytes'),
  io: chart('Block I/O', 'bytes/s'),
  pressure: chart('Pressure', 'ratio'),
  tasks: chart('Tasks', 'count'),
};

/** Where a figure stands on a chart. */
export interface ChartPart {
  on: keyof typeof charts;
  /**
   * `stack` stands on those that were declared before it; `area` is filled; `limit` is an upper end, drawn where it is near
   * enough; `band` is a shade behind the others for as long as it is above 0.
   */
  as: 'stack' | 'line' | 'area' | 'limit' | 'band';
  title: string;
  /** It is divided by this stat: a quota by its period. */
  per?: string;
  /** This stat is taken off it: page cache has shared memory in it, which is drawn by itself. */
  less?: string;
  /** The chart whose colour it has, where that is another one's. */
  like?: keyof typeof charts;
}
