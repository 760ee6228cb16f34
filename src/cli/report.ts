/** Errors, as people and programs are told of them. */
import { CgError, ERRORS } from '../errors.ts';
import { plainly, style } from '../verbs/output.ts';
import type { Context, Streams } from '../verbs/verb.ts';

export interface Manner {
  readonly json: boolean;
  readonly env: Context['env'];
  /** Where the help is, for mistakes in the command line: `cgctl set --help`. */
  readonly help: string;
}

/** Tell of an error on the error stream; the stack only with CGCTL_DEBUG=1. @returns the exit status */
export function report(error: unknown, { err }: Streams, { json, env, help }: Manner): number {
  const known = error instanceof CgError ? error : internal(error);
  if (json) {
    err.write(`${JSON.stringify({ error: { ...known.toJSON(), exit: known.exit } }, plainly)}\n`);
  } else {
    const { red, dim } = style(err, env);
    const hint = known.exit === ERRORS.USAGE.exit ? `See "${help}".` : ERRORS[known.code].advice;
    err.write(`${red('cgctl:')} ${known.message} ${dim(`[${known.code}]`)}\n${dim(hint)}\n`);
  }
  if (env.CGCTL_DEBUG === '1' && error instanceof Error) err.write(`${error.stack}\n`);
  return known.exit;
}

function internal(error: unknown): CgError {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new CgError('INTERNAL', `${text} (CGCTL_DEBUG=1 shows where)`, {}, { cause: error });
}
