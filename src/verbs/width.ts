/** How many columns of a terminal a text takes, as wcwidth(3) counts: names of groups may be in any script. */

/** Combining marks, joiners and other characters that take no place of their own. */
const zero = () => /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
/** East Asian wide and fullwidth ranges (Unicode, UAX #11), and pictures. */
const wide = () =>
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

/** @param text without escape sequences */
export function textWidth(text: string): number {
  // Most texts: printable ASCII.
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** @param character one code point that is printable */
export function characterWidth(character: string): 0 | 1 | 2 {
  if (character >= ' ' && character <= '~') return 1;
  if (character === '\u00ad') return 1;
  // Arrows and the like, which we print ourselves: the patterns are dear to compile.
  if (character >= '\u2100' && character <= '\u2319') return 1;
  if (wide().test(character)) return 2;
  return zero().test(character) ? 0 : 1;
}

const ELLIPSIS = '…';

/** A text of exactly so many columns: cut with an ellipsis, or filled up with blanks. @param right it stands to the right */
export function fit(text: string, columns: number, right = false): string {
  const width = textWidth(text);
  if (width <= columns) {
    const blanks = ' '.repeat(columns - width);
    return right ? blanks + text : text + blanks;
  }
  if (columns <= 0) return '';
  const start = head(text, columns - 1);
  return start + ELLIPSIS + ' '.repeat(columns - 1 - textWidth(start));
}

/** As much of a text's beginning as goes into so many columns. */
export function head(text: string, columns: number): string {
  let [width, end] = [0, 0];
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** As much of a text's end as goes into so many columns. */
export function tail(text: string, columns: number): string {
  const characters = Array.from(text);
  let [width, start] = [0, characters.length];
  while (start > 0) {
    width += characterWidth(characters[start - 1] ?? '');
    if (width > columns) break;
    start -= 1;
  }
  return characters.slice(start).join('');
}
