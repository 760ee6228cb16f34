/** What benches make of the figures that they took, and where CPU time is had from. */
import { readdirSync, readFileSync } from 'node:fs';

/** @param part of the values that are no larger: 0 is the least, 0.5 the median, 1 the most */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** CPU time of all threads so far, in ms (sched-stats.rst: the first figure is ns on a CPU). */
export function cpuOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);
}
