/** tmux capture-pane -p -e | node scripts/terminal-svg.mjs > docs/img/top.svg: what a terminal shows, as a picture. */
import { readFileSync } from 'node:fs';

const [WIDTH, HEIGHT, MARGIN] = [8.4, 18, 12];
const [GROUND, INK] = ['#12161c', '#d7dce3'];
const SIXTEEN = ['#12161c', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d7dce3'];

const lines = readFileSync(0, 'utf8').trimEnd().split('\n');
const rows = lines.map((line) => spansOf(line));
const columns = Math.max(...rows.map((spans) => spans.reduce((sum, { text }) => sum + Array.from(text).length, 0)));
const size = [columns * WIDTH + 2 * MARGIN, rows.length * HEIGHT + 2 * MARGIN].map(Math.ceil);
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size.join(' ')}">
<rect width="100%" height="100%" rx="6" fill="${GROUND}"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="14">
${rows.flatMap((spans, row) => draw(spans, MARGIN + row * HEIGHT)).join('\n')}
</g>
</svg>
`);

/** Runs of text that look alike. */
function spansOf(line) {
  let look = {};
  return line.split(/(\x1b\[[\d;]*m)/).flatMap((part) => {
    const codes = /^\x1b\[([\d;]*)m$/.exec(part)?.[1];
    if (codes === undefined) return part === '' ? [] : [{ text: part, ...look }];
    look = dressed(look, codes.split(';').map(Number));
    return [];
  });
}

function dressed(look, [code = 0, ...rest]) {
  const next =
    code === 0
      ? {}
      : code === 1
        ? { ...look, bold: true }
        : code === 2
          ? { ...look, ink: '#8a8f98' }
          : code === 7
            ? { ...look, reverse: true }
            : code === 38
              ? { ...look, ink: colour(rest.splice(0, 2)[1]) }
              : code === 39
                ? { ...look, ink: undefined }
                : code >= 30 && code <= 37
                  ? { ...look, ink: SIXTEEN[code - 30] }
                  : look;
  return rest.length === 0 ? next : dressed(next, rest);
}

/** xterm's 256: sixteen, a cube of six levels, greys. */
function colour(n) {
  if (n < 16) return SIXTEEN[n % 8];
  const levels =
    n >= 232
      ? [0, 0, 0].map(() => 8 + 10 * (n - 232))
      : [36, 6, 1].map((by) => [0, 95, 135, 175, 215, 255][Math.floor((n - 16) / by) % 6]);
  return `#${levels.map((level) => level.toString(16).padStart(2, '0')).join('')}`;
}

function draw(spans, top) {
  let column = 0;
  return spans.flatMap(({ text, ink = INK, bold, reverse }) => {
    const [x, width] = [MARGIN + column * WIDTH, Array.from(text).length * WIDTH];
    column += Array.from(text).length;
    // Blanks are kept only where they do not break.
    const escaped = text
      .replaceAll(' ', '\u00a0')
      .replace(/[&<]/g, (character) => ({ '&': '&amp;', '<': '&lt;' })[character]);
    const ground = reverse
      ? [`<rect x="${x.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${HEIGHT}" fill="${ink}"/>`]
      : [];
    if (text.trim() === '') return ground;
    const weight = bold ? ' font-weight="bold"' : '';
    return [
      ...ground,
      `<text x="${x.toFixed(1)}" y="${top + 13}" textLength="${width.toFixed(1)}" fill="${reverse ? GROUND : ink}"${weight}>${escaped}</text>`,
    ];
  });
}
