/** `cgctl run`: a command inside a group. */
import { change } from '../control/change.ts';
import { isFrozen } from '../control/freeze.ts';
import { membersOf } from '../control/members.ts';
import { describeSome } from '../control/process.ts';
import { type RunOptions, run as runCommand } from '../control/run.ts';
import { withCreateDefaults } from '../control/spec.ts';
import { CgError } from '../errors.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import { printable, quoteArg } from '../parse/printable.ts';
import { CHANGE_OPTIONS, consentOptions, lockOptions, tellNotes, tellOutcome } from './changing.ts';
import { newIds, PARENT } from './create.ts';
import { givenKnobs, knobOptions } from './knobs.ts';
import { insist } from './mistakes.ts';
import { specOf } from './set.ts';
import { targets } from './targets.ts';
import type { Arguments, Context, Streams, Verb } from './verb.ts';

export const run: Verb = {
  name: 'run',
  summary: 'run a command inside a cgroup',
  about: `The command starts inside, in every hierarchy of the group, and so do all of its children. Signals are passed on, and the exit
status is the command's: 128 + n where signal n ended it, 127 where it was not found, 126 where it cannot be executed, 125 where the
kernel does not let it into the group. With --create or --rm the id is a path as for create, and the group is made where it is
missing, with the limits given. --rm removes it again when the command has ended, however it ended, and kills what is left inside.
Environment variables whose names a shell cannot have are not passed on.`,
  usage: '<id> -- <command...>',
  examples: [
    'cgctl run web -- make -j8',
    'cgctl run --rm -m 64m --cpus 0.5 job -- ./import.sh',
    'cgctl run --create --pids-limit 100 batch -w /srv -e LANG=C -- ./night',
  ],
  options: (registry) => [
    ...CHANGE_OPTIONS,
    { flags: '--create', help: 'make the group where it is missing' },
    { flags: '--rm', help: 'make the group where it is missing, and remove it when the command has ended' },
    PARENT,
    { flags: '-w, --workdir <dir>', help: 'the command’s directory' },
    { flags: '-e, --env <name=value>', help: 'an environment variable; NAME alone takes ours', repeat: true },
    ...knobOptions(registry),
  ],
  check: (args, ctx) => mistakesOf(args, ctx),
  async run(args, io, ctx) {
    insist(mistakesOf(args, ctx));
    const host = ctx.host();
    const rm = args.options.rm === true;
    const id = creates(args) ? await created(args, io, ctx) : targets(ctx, args.positional)[0];
    if (id === undefined || args.options['dry-run']) return 0;
    if (isFrozen(host, ctx.registry, id)) {
      tellNotes([{ level: 'info', cgroup: id, text: 'it is frozen: the command starts when it is thawed' }], io, ctx);
    }
    const { workdir } = args.options;
    const { status, killed, kept } = await runCommand(host, ctx.registry, id, args.rest, {
      ...surroundings(io, ctx),
      env: environment(args, ctx),
      ...(typeof workdir === 'string' && { cwd: workdir }),
      abort: ctx.signal,
      rm,
    });
    if (killed !== undefined) io.err.write(`cgctl: killed what was left in ${printable(id)}: ${killed}\n`);
    if (kept !== undefined) io.err.write(`cgctl: ${printable(id)} was not removed: ${kept.message} [${kept.code}]\n`);
    return status;
  },
};

const creates = ({ options }: Arguments): boolean => options.create === true || options.rm === true;

/** Makes or completes the group, with the limits given. @returns nothing for a dry run */
async function created(args: Arguments, io: Streams, ctx: Context): Promise<CgroupId | undefined> {
  const host = ctx.host();
  const [id] = newIds(args, ctx).ids;
  if (id === undefined) return undefined;
  const inside = [...membersOf(host.reader, id, true).keys()];
  if (args.options.rm && inside.length > 0 && !args.options.force) {
    const text = `${id} is in use, and --rm would kill ${describeSome(inside)}`;
    throw new CgError('REFUSED', text, { id, pids: inside });
  }
  const values = withCreateDefaults(ctx.registry, specOf(args, ctx).values);
  const outcome = await change(host, ctx.registry, [{ id, values, create: true }], {
    ...consentOptions(args, io),
    lock: lockOptions(args, ctx),
  });
  if (outcome.dryRun) {
    tellOutcome(outcome, args, io, ctx);
    return undefined;
  }
  // the error stream is the command's from here on
  tellNotes(
    outcome.notes.filter(({ level }) => level !== 'info'),
    io,
    ctx,
  );
  return id;
}

/** The terminal and the signals of this process where there are any; else what the command prints goes to our streams. */
function surroundings({ out, err }: Streams, { foreground }: Context): RunOptions {
  if (foreground) return { stdio: ['inherit', 'inherit', 'inherit'], takeSignals: foreground.takeSignals };
  return {
    stdio: ['ignore', 'pipe', 'pipe'],
    output: (stream, text) => (stream === 'out' ? out : err).write(text),
  };
}

function environment({ options }: Arguments, ctx: Context): Record<string, string | undefined> {
  const given = Array.isArray(options.env) ? options.env : [];
  const pairs = given.map((text): [string, string | undefined] => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ctx.env[text]] : [text.slice(0, at), text.slice(at + 1)];
  });
  return { ...ctx.env, ...Object.fromEntries(pairs) };
}

function mistakesOf(args: Arguments, ctx: Context): string[] {
  const { env } = args.options;
  const unnamed = (Array.isArray(env) ? env : []).filter((text) => !/^[A-Za-z_]\w*(=|$)/.test(text));
  const wrongEnv = unnamed.map((text) => `--env: ${quoteArg(text)} does not begin with a variable's name`);
  if (creates(args)) return [...newIds(args, ctx).mistakes, ...specOf(args, ctx).mistakes, ...wrongEnv];
  const knobs = Object.keys(givenKnobs(ctx.registry, args)).map((name) => `--${name}`);
  const alone = [...knobs, ...('parent' in args.options ? ['--parent'] : [])];
  return [
    ...(alone.length > 0
      ? [`${alone.join(', ')}: only with --create or --rm; "cgctl set" changes a group that is there`]
      : []),
    ...wrongEnv,
  ];
}
