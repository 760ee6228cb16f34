/** How this process's descriptors are shared out: what is kept open must not keep others from opening anything. */
import { readFileSync } from 'node:fs';

/** The part that may be eventfds; groups beyond it are polled. */
const EVENTFD_SHARE = 0.25;

/** What all else may need, where a budget is larger than half of what there is. */
const RESERVE = 1000;

/** How many descriptors this process may have: its soft limit, which Node raises to the hard one (proc_pid_limits(5)). */
export function descriptorLimit(): number {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}

/** How many of them may be eventfds. */
export function mostEventfds(): number {
  return Math.floor(descriptorLimit() * EVENTFD_SHARE);
}

/** A budget, cut to what leaves descriptors for others. @param beside what they may have in any case */
export function affordable(budget: number, beside = 0): number {
  const left = descriptorLimit() - beside;
  return Math.min(budget, Math.max(Math.floor(left / 2), left - RESERVE));
}
