/** From flags (or an API's fields) to a typed request: every mistake is found before anything is planned. */
import type { Facts } from '../controllers/controller.ts';
import type { DerivedEntry, KnobEntry, Registry } from '../controllers/registry.ts';
import {
  formatValue,
  isMultiple,
  type Parsed,
  parseValue,
  type ResolveKey,
  valueFromJson,
} from '../controllers/types.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { label } from './label.ts';

/** What is asked of one knob: a value, a change to the present one, or a multiple of another knob's; `from` is what people gave, where it was another flag. */
export type Requested = Exclude<Parsed, { readonly mistake: string }> & { readonly from?: string };

/** What is asked of one group. */
export interface Request {
  readonly id: CgroupId;
  /** By knob key. */
  readonly values: ReadonlyMap<string, Requested>;
  /** Make the group where it is missing; `controllers` keeps it to their hierarchies. */
  readonly create?: boolean;
  readonly controllers?: readonly string[];
}

export interface Spec {
  readonly values: ReadonlyMap<string, Requested>;
  readonly mistakes: readonly string[];
}

/**
 * Parses what was given by flag name (`cpu-shares`) or knob key (`cpu.shares`): texts from a command line, or JSON from a client.
 * Names that are neither are mistakes; so are a derived flag beside one of the knobs that it sets, and two knobs for one file.
 */
export function parseSpec(
  registry: Registry,
  given: Readonly<Record<string, unknown>>,
  machine: { resolveKey: ResolveKey; facts: Facts },
): Spec {
  const values = new Map<string, Requested>();
  const mistakes: string[] = [];
  const from = new Map<string, string>();
  const put = (key: string, value: Requested, name: string): void => {
    const other = from.get(key);
    if (other !== undefined && other !== name) mistakes.push(`${name} and ${other} both set ${key}: give one of them`);
    from.set(key, name);
    values.set(key, value);
  };
  for (const [name, input] of Object.entries(given)) {
    const entry = registry.knobOfFlag(name) ?? registry.findKnob(name);
    if (entry === undefined) mistakes.push(`there is no knob ${name}`);
    else if ('derived' in entry) fromDerived(entry, input);
    else fromKnob(entry, input);
  }
  return { values, mistakes };

  function fromKnob(entry: KnobEntry, input: unknown): void {
    const { knob } = entry;
    if (knob.flag === undefined) {
      mistakes.push(`${knob.key} can only be read`);
      return;
    }
    const parsed = parseInput(entry.knob, input);
    if ('mistake' in parsed) mistakes.push(`${label(entry)}: ${parsed.mistake}`);
    else put(knob.key, parsed, label(entry));
  }

  function fromDerived({ derived }: DerivedEntry, input: unknown): void {
    const parsed = parseInput({ type: derived.type }, input);
    if ('mistake' in parsed) mistakes.push(`${derived.flag}: ${parsed.mistake}`);
    else if (!('value' in parsed)) mistakes.push(`${derived.flag}: a relative change is not possible here`);
    else {
      const stands = derived.encode(parsed.value, machine.facts);
      if (typeof stands === 'string') mistakes.push(`${derived.flag}: ${stands}`);
      else
        for (const [key, value] of Object.entries(stands))
          put(key, { value, from: `${derived.flag} ${formatValue(derived.type, parsed.value)}` }, derived.flag);
    }
  }

  function parseInput(knob: Pick<KnobEntry['knob'], 'type' | 'means'>, input: unknown): Parsed {
    return isText(input)
      ? parseValue(knob.type, knob.means, input, machine.resolveKey)
      : valueFromJson(knob.type, knob.means, input, machine.resolveKey);
  }
}

/** `create` sets some knobs beside others that are given: Docker's swap beside -m. */
export function withCreateDefaults(
  registry: Registry,
  values: ReadonlyMap<string, Requested>,
): ReadonlyMap<string, Requested> {
  const all = new Map(values);
  for (const { knob } of registry.allKnobs()) {
    const { onCreate } = knob;
    if (onCreate === undefined || all.has(knob.key) || !values.has(onCreate.with)) continue;
    all.set(knob.key, isMultiple(onCreate.value) ? { multiple: onCreate.value } : { value: onCreate.value });
  }
  return all;
}

/** What conversions ask of the machine. */
export function machineOf(host: Host): { resolveKey: ResolveKey; facts: Facts } {
  return {
    resolveKey: (kind, text) => (kind === 'device' ? host.devices.resolve(text).map((d) => d.majMin) : [text]),
    facts: {
      get onlineCpus() {
        return host.topology().onlineCpus.length;
      },
      cpusOfNode: (node) => host.topology().nodes.find((n) => n.node === node)?.cpus,
    },
  };
}

const isText = (input: unknown): input is string | readonly string[] =>
  typeof input === 'string' || (Array.isArray(input) && input.every((item) => typeof item === 'string'));
