/** What form of an exposition a client wants (RFC 9110, 12.5.1): the one with the greatest weight, the text format where it does not care. */
import type { Format } from '../exporters/exposition.ts';

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
}

/** What each format answers to; a version that is named has to be ours. */
const FORMATS: readonly { readonly format: Format; readonly type: string; readonly versions: readonly string[] }[] = [
  { format: 'text', type: 'text/plain', versions: ['0.0.4'] },
  { format: 'openmetrics', type: 'application/openmetrics-text', versions: ['1.0.0'] },
];

export function formatFor(accept: string | undefined): Format {
  const ranges = (accept ?? '').split(',').flatMap(rangeOf);
  let best: { readonly format: Format; readonly weight: number } = { format: 'text', weight: 0 };
  for (const { format, type, versions } of FORMATS) {
    const weight = weightOf(ranges, type, versions);
    if (weight > best.weight) best = { format, weight };
  }
  return best.format;
}

/** The closest range decides, whatever others weigh; of several that name the type, the heaviest. */
function weightOf(ranges: readonly Range[], type: string, versions: readonly string[]): number {
  const [main] = type.split('/');
  for (const name of [type, `${main}/*`, '*/*']) {
    const fitting = ranges.filter(({ type: given, parameters }) => {
      const version = parameters.get('version');
      return given === name && (version === undefined || versions.includes(version));
    });
    if (fitting.length > 0) return Math.max(...fitting.map(({ weight }) => weight));
  }
  return 0;
}

function rangeOf(text: string): Range[] {
  const [type = '', ...rest] = text.split(';').map((word) => word.trim());
  const parameters = new Map(
    rest.map((parameter) => {
      const [name = '', value = ''] = parameter.split('=', 2).map((word) => word.trim());
      return [name.toLowerCase(), value.replace(/^"(.*)"$/, '$1').toLowerCase()];
    }),
  );
  const weight = Number(parameters.get('q') ?? 1);
  return type === '' || Number.isNaN(weight) ? [] : [{ type: type.toLowerCase(), parameters, weight }];
}
