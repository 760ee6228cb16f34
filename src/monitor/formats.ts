/**
 * Finds declared figures in the bytes of a control file, in place: one pass a format, nothing allocated but labels that are
 * new. What a file does not hold is not emitted.
 */
import type { Format } from '../controllers/controller.ts';
import { NO_LIMIT } from '../parse/number.ts';

/** A figure that is wanted of a file. */
export interface Wanted {
  /** Of one file: `files` is for who finds the files, and says of each `scalar` or `flat`. */
  readonly format: Format;
  /** Divides into the base unit. */
  readonly per?: number;
  /** The text that is 1; any other is 0. */
  readonly equals?: string;
  /** A text that stands for no limit, beside `max`. */
  readonly unlimited?: string;
}

/** @param figure index of what was wanted @param label undefined where the format yields one figure */
export type Emit = (figure: number, value: number, label: string | undefined) => void;

/** @returns false when something that was wanted is not in the shape that its format says */
export type Parse = (text: Buffer, end: number, emit: Emit) => boolean;

interface Item<F extends Format = Format> {
  readonly figure: number;
  readonly format: F;
  readonly per: number | undefined;
  readonly equals: Buffer | undefined;
  readonly unlimited: Buffer | undefined;
}
type At<K extends Format['at']> = Item<Extract<Format, { at: K }>>;

const NEWLINE = 10;
const BLANK = 32;
const EQUALS = 61;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const LETTER_N = 78;
const MAX = Buffer.from('max');
/** Every sum of so many digits is exact in a double. */
const EXACT_DIGITS = 15;
/** The digits of 2^64 - 1. */
const U64_DIGITS = 20;

/** One function that finds all that is wanted of a file. */
export function parserOf(wanted: readonly Wanted[]): Parse {
  const items = wanted.map(
    ({ format, per, equals, unlimited }, figure): Item => ({
      figure,
      format,
      per,
      equals: equals === undefined ? undefined : Buffer.from(equals),
      unlimited: unlimited === undefined ? undefined : Buffer.from(unlimited),
    }),
  );
  const of = <K extends Format['at']>(at: K) => items.filter((item): item is At<K> => item.format.at === at);
  const parsers = [
    when(of('scalar'), scalar),
    when(of('word'), word),
    when(of('flat'), flat),
    when(of('psi'), psi),
    when(of('count'), count),
    when(of('keyed'), keyed),
    when(of('nested'), nested),
    when(of('ops'), ops),
    when(of('percpu'), percpu),
    when(of('numa'), numa),
  ].filter((parser) => parser !== undefined);
  const [only] = parsers;
  if (only !== undefined && parsers.length === 1) return only;
  return (text, end, emit) => parsers.reduce((good, parse) => parse(text, end, emit) && good, true);
}

function when<T>(items: readonly T[], make: (items: readonly T[]) => Parse): Parse | undefined {
  return items.length === 0 ? undefined : make(items);
}

/** The number in text[start, end): digits with an optional minus and fraction, or a word for no limit. NaN when malformed. */
export function numberAt(text: Buffer, start: number, end: number): number {
  let at = start;
  const negative = text[at] === MINUS;
  if (negative) at++;
  const first = at;
  let value = 0;
  for (; at < end; at++) {
    const byte = text[at] ?? 0;
    if (byte < ZERO || byte > NINE) break;
    value = value * 10 + (byte - ZERO);
  }
  if (at === first) return same(text, start, end, MAX) ? Number.POSITIVE_INFINITY : Number.NaN;
  if (at < end) return text[at] === DOT ? fractionAt(text, start, end) : Number.NaN;
  if (end - first > EXACT_DIGITS) {
    if (end - first > U64_DIGITS) return Number.NaN;
    value = Number(text.toString('latin1', first, end));
  }
  if (negative) return 0 - value;
  return value >= NO_LIMIT ? Number.POSITIVE_INFINITY : value;
}

function fractionAt(text: Buffer, start: number, end: number): number {
  const written = text.toString('latin1', start, end);
  return /^-?\d+\.\d+$/.test(written) ? Number(written) : Number.NaN;
}

/** What an item's text[start, end) is worth, in its base unit. */
function valueAt(item: Item, text: Buffer, start: number, end: number): number {
  if (item.equals !== undefined) return same(text, start, end, item.equals) ? 1 : 0;
  if (item.unlimited !== undefined && same(text, start, end, item.unlimited)) return Number.POSITIVE_INFINITY;
  const value = numberAt(text, start, end);
  return item.per === undefined ? value : value / item.per;
}

/** Emits an item's figure from text[start, end); false when it is malformed. */
function put(item: Item, text: Buffer, start: number, end: number, emit: Emit, label?: string): boolean {
  const value = valueAt(item, text, start, end);
  if (Number.isNaN(value)) return false;
  emit(item.figure, value, label);
  return true;
}

function scalar(items: readonly Item[]): Parse {
  return (text, end, emit) => {
    const stop = lineEnd(text, 0, end);
    let good = true;
    for (const item of items) good = put(item, text, 0, stop, emit) && good;
    return good;
  };
}

function word(items: readonly At<'word'>[]): Parse {
  return (text, end, emit) => {
    const stop = lineEnd(text, 0, end);
    let good = true;
    for (const item of items) {
      let start = 0;
      for (let skip = item.format.index; skip > 0; skip--) start = tokenEnd(text, start, stop) + 1;
      const close = tokenEnd(text, start, stop);
      good = close > start && put(item, text, start, close, emit) && good;
    }
    return good;
  };
}

/**
 * `KEY n` lines. Where each key stands is learned from the first file and verified by comparing its bytes; a file of another
 * make is learned anew.
 */
function flat(items: readonly At<'flat'>[]): Parse {
  const keys = [...new Set(items.map(({ format }) => format.key))].map((key) => ({
    bytes: Buffer.from(`${key} `),
    items: items.filter(({ format }) => format.key === key),
  }));
  /** By line, what stands there. */
  let order: ((typeof keys)[number] | undefined)[] = [];
  /** What the last file that was learned from did not have. */
  let missing: (typeof keys)[number][] = [];

  const learn = (text: Buffer, end: number): void => {
    order = [];
    for (let start = 0; start < end; start = lineEnd(text, start, end) + 1) {
      order.push(keys.find(({ bytes }) => begins(text, start, end, bytes)));
    }
    missing = keys.filter((key) => !order.includes(key));
  };
  const known = (text: Buffer, end: number): boolean => {
    let line = 0;
    for (let start = 0; start < end; start = lineEnd(text, start, end) + 1) {
      const key = order[line++];
      if (
        key === undefined
          ? missing.some(({ bytes }) => begins(text, start, end, bytes))
          : !begins(text, start, end, key.bytes)
      ) {
        return false;
      }
    }
    return line === order.length;
  };

  return (text, end, emit) => {
    if (!known(text, end)) learn(text, end);
    let good = true;
    let start = 0;
    for (const key of order) {
      const stop = lineEnd(text, start, end);
      if (key !== undefined) {
        for (const item of key.items) good = put(item, text, start + key.bytes.length, stop, emit) && good;
      }
      start = stop + 1;
    }
    return good;
  };
}

const TOTAL = Buffer.from('total=');

function psi(items: readonly At<'psi'>[]): Parse {
  const lines = items.map((item) => ({ item, head: Buffer.from(`${item.format.line} `) }));
  return (text, end, emit) => {
    let good = true;
    for (let start = 0, stop = 0; start < end; start = stop + 1) {
      stop = lineEnd(text, start, end);
      for (const { item, head } of lines) {
        if (!begins(text, start, stop, head)) continue;
        const total = fieldAt(text, start, stop, TOTAL);
        good = total >= 0 && put(item, text, total, tokenEnd(text, total, stop), emit) && good;
      }
    }
    return good;
  };
}

function count(items: readonly Item[]): Parse {
  return (text, end, emit) => {
    let lines = 0;
    for (let start = 0; start < end; start = lineEnd(text, start, end) + 1) lines++;
    for (const { figure } of items) emit(figure, lines, undefined);
    return true;
  };
}

function keyed(items: readonly At<'keyed'>[]): Parse {
  const labels = new Labels();
  const suffixes = items.map((item) => ({ item, suffix: Buffer.from(item.format.suffix ?? '') }));
  return (text, end, emit) => {
    let good = true;
    for (let start = 0, stop = 0; start < end; start = stop + 1) {
      stop = lineEnd(text, start, end);
      const blank = tokenEnd(text, start, stop);
      for (const { item, suffix } of suffixes) {
        const close = blank - suffix.length;
        if (close < start || !begins(text, close, blank, suffix)) continue;
        good = blank < stop && put(item, text, blank + 1, stop, emit, labels.of(text, start, close)) && good;
      }
    }
    return good;
  };
}

/** Several names on a line are several groups: io.stat of some 5.x kernels leaves out a newline. */
function nested(items: readonly At<'nested'>[]): Parse {
  const labels = new Labels();
  const fields = items.map((item) => ({ item, head: Buffer.from(`${item.format.field}=`) }));
  return (text, end, emit) => {
    let good = true;
    let label: string | undefined;
    for (let start = 0, stop = 0; start < end; start = stop + 1) {
      stop = tokenEnd(text, start, end);
      if (stop === start) continue;
      if (!has(text, start, stop, EQUALS)) {
        label = labels.of(text, start, stop);
        continue;
      }
      for (const { item, head } of fields) {
        if (!begins(text, start, stop, head)) continue;
        good = label !== undefined && put(item, text, start + head.length, stop, emit, label) && good;
      }
    }
    return good;
  };
}

/** The sum over all devices, a line `Total n`, has two words and is left out. */
function ops(items: readonly At<'ops'>[]): Parse {
  const labels = new Labels();
  const words = items.map((item) => ({ item, op: Buffer.from(`${item.format.op} `) }));
  return (text, end, emit) => {
    let good = true;
    for (let start = 0, stop = 0; start < end; start = stop + 1) {
      stop = lineEnd(text, start, end);
      const blank = tokenEnd(text, start, stop);
      for (const { item, op } of words) {
        if (!begins(text, blank + 1, stop, op)) continue;
        good = put(item, text, blank + 1 + op.length, stop, emit, labels.of(text, start, blank)) && good;
      }
    }
    return good;
  };
}

function percpu(items: readonly Item[]): Parse {
  const labels: string[] = [];
  return (text, end, emit) => {
    let good = true;
    let cpu = 0;
    for (let start = 0, stop = 0; start < end; start = stop + 1) {
      stop = tokenEnd(text, start, end);
      if (stop === start) continue;
      labels[cpu] ??= String(cpu);
      for (const item of items) good = put(item, text, start, stop, emit, labels[cpu]) && good;
      cpu++;
    }
    return good;
  };
}

/** `KEY N0=n …` (v2), `KEY=total N0=n …` (v1). */
function numa(items: readonly At<'numa'>[]): Parse {
  const labels = new Labels();
  const keys = items.map((item) => ({ item, key: Buffer.from(item.format.key) }));
  return (text, end, emit) => {
    let good = true;
    for (let start = 0, stop = 0; start < end; start = stop + 1) {
      stop = lineEnd(text, start, end);
      for (const { item, key } of keys) {
        const after = text[start + key.length];
        if ((after !== BLANK && after !== EQUALS) || !begins(text, start, stop, key)) continue;
        let at = tokenEnd(text, start, stop) + 1;
        for (let close = 0; at < stop; at = close + 1) {
          close = tokenEnd(text, at, stop);
          const equals = text.indexOf(EQUALS, at);
          const whole = text[at] === LETTER_N && equals > at && equals < close;
          good = whole && put(item, text, equals + 1, close, emit, labels.of(text, at + 1, equals)) && good;
        }
      }
    }
    return good;
  };
}

/** Label texts, found again by comparing bytes with the label that came next the last time. */
class Labels {
  readonly #known: { readonly bytes: Buffer; readonly text: string }[] = [];
  #next = 0;

  of(text: Buffer, start: number, end: number): string {
    const { length } = this.#known;
    for (let tried = 0; tried < length; tried++) {
      const label = this.#known[(this.#next + tried) % length];
      if (label !== undefined && same(text, start, end, label.bytes)) {
        this.#next = (this.#next + tried + 1) % length;
        return label.text;
      }
    }
    const label = { bytes: Buffer.from(text.subarray(start, end)), text: text.toString('utf8', start, end) };
    this.#known.push(label);
    this.#next = 0;
    return label.text;
  }
}

/** Where the line that begins at start ends: its newline, or the text's end. */
function lineEnd(text: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && text[at] !== NEWLINE) at++;
  return at;
}

/** Where the word that begins at start ends. */
function tokenEnd(text: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && text[at] !== BLANK && text[at] !== NEWLINE) at++;
  return at;
}

function has(text: Buffer, start: number, end: number, byte: number): boolean {
  for (let at = start; at < end; at++) if (text[at] === byte) return true;
  return false;
}

function begins(text: Buffer, start: number, end: number, head: Buffer): boolean {
  if (end - start < head.length) return false;
  for (let at = 0; at < head.length; at++) if (text[start + at] !== head[at]) return false;
  return true;
}

function same(text: Buffer, start: number, end: number, other: Buffer): boolean {
  return end - start === other.length && begins(text, start, end, other);
}

/** Where the value of a `field=` begins in a line, or -1. */
function fieldAt(text: Buffer, start: number, end: number, field: Buffer): number {
  for (let at = start; at < end; at = tokenEnd(text, at, end) + 1) {
    if (begins(text, at, end, field)) return at + field.length;
  }
  return -1;
}
