/** Figures as a terminal draws them. Pure. */
const BLOCKS = '▁▂▃▄▅▆▇█';
const EIGHTHS = ' ▏▎▍▌▋▊▉█';

/** The last of a trail, newest at the right; a blank where nothing was known. Scaled from 0 to its highest. */
export function spark(trail: readonly number[], columns: number): string {
  if (columns <= 0) return '';
  const per = Math.max(1, Math.ceil(trail.length / columns));
  const buckets: number[] = [];
  for (let end = trail.length; end > 0; end -= per) {
    const known = trail.slice(Math.max(0, end - per), end).filter((value) => !Number.isNaN(value));
    buckets.unshift(known.length === 0 ? Number.NaN : Math.max(...known));
  }
  const highest = Math.max(0, ...buckets.filter((value) => Number.isFinite(value)));
  const drawn = buckets.map((value) => (Number.isNaN(value) ? ' ' : block(highest > 0 ? value / highest : 0)));
  return drawn.join('').padStart(columns);
}

function block(share: number): string {
  return BLOCKS[Math.min(BLOCKS.length - 1, Math.max(0, Math.round(share * (BLOCKS.length - 1))))] ?? '';
}

/** A share as a bar of so many columns, to an eighth of one. */
export function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  const part = eighths % 8 === 0 ? '' : (EIGHTHS[eighths % 8] ?? '');
  return ('█'.repeat(Math.floor(eighths / 8)) + part).padEnd(columns);
}
