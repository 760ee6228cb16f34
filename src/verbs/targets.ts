/** The ids that a command line names. */
import { CgError, ERRORS } from '../errors.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import { resolveId } from '../identity/resolve.ts';
import type { Context } from './verb.ts';

/** Each text resolved, in the order given, a group named twice once. @throws CgError ID_INVALID, NOT_FOUND, AMBIGUOUS */
export function targets(ctx: Context, texts: readonly string[]): CgroupId[] {
  return [...new Set(texts.map((text) => resolveId(ctx.host(), text)))];
}

/** Which of the texts can be no id at all; what merely is not there is not looked for. */
export function idMistakes(ctx: Context, texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    try {
      resolveId(ctx.host(), text);
    } catch (error) {
      if (error instanceof CgError && error.exit === ERRORS.USAGE.exit) return [error.message];
      if (!(error instanceof CgError)) throw error;
    }
    return [];
  });
}
