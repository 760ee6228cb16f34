/** What an exposition is put together from: figures in columns, and labels as they are written. */

/** UTF-8, a character a byte: JavaScript puts such texts together faster than bytes, and knows how many bytes they are. */
export type Encoded = string;

export const encoded = (text: string): Encoded => Buffer.from(text).toString('latin1');

export type Labels = Readonly<Record<string, string>>;

/** What a group's series begin with, and the same as it is written: `{id="/a",name=""`. */
export interface Subject {
  readonly labels: Labels;
  readonly open: Encoded;
}

/** Labels after the subject's, and the same as they are written: `,device="vda"} `. */
export interface Tail {
  readonly labels: Labels;
  readonly close: Encoded;
}

/** A figure a row, or as many rows as figures. NaN is no figure. */
export type Part = PlainPart | KeyedPart;
export interface PlainPart {
  readonly values: Float64Array;
  readonly tail: Tail;
}
export interface KeyedPart extends Tails {
  readonly values: Float64Array;
  readonly row: Int32Array;
}

/** Different tails, and which of them each figure has. */
export interface Tails {
  readonly tails: readonly Tail[];
  readonly which: Int32Array;
}

/** The groups that are shown. */
export interface Audience {
  /** Their rows, in order. */
  readonly rows: Int32Array;
  /** By row; undefined for those that are not shown. */
  readonly subjects: readonly (Subject | undefined)[];
}

export function subject(labels: Labels): Subject {
  return { labels, open: encoded(`{${pairs(labels)}`) };
}

export function tail(labels: Labels): Tail {
  const text = pairs(labels);
  return { labels, close: encoded(`${text === '' ? '' : ','}${text}} `) };
}

/** `a="b",c="d"`. Names are trusted, values are escaped. */
export function pairs(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

/** `\`, `"` and newline, as both formats want. */
export function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}
