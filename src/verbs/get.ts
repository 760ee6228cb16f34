/** `cgctl get`: what was asked of a group, what the kernel has, and where. */

import { describeKnobs, type KnobState } from '../control/describe.ts';
import type { Value, ValueType } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { formatValue, valueToJson } from '../controllers/types.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { ownerOf } from '../identity/runtime.ts';
import { printable, quoteArg } from '../parse/printable.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { flagOrKey } from './knobs.ts';
import { insist } from './mistakes.ts';
import { style, table, writeJson } from './output.ts';
import { didYouMean } from './similar.ts';
import { targets } from './targets.ts';
import type { Arguments, Context, Streams, Verb } from './verb.ts';

export const get: Verb = {
  name: 'get',
  aliases: ['inspect'],
  summary: 'show every setting of a cgroup: what was asked for, what the kernel has, in which file',
  usage: '<id> [knob...]',
  examples: ['cgctl get web', 'cgctl get web cpu-shares memory.max', 'cgctl get web --all --json'],
  options: () => [{ flags: '-a, --all', help: 'also what this host or group lacks, with the reason' }, ...HOST_OPTIONS],
  check: (args, { registry }) => keysOf(args, registry).mistakes,
  async run(args, io, ctx) {
    const { keys, mistakes } = keysOf(args, ctx.registry);
    insist(mistakes);
    const there = thereOf(args, ctx);
    if (there !== undefined) return (await import('./remote/looks.ts')).getThere(there, keys, args, io, ctx);
    const host = ctx.host();
    const [id] = targets(ctx, args.positional.slice(0, 1));
    if (id === undefined) return 0;
    const states = describeKnobs(host, ctx.registry, id, keys);
    // What was asked for by name is shown even where it is absent.
    const shown = args.options.all || keys ? states : states.filter(({ absent }) => absent === undefined);
    if (args.options.json) writeJson(io.out, documentOf(host, id, shown));
    else io.out.write(tableOf(shown, io, ctx));
    return 0;
  },
};

/** The knobs that were named, by flag or key; undefined for all. */
function keysOf({ positional }: Arguments, registry: Registry): { keys: string[] | undefined; mistakes: string[] } {
  const names = positional.slice(1);
  if (names.length === 0) return { keys: undefined, mistakes: [] };
  const mistakes: string[] = [];
  const keys = names.flatMap((name) => {
    const entry = registry.findKnob(name) ?? registry.knobOfFlag(name.replace(/^--/, ''));
    if (entry !== undefined) return 'knob' in entry ? [entry.knob.key] : entry.derived.sets;
    const known = registry.allKnobs().map(({ knob }) => knob.key);
    mistakes.push(`there is no knob ${quoteArg(name)}${didYouMean(name, known)}`);
    return [];
  });
  return { keys, mistakes };
}

function tableOf(states: readonly KnobState[], { out }: Streams, { env, host }: Context): string {
  const { bold, dim } = style(out, env);
  const shownValue = ({ entry: { knob } }: KnobState, value: Value | undefined): string => {
    if (value === undefined) return '-';
    return printable(valueText(host(), knob.type, value)) || '(empty)';
  };
  const columns = ['KNOB', 'ASKED', 'KERNEL', 'FLAG', 'FILE'].map((title) => ({ title }));
  const rows = states.map((state) => {
    const { knob } = state.entry;
    const [first = '', ...more] = state.files;
    return [
      knob.key,
      shownValue(state, state.asked),
      state.absent === undefined ? shownValue(state, state.value) : dim(state.absent),
      dim(knob.flag === undefined ? '(read only)' : flagOrKey(knob)),
      dim(printable(first) + (more.length > 0 ? ` +${more.length}` : '')),
    ];
  });
  return table(columns, rows, bold);
}

/** A value as one would give it. It may hold anything that a kernel file does. */
export function valueText(host: Host, type: ValueType, value: Value): string {
  return formatValue(type, withNames(host, type, value));
}

/** Devices by the name that people know them by. */
function withNames({ devices }: Host, type: ValueType, value: Value): Value {
  if (type.kind !== 'map' || type.key !== 'device' || !(value instanceof Map)) return value;
  return new Map([...value].map(([key, item]) => [devices.nameOf(key) ?? key, item]));
}

function documentOf(host: Host, id: CgroupId, states: readonly KnobState[]) {
  const places = host.reader.places(id);
  return {
    id,
    owner: ownerOf(host, id),
    places: Object.fromEntries(places.map((h) => [h.key, host.reader.path(h, id)])),
    knobs: Object.fromEntries(
      states.map(({ entry, asked, value, ...rest }) => [
        entry.knob.key,
        {
          ...(entry.knob.flag !== undefined && { flag: flagOrKey(entry.knob) }),
          ...(asked !== undefined && { asked: valueToJson(asked) }),
          ...(value !== undefined && { value: valueToJson(value) }),
          ...rest,
        },
      ]),
    ),
  };
}
