import { quoteArg } from '../../parse/printable.ts';
import type { Arguments, OptionSpec } from '../verb.ts';

export const COUNT: OptionSpec = { flags: '-n, --count <n>', help: 'print so many looks, then end' };

export function countOf({ options: { count } }: Arguments): { count: number | undefined; mistakes: string[] } {
  if (typeof count !== 'string') return { count: undefined, mistakes: [] };
  if (/^[1-9]\d{0,8}$/.test(count)) return { count: Number(count), mistakes: [] };
  return { count: undefined, mistakes: [`--count: ${quoteArg(count)} is not a number of looks`] };
}
