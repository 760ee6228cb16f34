/** Texts that are printable at a glance; classes of properties are dear to compile (0.3 ms for the first one). */
const PLAIN = /^[ -~]*$/;

/** C0 and C1 controls, DEL, lone surrogates, bidirectional marks and overrides, and the two separators that break a line. */
const unprintable = () => /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu;

/** How much of a rejected text a message repeats, in UTF-16 units. */
const EXCERPT = 80;

/**
 * Text that is harmless on a terminal and in a log: whatever could move the cursor, reorder or break the line is written
 * as `\xNN` or `\u{…}`. Cgroup and command names are chosen by whoever made them. For reading only: a backslash in the
 * text stays as it is, so this is not reversible.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(unprintable(), (character) => {
    const code = character.charCodeAt(0);
    return code <= 0xff ? hexByte(code) : `\\u{${code.toString(16)}}`;
  });
}

/**
 * An argument as one would type it: as it is where a shell leaves it alone, else in quotes; in bash's `$'…'`, as bytes,
 * where it holds something unprintable.
 */
export function quoteArg(text: string): string {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text)) return text;
  if (PLAIN.test(text) || text.search(unprintable()) < 0) return `'${text.replaceAll("'", "'\\''")}'`;
  const bytes = (character: string) => Array.from(Buffer.from(character), hexByte).join('');
  return `$'${text.replace(/[\\']/g, '\\$&').replace(unprintable(), bytes)}'`;
}

/** A rejected text as a message shows it: printable, in double quotes, cut when long. */
export function excerpt(text: string): string {
  return text.length > EXCERPT ? `"${printable(text.slice(0, EXCERPT))}…"` : `"${printable(text)}"`;
}

function hexByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
