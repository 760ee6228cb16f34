/** Prometheus' text format and OpenMetrics, as far as samples go: what others have exported. */
import { unreadable } from './fail.ts';
import { linesOf } from './scan.ts';

export interface ExposedSample {
  name: string;
  labels: ReadonlyMap<string, string>;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+-?[\d.eE+]+)?(?:\s+#.*)?\s*$/s;
const LABEL = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/sy;

/** Samples in order; comments, timestamps and exemplars are passed over. @throws CgError PARSE */
export function parseExposition(text: string): ExposedSample[] {
  return linesOf(text)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? [];
      const value = valueIn(number);
      if (name === '' || value === undefined) throw unreadable('a line of an exposition', line);
      return { name, labels: labelsOf(labels, line), value };
    });
}

function labelsOf(text: string, line: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value = ''] = LABEL.exec(text) ?? [];
    if (name === undefined) throw unreadable('the labels of an exposition', line);
    labels.set(
      name,
      value.replace(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char)),
    );
  }
  return labels;
}

function valueIn(text: string): number | undefined {
  if (/^[+-]?Inf$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  return /^[+-]?[\d.]/.test(text) && !Number.isNaN(Number(text)) ? Number(text) : undefined;
}
