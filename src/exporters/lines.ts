/** The lines of an exposition, one a figure, by the addon or in plain JavaScript: the bytes are the same. */
import { type Native, native } from '../native.ts';
import type { Audience, Encoded, Part, Tail } from './parts.ts';
import { onceFor } from './rows.ts';

/** The shortest numeral that reads back as the value; no limit is `+Inf`. NaN is no figure, and not for here. */
export function numeral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/** Where in a page the next line goes, and which of the lines it is: two numbers. */
export type Place = Uint32Array;

/** A part's lines under a name. */
export class Lines {
  readonly #name: Encoded;
  readonly #part: Part;
  readonly #audience: Audience;
  readonly length: number;

  constructor(name: Encoded, part: Part, audience: Audience) {
    this.#name = name;
    this.#part = part;
    this.#audience = audience;
    this.length = rowsOf(part, audience).length;
  }

  /** '' where there is no figure, or its group is not shown. */
  line(at: number): Encoded {
    const part = this.#part;
    const row = rowsOf(part, this.#audience)[at] ?? -1;
    const value = part.values['row' in part ? at : row] ?? Number.NaN;
    const whose = this.#audience.subjects[row];
    const tail = 'row' in part ? part.tails[part.which[at] ?? -1] : part.tail;
    if (Number.isNaN(value) || whose === undefined || tail === undefined) return '';
    return `${this.#name}${whose.open}${tail.close}${numeral(value)}\n`;
  }

  /** Writes as many lines as there is room for, from a place on, which is moved on. Some that would fit may be left. */
  write(page: Buffer, place: Place): void {
    const [to = 0, from = 0] = place;
    let text = '';
    let at = from;
    for (; at < this.length; at++) {
      const line = this.line(at);
      if (to + text.length + line.length > page.length) break;
      text += line;
    }
    place[0] = to + page.write(text, to, 'latin1');
    place[1] = at;
  }
}

/** The same by the addon, in a quarter of the time or less. */
class NativeLines extends Lines {
  readonly #putLines: (page: Uint8Array, place: Place) => void;

  constructor(name: Encoded, part: Part, audience: Audience, addon: Native, subjects: Packed) {
    super(name, part, audience);
    const [which, tails] = 'row' in part ? [part.which, part.tails] : [undefined, [part.tail]];
    const from = [Buffer.from(name, 'latin1'), part.values, rowsOf(part, audience), which] as const;
    const texts = [...subjects, ...packedTails(tails)] as const;
    this.#putLines = (page, place) => addon.putLines(page, place, ...from, ...texts);
  }

  override write(page: Buffer, place: Place): void {
    this.#putLines(page, place);
  }
}

const rowsOf = (part: Part, { rows }: Audience): Int32Array => ('row' in part ? part.row : rows);

/** Texts one after the other, and where each begins and the last ends. */
type Packed = readonly [bytes: Buffer, starts: Uint32Array];

function packed(texts: readonly Encoded[]): Packed {
  const starts = new Uint32Array(texts.length + 1);
  let end = 0;
  for (let at = 0; at < texts.length; at++) {
    end += texts[at]?.length ?? 0;
    starts[at + 1] = end;
  }
  return [Buffer.from(texts.join(''), 'latin1'), starts];
}

const packedTails = onceFor((tails: readonly Tail[]) => packed(tails.map(({ close }) => close)));
const packedSubjects = onceFor((subjects: Audience['subjects']) => packed(subjects.map((whose) => whose?.open ?? '')));

export interface LineOptions {
  /** The addon; undefined to do without. */
  readonly native?: Native | undefined;
}

/** What makes lines of parts, for an audience. */
export function linesFor(audience: Audience, options: LineOptions = {}): (name: Encoded, part: Part) => Lines {
  const addon = 'native' in options ? options.native : native();
  if (addon === undefined) return (name, part) => new Lines(name, part, audience);
  const subjects = packedSubjects(audience.subjects);
  return (name, part) => new NativeLines(name, part, audience, addon, subjects);
}
