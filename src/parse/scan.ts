const NEWLINE = 10;
const BLANK = 32;
const EQUALS = 61;

/** The lines of a kernel file, without the last newline. An empty text has none. */
export function linesOf(text: string): string[] {
  const body = withoutNewline(text);
  return body === '' ? [] : body.split('\n');
}

/** A one-line kernel file's content, without its newline. */
export function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/**
 * Visits every blank-separated token in one pass.
 * @param visit gets the token's place in its line (0, 1 …) and its extent: text[start, end); `equals` is where its first
 * `=` stands, or -1
 */
export function eachToken(
  text: string,
  visit: (place: number, start: number, equals: number, end: number) => void,
): void {
  let place = 0;
  let start = 0;
  let equals = -1;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : NEWLINE;
    if (code === EQUALS) {
      if (equals < 0) equals = at;
    } else if (code === BLANK || code === NEWLINE) {
      if (at > start) visit(place++, start, equals, at);
      if (code === NEWLINE) place = 0;
      start = at + 1;
      equals = -1;
    }
  }
}

/** Undoes the kernel's octal escapes of ASCII characters (seq_escape: `\040` a blank, `\012` a newline, `\134` a backslash). */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([01][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
