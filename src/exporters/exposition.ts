/**
 * A writer of Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) and of OpenMetrics 1.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/). Lines are put together from labels that callers keep as they are
 * written, into pages that are handed out as they fill.
 */
import type { Unit } from '../controllers/controller.ts';
import { type LineOptions, type Lines, linesFor, numeral, type Place } from './lines.ts';
import { type Audience, type Encoded, encoded, type Labels, type Part, pairs } from './parts.ts';

export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** A figure of no group's. `name` where it is not the family's (`_bucket`). */
export interface Single {
  readonly name?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly unit?: Unit;
  readonly parts?: readonly Part[];
  readonly singles?: readonly Single[];
}

/** So much is written at a time: with 64 KiB a quarter more is spent on sending. */
const PAGE = 1 << 18;
/** Pages that were released, for the next ones to be written to. */
const free: Buffer[] = [];
const MOST_FREE = 8;

/** Gives a page back when nobody needs it any more: it is written to again. Those that are not given back are collected. */
export function release({ buffer }: Buffer): void {
  if (buffer.byteLength === PAGE && free.length < MOST_FREE) free.push(Buffer.from(buffer));
}

const takePage = (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(PAGE);

/**
 * The exposition in pages. HELP and TYPE come with a family's first sample, and not at all without one. Only what is asked for is
 * written: between two pages a caller may let others run.
 */
export function* pages(
  families: Iterable<Family>,
  audience: Audience,
  format: Format,
  options?: LineOptions,
): Generator<Buffer, void, void> {
  const page = new Page();
  const linesOf = linesFor(audience, options);
  for (const family of families) {
    page.family(family, format);
    for (const single of family.singles ?? []) {
      while (!page.single(single)) yield page.turn();
    }
    for (const part of family.parts ?? []) {
      const lines = linesOf(encoded(family.name), part);
      let from = page.part(lines, 0);
      while (from >= 0) {
        yield page.turn();
        from = page.part(lines, from);
      }
    }
  }
  if (format === 'openmetrics') {
    while (!page.end()) yield page.turn();
  }
  if (page.length > 0) yield page.turn();
  page.close();
}

class Page {
  length = 0;
  #bytes = takePage();
  #family = '';
  /** Not yet written HELP and TYPE lines. */
  #header: Encoded = '';
  readonly #place: Place = new Uint32Array(2);

  family({ name, kind, help, unit }: Family, format: Format): void {
    this.#family = name;
    this.#header = encoded(format === 'text' ? textHeader(name, kind, help) : openHeader(name, kind, help, unit));
  }

  close(): void {
    release(this.#bytes);
  }

  /** What was written; the next page begins. */
  turn(): Buffer {
    const done = this.#bytes.subarray(0, this.length);
    this.#bytes = takePage();
    this.length = 0;
    return done;
  }

  /** Whether there was room. */
  single({ name = this.#family, labels, value }: Single): boolean {
    if (Number.isNaN(value)) return true;
    const text = pairs(labels);
    return this.#line(encoded(`${name}${text === '' ? '' : `{${text}}`} ${numeral(value)}\n`));
  }

  /** The last line. @returns whether there was room */
  end(): boolean {
    this.#header = '';
    return this.#line('# EOF\n');
  }

  /** Writes a part's lines from one on. @returns where to go on when there is no room left; -1 when all are written */
  part(lines: Lines, from: number): number {
    let at = from;
    while (at < lines.length) {
      const line = lines.line(at);
      if (line === '') at++;
      else if (!this.#line(line)) return at;
      else at = this.#most(lines, at + 1);
    }
    return -1;
  }

  /** Writes lines for as long as they fit. @returns where to go on */
  #most(lines: Lines, from: number): number {
    this.#place.set([this.length, from]);
    lines.write(this.#bytes, this.#place);
    const [to = 0, at = 0] = this.#place;
    this.length = to;
    return at;
  }

  /** @returns whether there was room */
  #line(line: Encoded): boolean {
    if (!this.#begin(line.length)) return false;
    this.#write(line);
    return true;
  }

  /** Makes room for a line of so many bytes, and writes what comes before it. An empty page grows. @returns whether there is room */
  #begin(length: number): boolean {
    const needed = this.length + this.#header.length + length;
    if (needed > this.#bytes.length) {
      if (this.length > 0) return false;
      this.#bytes = Buffer.allocUnsafeSlow(needed);
    }
    this.#write(this.#header);
    this.#header = '';
    return true;
  }

  #write(text: Encoded): void {
    this.length += this.#bytes.write(text, this.length, 'latin1');
  }
}

function textHeader(name: string, kind: Family['kind'], help: string): string {
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n`;
}

/**
 * A counter's samples end in `_total` and its family does not. cAdvisor has counters that are called otherwise: they are of unknown
 * type there, since a name is worth more to dashboards than a type.
 */
function openHeader(name: string, kind: Family['kind'], help: string, unit: Unit | undefined): string {
  const total = kind === 'counter' && name.endsWith(TOTAL);
  const family = total ? name.slice(0, -TOTAL.length) : name;
  const type = kind === 'counter' && !total ? 'unknown' : kind;
  const said = unit !== undefined && unit !== 'count' && family.endsWith(`_${unit}`);
  const text = escapeHelp(help).replaceAll('"', '\\"');
  return `# TYPE ${family} ${type}\n${said ? `# UNIT ${family} ${unit}\n` : ''}# HELP ${family} ${text}\n`;
}

const TOTAL = '_total';

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
