/** A column of the live view, as the service describes it: what its figures mean, and what is told beside them. */

/** How a column's figures are meant to be shown. `age` is in seconds. */
export type Show = 'cores' | 'bytes' | 'bytes/s' | 'count' | 'rate' | 'ratio' | 'age';

/** A column that the stream can carry. */
export interface ColumnInfo {
  /** The metric's name: what `columns` in messages lists. */
  readonly metric: string;
  readonly title: string;
  /** The title where there is little room. */
  readonly brief?: string;
  readonly show: Show;
  /** Whether the figures are changes per second rather than values. */
  readonly rate: boolean;
  /** What it is, in a sentence. */
  readonly help?: string;
  /** What is measured, as `memory.usage`; the first word is the resource. */
  readonly role?: string;
  /** Counted in the group alone; other figures are those of its whole subtree. */
  readonly local?: true;
  /** Not measured but made of two metrics: one less the other, or one per the other. */
  readonly made?: { readonly of: string; readonly less?: string; readonly per?: string; readonly rate: boolean };
  /** The metric that holds this column's upper end; it is sent beside it. */
  readonly limit?: string;
  /** Metrics that are marks on the way to the limit, and what they are called; they are sent beside it. */
  readonly marks?: readonly { readonly metric: string; readonly title: string }[];
  /** The metric that is the worse part of this one (all stood still, of some did); it is sent beside it. */
  readonly worse?: string;
  /**
   * From where on a figure is near to what is wrong, and wrong: the worse part where there is one, else the share of the limit
   * where there is one, else the figure.
   */
  readonly alarm?: { readonly near: number; readonly bad: number };
  /** It grows with events of this kind: of each, what happened lately is what matters. */
  readonly event?: string;
}

/** A figure: null is absent, "max" no limit. */
export type Cell = number | null | 'max';

/** The metrics that are sent with a column. */
export function besides({ limit, marks = [], worse }: ColumnInfo): readonly string[] {
  return [limit, worse].filter((metric) => metric !== undefined).concat(marks.map(({ metric }) => metric));
}
