/** What the verbs that change something share: flags, the lock, consent, and how a plan and its outcome are told. */
import type { LockOptions } from '../control/lock.ts';
import { parseDuration } from '../parse/duration.ts';
import { printable } from '../parse/printable.ts';
import type { Note, Outcome, PlanStep, StepOutcome } from '../protocol/plan.ts';
import { align, plural, style, writeJson } from './output.ts';
import type { Arguments, Context, OptionSpec, Streams } from './verb.ts';

const DRY_RUN: OptionSpec = { flags: '--dry-run', help: 'show what would be written, in order; touch nothing' };
const YES: OptionSpec = { flags: '-y, --yes', help: 'consent to what cannot be undone' };
const FORCE: OptionSpec = {
  flags: '--force',
  help: 'go on where cgctl refuses: a limit below usage, a group that somebody else manages',
};
export const CHANGE_OPTIONS: readonly OptionSpec[] = [DRY_RUN, YES, FORCE];
export const ACTION_OPTIONS: readonly OptionSpec[] = [DRY_RUN, YES];

const LOCK_TIMEOUT = '10s';

/** The one lock of all changes on this machine. @throws CgError VALUE for a --lock-timeout that is no duration */
export function lockOptions({ options }: Arguments, { env, who, signal }: Context): LockOptions {
  const given = options['lock-timeout'];
  const timeout = parseDuration(typeof given === 'string' ? given : LOCK_TIMEOUT);
  return { dir: lockDirectory(env), timeout, who, signal };
}

/** Root's own place; another user's own one. */
function lockDirectory(env: Context['env']): string {
  const uid = process.getuid?.() ?? 0;
  if (env.CGCTL_LOCK_DIR) return env.CGCTL_LOCK_DIR;
  return uid === 0 ? '/run/cgctl/lock' : `${env.XDG_RUNTIME_DIR || `/run/user/${uid}`}/cgctl/lock`;
}

/** The flags of {@link CHANGE_OPTIONS}, as a change takes them. */
export function consentOptions({ options }: Arguments, io: Streams) {
  return {
    dryRun: options['dry-run'] === true,
    yes: options.yes === true,
    force: options.force === true,
    confirm: io.confirm,
  };
}

/** Tell what was done, or would be: as JSON, or a line a step with what the kernel made of it. */
export function tellOutcome(outcome: Outcome, args: Arguments, io: Streams, ctx: Context): void {
  if (args.options.json) {
    writeJson(io.out, outcome);
    return;
  }
  tellNotes(outcome.notes, io, ctx);
  if (outcome.steps.length === 0) io.out.write('nothing to change: everything is as asked\n');
  else if (outcome.dryRun) tellPlan(outcome.steps, io, ctx);
  else tellDone(outcome.steps, io, ctx);
}

/** A numbered list: what is written where, instead of what, and why. */
export function tellPlan(steps: readonly PlanStep[], io: Streams, ctx: Context): void {
  const { dim, yellow } = style(io.out, ctx.env);
  const rows = steps.map((step, i) => [
    `${i + 1}`,
    printable(step.path),
    changeOf(step),
    (step.irreversible ? yellow('cannot be undone: ') : '') + dim(step.why),
  ]);
  for (const line of align(rows, [true])) io.out.write(`${line}\n`);
}

/** Groups that were made in a line each, then the values, and what the kernel made of them. */
function tellDone(steps: readonly StepOutcome[], io: Streams, ctx: Context): void {
  const { yellow } = style(io.out, ctx.env);
  for (const [cgroup, places] of madeGroups(steps)) {
    io.out.write(
      `made ${printable(cgroup)} in ${plural(places.length, 'hierarchy', 'hierarchies')}: ${places.join(' ')}\n`,
    );
  }
  // What a new directory needs to be of use is in the plan; here it would hide what was asked for.
  const rows = steps
    .filter(({ kind, knob }) => kind === 'enable' || knob !== undefined)
    .map((step) => [
      printable(step.path),
      changeOf(step),
      step.adjusted === undefined ? '' : yellow(`the kernel made it ${oneLine(step.adjusted)}`),
    ]);
  for (const line of align(rows)) io.out.write(`${line}\n`);
}

/** The hierarchies that each new group was made in. */
function madeGroups(steps: readonly PlanStep[]): ReadonlyMap<string, string[]> {
  const made = new Map<string, string[]>();
  for (const { kind, cgroup, hierarchy } of steps) {
    if (kind === 'mkdir') made.set(cgroup, [...(made.get(cgroup) ?? []), hierarchy]);
  }
  return made;
}

/** `was → text`, on one line whatever the file holds. */
function changeOf({ kind, was, text }: PlanStep): string {
  if (kind === 'mkdir') return 'make';
  if (kind === 'rmdir') return 'remove';
  const [before, after] = [was, text].map((value) => (value === undefined ? undefined : oneLine(value)));
  if (after === undefined) return '';
  return before === undefined ? `→ ${after}` : `${before} → ${after}`;
}

function oneLine(text: string): string {
  const words = text.trim().split('\n').join(' ; ');
  return words === '' ? '(empty)' : printable(words);
}

/** Notes on the error stream, so that they do not mix with what is asked for. */
export function tellNotes(notes: readonly Note[], { err }: Streams, { env }: Context): void {
  const { yellow, red } = style(err, env);
  const marks = { info: 'note:', warning: yellow('warning:'), refusal: red('refused without --force:') };
  const told = new Set<string>();
  for (const { level, cgroup, text } of notes) {
    const line = `${marks[level]} ${cgroup === undefined ? '' : `${printable(cgroup)}: `}${text}\n`;
    if (!told.has(line)) err.write(line);
    told.add(line);
  }
}
