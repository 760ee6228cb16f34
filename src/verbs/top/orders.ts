/** What is asked for in the view is done by the verbs, as if it had been typed. */
import { CgError } from '../../errors.ts';
import { insist } from '../mistakes.ts';
import { parseWords } from '../parser.ts';
import type { Context, Output, Verb } from '../verb.ts';
import type { Order, Outcome } from './model.ts';

const VERBS: Readonly<Record<Order['verb'], () => Promise<Verb>>> = {
  freeze: async () => (await import('../freeze.ts')).freeze,
  thaw: async () => (await import('../thaw.ts')).thaw,
  kill: async () => (await import('../kill.ts')).kill,
  set: async () => (await import('../set.ts')).set,
};

/** @param flags of the view itself that the verb shall have too: `--host` */
export async function perform(order: Order, flags: readonly string[], ctx: Context): Promise<Outcome> {
  const pieces: string[] = [];
  const out: Output = { write: (text) => void pieces.push(text), isTTY: false, columns: 80 };
  let failed = false;
  try {
    const verb = await VERBS[order.verb]();
    const words = [...flags, ...(order.dryRun ? ['--dry-run'] : []), ...order.words, '--', order.id];
    const { args, mistakes } = parseWords(verb, ctx.registry, words);
    insist(mistakes);
    // Whoever has seen the plan and said yes has consented to all of it.
    failed = (await verb.run(args, { out, err: out, confirm: async () => !order.dryRun }, ctx)) !== 0;
  } catch (error) {
    if (!(error instanceof CgError)) throw error;
    failed = true;
    pieces.push(`${error.message}\n`);
  }
  return { order, failed, lines: pieces.join('').trimEnd().split('\n') };
}
