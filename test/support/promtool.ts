/** Prometheus' own checker, from Debian's package of Prometheus. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';

export function promtool(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('promtool', args, { encoding: 'utf8' });
}

/** The reason why there is none, or undefined. */
export function needsPromtool(): string | undefined {
  return promtool('--version').error === undefined ? undefined : 'no promtool';
}
