/** The charts of one group as the API describes them (`/api/v1/controllers`): which figures are drawn, and how. */
import type { Chart, ChartPart } from '../controllers/charts.ts';

export interface ChartInfo extends Chart {
  readonly name: string;
  readonly parts: readonly PartInfo[];
}

export interface PartInfo extends Readonly<Omit<ChartPart, 'on'>> {
  /** What `/api/v1/history` has of it: counters as change per second. */
  readonly metric?: string;
  /** The setting whose present value it is, where the past is not known. */
  readonly knob?: string;
  /** Its figures are sums over this label; `/api/v1/cgroups/<id>` has each. */
  readonly label?: string;
}
