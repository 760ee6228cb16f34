/** How often something is looked at, as people give it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CgError } from '../errors.ts';
import { parseDuration } from '../parse/duration.ts';
import type { Arguments, OptionSpec } from './verb.ts';

export const INTERVAL: OptionSpec = {
  flags: '-i, --interval <duration>',
  help: 'how often, as 500ms or 2s (default 1s)',
};

/** In seconds. */
export function intervalOf({ options }: Arguments): { interval: number; mistakes: string[] } {
  if (typeof options.interval !== 'string') return { interval: 1, mistakes: [] };
  try {
    const interval = parseDuration(options.interval);
    // Figures over less than a tick of /proc/stat would be noise.
    return { interval, mistakes: interval < 0.1 ? ['--interval: at least 100ms'] : [] };
  } catch (error) {
    if (!(error instanceof CgError)) throw error;
    return { interval: 1, mistakes: [`--interval: ${error.message}`] };
  }
}

/** @returns false when it was interrupted */
export async function passed(seconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}
