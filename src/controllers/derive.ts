/** What follows from a declaration without being written in it: flag names, and the gauges that export knobs. */

import type { Cadvisor, CadvisorNames, Format, Knob, LabelName, Shape, Slot, Source, Stat } from './controller.ts';
import { alternatives } from './controller.ts';

export interface FlagName {
  /** Without dash: `m`. */
  readonly short?: string;
  /** Without dashes: `memory`. */
  readonly long: string;
}

/** `-m, --memory` as `{ short: 'm', long: 'memory' }`, `--cpus` as `{ long: 'cpus' }`. */
export function flagName(flag: string): FlagName {
  const [first = '', second] = flag.split(', ');
  return second === undefined ? { long: first.slice(2) } : { short: first.slice(1), long: second.slice(2) };
}

/** `memory`, from `-m, --memory`. */
export const longName = (flag: string): string => flag.slice(flag.indexOf('--') + 2);

/** The gauge that a knob's `metric` word asks for; undefined without the word, or where no file holds the number as it is. */
export function gaugeOf(knob: Knob): Stat | undefined {
  const { metric, type } = knob;
  if (metric === undefined) return undefined;
  const sources = (slots: Knob['v1']): Source[] => alternatives(slots).flatMap((slot) => sourceOf(slot, metric.per));
  const [v1, v2] = [sources(knob.v1), sources(knob.v2)];
  if (v1.length + v2.length === 0) return undefined;
  const label: LabelName | undefined = type.kind === 'map' ? type.key : undefined;
  return {
    name: metric.name,
    kind: 'gauge',
    unit: metric.unit,
    setting: true,
    help: `What is set: ${knob.help}`,
    ...(v1.length > 0 && { v1 }),
    ...(v2.length > 0 && { v2 }),
    ...(label && { label }),
    ...(knob.scope && { scope: knob.scope }),
    ...(metric.role && { role: metric.role }),
    ...(metric.cadvisor && { cadvisor: metric.cadvisor }),
    ...(metric.chart && { chart: metric.chart }),
  };
}

/** cAdvisor's names for a stat, each with all its words. */
export function cadvisorOf({ cadvisor }: { cadvisor?: CadvisorNames }): readonly Cadvisor[] {
  return alternatives(cadvisor).map((one) => (typeof one === 'string' ? { name: one } : one));
}

/** Nothing for a slot whose number needs decoding, or cannot be read. */
function sourceOf(slot: Slot, per: number | undefined): Source[] {
  const format = slot.decode ? undefined : formatOf(slot.shape ?? { kind: 'scalar' });
  if (format === undefined) return [];
  const { file, in: owner, unlimited } = slot;
  return [
    {
      file,
      format,
      extent: 'local',
      ...(owner && { in: owner }),
      ...(per && { per }),
      ...(unlimited && { unlimited }),
    },
  ];
}

function formatOf(shape: Shape): Format | undefined {
  switch (shape.kind) {
    case 'scalar':
      return { at: 'scalar' };
    case 'tuple':
      return { at: 'word', index: shape.at };
    case 'line':
      return { at: 'flat', key: shape.name };
    case 'keyed':
      if (shape.fields) return undefined; // several numbers a key
      return shape.field === undefined ? { at: 'keyed' } : { at: 'nested', field: shape.field };
    case 'files':
      return { at: 'files' };
    case 'append':
      return undefined;
  }
}
