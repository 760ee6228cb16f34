/** Words for how text looks, and what a terminal makes of them. */

import type { Context } from '../verb.ts';
import { head, textWidth } from '../width.ts';

export type Look = 'bold' | 'dim' | 'title' | 'near' | 'bad' | 'good' | 'spark' | 'chosen' | Hue;

/** One for each resource, in the order in which they first come. */
export type Hue = 'hue0' | 'hue1' | 'hue2' | 'hue3';

export interface Span {
  /** Printable. */
  readonly text: string;
  readonly as?: Look | undefined;
}

export type Line = readonly Span[];

export type Palette = Readonly<Record<Look, string>>;

/** SGR parameters (ECMA-48, 8.3.117). State is never told by colour alone, so that one can do without. */
const PLAIN: Palette = {
  bold: '1',
  dim: '',
  title: '1',
  near: '1',
  bad: '1;4',
  good: '',
  spark: '',
  chosen: '7',
  hue0: '',
  hue1: '',
  hue2: '',
  hue3: '',
};
const SIXTEEN: Palette = {
  bold: '1',
  dim: '2',
  title: '1',
  near: '33',
  bad: '1;31',
  good: '32',
  spark: '36',
  chosen: '7',
  hue0: '36',
  hue1: '32',
  hue2: '35',
  hue3: '34',
};
/** Hues that people with colour-vision deficiencies tell apart (Okabe and Ito). */
const MANY: Palette = {
  ...SIXTEEN,
  dim: '38;5;245',
  near: '38;5;214',
  bad: '1;38;5;203',
  good: '38;5;71',
  spark: '38;5;74',
  hue0: '38;5;74',
  hue1: '38;5;71',
  hue2: '38;5;175',
  hue3: '38;5;179',
};

/** NO_COLOR (https://no-color.org) leaves bold, underlined and reverse. */
export function paletteOf({ NO_COLOR, COLORTERM, TERM = '' }: Context['env']): Palette {
  if (NO_COLOR) return PLAIN;
  return COLORTERM || /256|direct|kitty|ghostty|alacritty|foot/.test(TERM) ? MANY : SIXTEEN;
}

/** A line as it is written: cut where the terminal ends, and filled up where its look shall go on to the end. */
export function painted(line: Line, width: number, palette: Palette, base?: Look): string {
  let left = width;
  let out = '';
  for (const { text, as } of line) {
    const part = textWidth(text) > left ? head(text, left) : text;
    left -= textWidth(part);
    out += dressed(part, as, palette, base);
    if (left <= 0) break;
  }
  return base === undefined ? out : out + dressed(' '.repeat(Math.max(0, left)), undefined, palette, base);
}

const LOUD: ReadonlySet<Look> = new Set(['bold', 'near', 'bad']);

function dressed(text: string, as: Look | undefined, palette: Palette, base: Look | undefined): string {
  // In reverse a faint ink would be a faint ground.
  const own = base === undefined || (as !== undefined && LOUD.has(as)) ? as : undefined;
  const codes = [base, own].flatMap((look) => (look === undefined || palette[look] === '' ? [] : palette[look]));
  return codes.length === 0 || text === '' ? text : `\x1b[${codes.join(';')}m${text}\x1b[0m`;
}
