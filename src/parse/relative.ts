import { unacceptable } from './fail.ts';

/** A change against the present value. */
export type Relative =
  /** percent of the present value to add; -100 and up */
  | { kind: 'percent'; percent: number }
  /** an amount to add or take away, still in the knob's own notation */
  | { kind: 'delta'; sign: 1 | -1; text: string };

/**
 * `+10%`, `-25%`, `+64m`, `-64m` as a change against the present value; undefined when the text is absolute, as `-1`
 * (unlimited) is. Where negative values are ordinary (`-5` as a nice value) the caller must not ask.
 * @throws CgError VALUE when a sign or a percent sign leads nowhere
 */
export function parseRelative(text: string): Relative | undefined {
  const sign = text.startsWith('+') ? 1 : text.startsWith('-') ? -1 : undefined;
  if (sign === undefined || text === '-1') return undefined;
  const amount = text.slice(1);
  // a digit first, so that neither `+-1` nor `+max` can add infinity
  if (/^\d[\w.]*$/.test(amount)) return { kind: 'delta', sign, text: amount };
  const percent = /^\d+(?:\.\d+)?%$/.test(amount) ? sign * Number(amount.slice(0, -1)) : Number.NaN;
  if (Number.isFinite(percent) && percent >= -100) return { kind: 'percent', percent };
  throw unacceptable(text, 'a change such as +10%, -25% (at most -100%), +64m or -64m');
}
