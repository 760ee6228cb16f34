import { unreadable } from './fail.ts';
import { linesOf } from './scan.ts';

/** How much of the time tasks were stalled on a resource. */
export interface Pressure {
  /** percent of the last 10, 60 and 300 seconds */
  avg10: number;
  avg60: number;
  avg300: number;
  /** microseconds since boot, or since the group was made */
  totalUs: number;
}

/**
 * A pressure file (/proc/pressure/cpu, cpu.pressure, io.pressure …; Documentation/accounting/psi.rst). `some`: at least one
 * task waited; `full`: all did, which cpu files of older kernels do not have.
 * @throws CgError PARSE
 */
export function parsePressure(text: string): { some?: Pressure; full?: Pressure } {
  const result: { some?: Pressure; full?: Pressure } = {};
  for (const line of linesOf(text)) {
    const match = /^(some|full) avg10=(\d+\.\d+) avg60=(\d+\.\d+) avg300=(\d+\.\d+) total=(\d{1,20})$/.exec(line);
    if (match === null) throw unreadable('a pressure line', line);
    const [avg10 = Number.NaN, avg60 = Number.NaN, avg300 = Number.NaN, totalUs = Number.NaN] = match
      .slice(2)
      .map(Number);
    result[match[1] === 'some' ? 'some' : 'full'] = { avg10, avg60, avg300, totalUs };
  }
  return result;
}
