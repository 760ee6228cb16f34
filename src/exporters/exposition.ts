/**
 * A writer of Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) and of OpenMetrics 1.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/). Lines are put together from label bytes that callers keep from one
 * exposition to the next, into pages that are handed out as they fill.
 */
import type { Unit } from '../controllers/controller.ts';
import { LONGEST_NUMERAL, putNumeral } from './numeral.ts';

export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export type Labels = Readonly<Record<string, string>>;

/** What a group's series begin with, and the same as bytes: `{id="/a",name=""} ` and without the last two. */
export interface Subject {
  readonly labels: Labels;
  readonly whole: Buffer;
  readonly open: Buffer;
}

/** Labels after the subject's, and the same as bytes: `,device="vda"} `. */
export interface Tail {
  readonly labels: Labels;
  readonly bytes: Buffer;
}

/** A figure a row, or as many rows and tails as figures. NaN is no figure. */
export type Part = PlainPart | KeyedPart;
export interface PlainPart {
  readonly values: Float64Array;
  readonly tail?: Tail;
}
export interface KeyedPart {
  readonly values: Float64Array;
  readonly row: Int32Array;
  readonly tails: readonly Tail[];
}

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

/** The groups that are shown. */
export interface Audience {
  /** Their rows, in order. */
  readonly rows: Int32Array;
  /** By row; undefined for those that are not shown. */
  readonly subjects: readonly (Subject | undefined)[];
}

/** So much is written at a time. */
const PAGE = 1 << 16;
/** Pages that were released, for the next ones to be written to. */
const free: Buffer[] = [];
const MOST_FREE = 32;

/** Gives a page back when nobody needs it any more: it is written to again. Those that are not given back are collected. */
export function release({ buffer }: Buffer): void {
  if (buffer.byteLength === PAGE && free.length < MOST_FREE) free.push(Buffer.from(buffer));
}

const takePage = (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(PAGE);

export function subject(labels: Labels): Subject {
  const whole = Buffer.from(`{${pairs(labels)}} `);
  return { labels, whole, open: whole.subarray(0, -2) };
}

export function tail(labels: Labels): Tail {
  const text = pairs(labels);
  return { labels, bytes: Buffer.from(`${text === '' ? '' : ','}${text}} `) };
}

/** `a="b",c="d"`. Names are trusted, values are escaped. */
function pairs(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

/** `\`, `"` and newline, as both formats want. */
export function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}

/**
 * The exposition in pages. HELP and TYPE come with a family's first sample, and not at all without one. Only what is asked for is
 * written: between two pages a caller may let others run.
 */
export function* pages(families: Iterable<Family>, audience: Audience, format: Format): Generator<Buffer, void, void> {
  const page = new Page();
  for (const family of families) {
    page.family(family, format);
    for (const single of family.singles ?? []) {
      while (!page.single(single)) yield page.turn();
    }
    for (const part of family.parts ?? []) {
      let from = page.part(part, audience, 0);
      while (from >= 0) {
        yield page.turn();
        from = page.part(part, audience, from);
      }
    }
  }
  if (format === 'openmetrics') {
    while (!page.end(END)) yield page.turn();
  }
  if (page.length > 0) yield page.turn();
  page.close();
}

class Page {
  length = 0;
  #bytes = takePage();
  #name: Buffer = Buffer.alloc(0);
  #family = '';
  /** Not yet written HELP and TYPE lines. */
  #header: Buffer | undefined;

  family({ name, kind, help, unit }: Family, format: Format): void {
    this.#family = name;
    this.#name = Buffer.from(name);
    this.#header = Buffer.from(format === 'text' ? textHeader(name, kind, help) : openHeader(name, kind, help, unit));
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
    const bytes = Buffer.from(`${name}${text === '' ? '' : `{${text}}`} `);
    if (!this.#begin(bytes.length + LONGEST_NUMERAL + 1)) return false;
    this.#bytes.set(bytes, this.length);
    this.length = putNumeral(this.#bytes, this.length + bytes.length, value);
    this.#bytes[this.length++] = NEWLINE;
    return true;
  }

  /** The last line. @returns whether there was room */
  end(line: Buffer): boolean {
    this.#header = undefined;
    if (!this.#begin(line.length)) return false;
    this.#bytes.set(line, this.length);
    this.length += line.length;
    return true;
  }

  /** Writes a part's figures from one on. @returns where to go on when there is no room left; -1 when all are written */
  part(part: Part, audience: Audience, from: number): number {
    return 'row' in part ? this.#keyed(part, audience, from) : this.#plain(part, audience, from);
  }

  // In the two loops below everything is at hand in variables, and they have one way out: they run once for every series.

  #plain({ values, tail }: PlainPart, { rows, subjects }: Audience, from: number): number {
    const name = this.#name;
    const end = tail?.bytes ?? NOTHING;
    const most = name.length + end.length + LONGEST_NUMERAL + 1;
    const plain = end.length === 0;
    let at = from;
    while (at < rows.length && Number.isNaN(values[rows[at] ?? -1] ?? Number.NaN)) at++;
    if (at === rows.length) return -1;
    if (!this.#begin(most + (subjects[rows[at] ?? -1]?.whole.length ?? 0))) return at;
    const bytes = this.#bytes;
    let to = this.length;
    for (; at < rows.length; at++) {
      const row = rows[at] ?? -1;
      const value = values[row] ?? Number.NaN;
      const whose = subjects[row];
      if (Number.isNaN(value) || whose === undefined) continue;
      const start = plain ? whose.whole : whose.open;
      if (to + most + start.length > bytes.length) break;
      bytes.set(name, to);
      to += name.length;
      bytes.set(start, to);
      to += start.length;
      if (!plain) {
        bytes.set(end, to);
        to += end.length;
      }
      to = putNumeral(bytes, to, value);
      bytes[to++] = NEWLINE;
    }
    this.length = to;
    return at < rows.length ? at : -1;
  }

  #keyed({ values, row, tails }: KeyedPart, { subjects }: Audience, from: number): number {
    const name = this.#name;
    const most = name.length + LONGEST_NUMERAL + 1;
    const absent = (at: number) => Number.isNaN(values[at] ?? Number.NaN) || subjects[row[at] ?? -1] === undefined;
    let at = from;
    while (at < row.length && absent(at)) at++;
    if (at === row.length) return -1;
    const first = (subjects[row[at] ?? -1]?.open.length ?? 0) + (tails[at]?.bytes.length ?? 0);
    if (!this.#begin(most + first)) return at;
    const bytes = this.#bytes;
    let to = this.length;
    for (; at < row.length; at++) {
      const value = values[at] ?? Number.NaN;
      const whose = subjects[row[at] ?? -1];
      const tail = tails[at];
      if (Number.isNaN(value) || whose === undefined || tail === undefined) continue;
      const start = whose.open;
      const end = tail.bytes;
      if (to + most + start.length + end.length > bytes.length) break;
      bytes.set(name, to);
      to += name.length;
      bytes.set(start, to);
      to += start.length;
      bytes.set(end, to);
      to = putNumeral(bytes, to + end.length, value);
      bytes[to++] = NEWLINE;
    }
    this.length = to;
    return at < row.length ? at : -1;
  }

  /** Makes room for a line of so many bytes, and writes what comes before it. An empty page grows. @returns whether there is room */
  #begin(length: number): boolean {
    const header = this.#header ?? NOTHING;
    const needed = this.length + header.length + length;
    if (needed > this.#bytes.length) {
      if (this.length > 0) return false;
      this.#bytes = Buffer.allocUnsafeSlow(needed);
    }
    this.#bytes.set(header, this.length);
    this.length += header.length;
    this.#header = undefined;
    return true;
  }
}

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);
const END = Buffer.from('# EOF\n');

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
