/** What `--help` prints. */
import { Command, Option } from 'commander';
import type { Registry } from '../controllers/registry.ts';
import { align } from '../verbs/output.ts';
import { GLOBAL_OPTIONS, optionsOf } from '../verbs/parser.ts';
import type { Verb } from '../verbs/verb.ts';

/** A verb's usage, flags by group, and examples. @param columns the terminal's width */
export function verbHelp(verb: Verb, registry: Registry, columns: number): string {
  const command = new Command(`cgctl ${verb.name}`)
    .helpOption(false)
    .description([verb.summary, verb.about?.replaceAll('\n', ' ') ?? []].flat().join('\n\n'))
    .usage(`[options] ${verb.usage}`)
    .configureOutput({ getOutHelpWidth: () => columns, getOutHasColors: () => false })
    // A value that may be left out is given after = only.
    .configureHelp({
      optionTerm: ({ flags }) => flags.replace(/ (\[.*\])$/, (_, value: string) => `[=${value.slice(1)}`),
    });
  for (const { flags, help, group = 'Options:', hidden = false } of optionsOf(verb, registry)) {
    command.addOption(new Option(flags, help).helpGroup(group).hideHelp(hidden));
  }
  const aliases = verb.aliases?.length ? `\nAlso called: ${verb.aliases.join(', ')}\n` : '';
  const examples = verb.examples.length ? `\nExamples:\n${verb.examples.map((line) => `  ${line}\n`).join('')}` : '';
  return command.helpInformation() + aliases + examples;
}

/** All verbs, a line each. */
export function mainHelp(verbs: readonly Verb[]): string {
  const lines = (rows: readonly (readonly string[])[]) =>
    align(rows)
      .map((line) => `  ${line}\n`)
      .join('');
  return [
    'Usage: cgctl <verb> [options]\n',
    '\nControl and watch this machine’s cgroups: v1, hybrid and v2 with one vocabulary.\n',
    `\nVerbs:\n${lines(verbs.map(({ name, aliases = [], summary }) => [[name, ...aliases].join(', '), summary]))}`,
    `\nOptions of every verb:\n${lines(GLOBAL_OPTIONS.map(({ flags, help }) => [flags, help]))}`,
    `\n<id> is a cgroup’s path or a unique end of it, a container’s id or a unique start of it (4 digits or more),
a systemd unit, or pid:N. After -- a name may begin with a dash.

"cgctl <verb> --help" says more, "cgctl explain <word>" what a flag, a metric or an error means.\n`,
  ].join('');
}
