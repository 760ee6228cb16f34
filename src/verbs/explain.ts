/** `cgctl explain`: everything that is declared about a word, in both dialects, and where it is on this host. */
import {
  alternatives,
  type Controller,
  type Derived,
  type Knob,
  type Slot,
  type Stat,
} from '../controllers/controller.ts';
import { cadvisorOf, flagName } from '../controllers/derive.ts';
import type { ActionEntry, KnobEntry, Registry, StatEntry } from '../controllers/registry.ts';
import { describeType } from '../controllers/types.ts';
import { CgError, ERRORS, type ErrorCode } from '../errors.ts';
import type { Item, Located } from '../hierarchy/locate.ts';
import type { Host } from '../hierarchy/types.ts';
import { quoteArg } from '../parse/printable.ts';
import { insist } from './mistakes.ts';
import { offerOf, sample } from './offer.ts';
import { align, style, writeJson } from './output.ts';
import { didYouMean } from './similar.ts';
import type { Arguments, Context, Verb } from './verb.ts';

/** A title, and facts by name. */
interface Page {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, fact: string])[];
}

export const explain: Verb = {
  name: 'explain',
  summary: 'say what a flag, knob, metric, action, controller or error code means, and where it is on this host',
  usage: '[word...]',
  examples: [
    'cgctl explain --cpu-shares',
    'cgctl explain memory.swap',
    'cgctl explain cgroup_memory_usage_bytes',
    'cgctl explain KERNEL',
  ],
  // Flags are words here.
  options: (registry) => flagsOf(registry).map((flags) => ({ flags, help: '', hidden: true })),
  check: (args, { registry }) => wordsOf(args, registry).mistakes,
  async run(args, io, ctx) {
    const { words, mistakes } = wordsOf(args, ctx.registry);
    insist(mistakes);
    const pages = words.flatMap((word) => pagesOf(word, ctx));
    if (args.options.json) {
      writeJson(
        io.out,
        pages.map(({ title, facts }) => ({ title, facts: facts.map(([name, fact]) => ({ name, fact })) })),
      );
      return 0;
    }
    const { bold, dim } = style(io.out, ctx.env);
    for (const [i, { title, facts }] of pages.entries()) {
      const lines = align(facts.map(([name, fact]) => [`  ${dim(name)}`, fact]));
      io.out.write(`${i === 0 ? '' : '\n'}${bold(title)}\n${lines.map((line) => `${line}\n`).join('')}`);
    }
    return 0;
  },
};

/** The words that were given, flags first; each must be one of {@link names}. */
function wordsOf({ options, positional }: Arguments, registry: Registry): { words: string[]; mistakes: string[] } {
  const flags = Object.keys(options).filter((name) => registry.knobOfFlag(name) !== undefined);
  const words = [...flags, ...positional.map((word) => word.replace(/^--?/, ''))];
  const known = names(registry);
  const unknown = words.filter((word) => ![word, `cgroup_${word}`, word.toUpperCase()].some((name) => known.has(name)));
  const mistakes = unknown.map((word) => `${quoteArg(word)} is nothing that cgctl knows${didYouMean(word, known)}`);
  return { words, mistakes: words.length === 0 ? ['<word> is missing'] : mistakes };
}

/** All that a word names: it may be a flag and a controller both. Metrics are known with `cgroup_` and without. */
function pagesOf(word: string, ctx: Context): Page[] {
  const { registry } = ctx;
  const flagged = registry.knobOfFlag(word);
  const knob = registry.findKnob(word) ?? (flagged && 'knob' in flagged ? flagged : undefined);
  const stat = registry.findStat(word.replace(/^cgroup_/, ''));
  const action = registry.findAction(word);
  const controller = registry.findController(word);
  const code = word.toUpperCase();
  return [
    ...(knob ? [knobPage(knob, ctx)] : []),
    ...(flagged && 'derived' in flagged ? [derivedPage(flagged.derived)] : []),
    ...(stat ? [statPage(stat, ctx)] : []),
    ...(action ? [actionPage(action, ctx)] : []),
    ...(controller ? [controllerPage(controller)] : []),
    ...(isCode(code) ? [errorPage(code)] : []),
  ];
}

function knobPage({ controller, knob }: KnobEntry, ctx: Context): Page {
  return {
    title: `${knob.key}${knob.flag === undefined ? ' (read only)' : `  ${knob.flag}`}`,
    facts: [
      ['what', knob.help],
      ['value', describeType(knob.type)],
      ...(knob.means ?? []).map(([given, value]) => ['means', `${given} stands for ${meaningOf(value)}`] as const),
      ...dialects(controller, knob, describeSlot),
      ...scopeOf(knob),
      ...(['v1', 'v2'] as const).flatMap((dialect) => errnos(dialect, knob)),
      ...(knob.systemd === undefined ? [] : [['systemd', `${knob.systemd}=`] as const]),
      ...(knob.metric === undefined ? [] : [['metric', `cgroup_${knob.metric.name}`] as const]),
      ['here', here(controller, knob, ctx)],
      ['see', controller.doc],
    ],
  };
}

function derivedPage({ flag, help, type, sets }: Derived): Page {
  return {
    title: flag,
    facts: [
      ['what', help],
      ['value', describeType(type)],
      ['sets', sets.join(', ')],
    ],
  };
}

function statPage({ controller, stat }: StatEntry, ctx: Context): Page {
  return {
    title: `cgroup_${stat.name}`,
    facts: [
      ['what', stat.help],
      ['kind', `${stat.kind}, in ${stat.unit}${stat.label === undefined ? '' : `, by ${stat.label}`}`],
      ...dialects(
        controller,
        stat,
        ({ file, format, extent = 'hierarchical' }) =>
          `${file} (${'key' in format ? format.key : 'field' in format ? format.field : format.at}), ${extent}`,
      ),
      ...scopeOf(stat),
      ...(stat.cadvisor === undefined ? [] : [['cAdvisor', namesOf(stat)] as const]),
      ['here', here(controller, stat, ctx)],
      ['see', controller.doc],
    ],
  };
}

const namesOf = (stat: Stat): string => [...new Set(cadvisorOf(stat).map(({ name }) => name))].join(' ');

function actionPage({ controller, action }: ActionEntry, ctx: Context): Page {
  return {
    title: action.key,
    facts: [
      ['what', action.help],
      ...dialects(
        controller,
        action,
        ({ file, write }) => `writes ${typeof write === 'string' ? `"${write}"` : describeType(write)} to ${file}`,
      ),
      ...scopeOf(action),
      ...(action.destructive ? [['consent', 'needs --yes'] as const] : []),
      ['here', here(controller, action, ctx)],
      ['see', controller.doc],
    ],
  };
}

function controllerPage({ name, summary, v1, v2, knobs, actions, stats, unsupported, doc }: Controller): Page {
  const keys = (things: readonly { key: string }[]) => things.map(({ key }) => key).join(' ');
  return {
    title: name,
    facts: [
      ['what', summary],
      ['v1', v1 ?? unsupported?.v1 ?? 'none'],
      ['v2', v2 ?? unsupported?.v2 ?? 'none'],
      ['knobs', keys(knobs)],
      ['actions', keys(actions)],
      ['metrics', stats.map((stat) => `cgroup_${stat.name}`).join(' ')],
      ['see', doc],
    ],
  };
}

function errorPage(code: ErrorCode): Page {
  const { title, advice, exit } = ERRORS[code];
  return {
    title: code,
    facts: [
      ['what', title],
      ['do', advice],
      ['exit', `status ${exit}`],
    ],
  };
}

/** A line for each dialect, and for each place where there are several to probe. */
function dialects<T extends Located>(
  controller: Controller,
  item: Item<T>,
  describe: (place: T) => string,
): (readonly [string, string])[] {
  return (['v1', 'v2'] as const).flatMap((dialect) => {
    const places = alternatives(item[dialect]);
    if (places.length > 0) return places.map((place) => [dialect, describe(place)] as const);
    const why = item.unsupported?.[dialect] ?? controller.unsupported?.[dialect] ?? 'the kernel has no such file';
    return [[dialect, `none: ${why}`] as const];
  });
}

function describeSlot(slot: Slot): string {
  const words = [
    slot.unlimited === undefined ? undefined : `no limit is written ${slot.unlimited}`,
    slot.conversion,
    slot.notBelow && `not below ${slot.notBelow}`,
    slot.notAbove && `not above ${slot.notAbove}`,
    slot.withinParent ? 'within the parent’s' : undefined,
    slot.undo && slot.undo !== 'exact' ? `undo: ${slot.undo}` : undefined,
  ].filter((word) => word !== undefined);
  return [slot.file, ...words].join('; ');
}

function scopeOf({ scope = 'any' }: Pick<Knob, 'scope'>): (readonly [string, string])[] {
  if (scope === 'any') return [];
  return [['groups', scope === 'root' ? 'the root only' : 'all but the root']];
}

function errnos(dialect: 'v1' | 'v2', knob: Knob): (readonly [string, string])[] {
  return alternatives(knob[dialect]).flatMap(({ errno = {} }) =>
    Object.entries(errno).map(([name, words]) => [`${dialect} ${name}`, words] as const),
  );
}

/** Where it is on this host. Without cgroups, or outside Linux, explaining still works. */
function here<T extends Located>(controller: Controller, item: Item<T>, ctx: Context): string {
  let host: Host;
  try {
    host = ctx.host();
  } catch (error) {
    if (error instanceof CgError) return error.message;
    throw error;
  }
  const offer = offerOf(host, sample(host), controller, item);
  if ('lacks' in offer) return `not on this host: ${offer.lacks}`;
  const { hierarchies, slot } = offer.place;
  const paths = hierarchies.map(({ mountPoint }) => `${mountPoint}/<id>/${slot.file}`).join(', ');
  return 'unsure' in offer ? `${paths}, if the kernel has it: ${offer.unsure}` : paths;
}

function meaningOf(value: unknown): string {
  if (value === Number.POSITIVE_INFINITY) return 'no limit';
  return typeof value === 'object' && value !== null && 'times' in value && 'of' in value
    ? `${value.times} times ${value.of}`
    : String(value);
}

function isCode(word: string): word is ErrorCode {
  return Object.hasOwn(ERRORS, word);
}

/** Every word that can be explained. */
function names(registry: Registry): ReadonlySet<string> {
  return new Set([
    ...registry.allKnobs().map(({ knob }) => knob.key),
    ...flagsOf(registry).map((flag) => flagName(flag).long),
    ...registry.allStats().map(({ stat }) => `cgroup_${stat.name}`),
    ...registry.allActions().map(({ action }) => action.key),
    ...registry.controllers.map(({ name }) => name),
    ...Object.keys(ERRORS),
  ]);
}

function flagsOf(registry: Registry): string[] {
  const knobs = registry.allKnobs().flatMap(({ knob }) => knob.flag ?? []);
  return [...knobs, ...registry.allDerived().map(({ derived }) => derived.flag)];
}
