/** Knob flags: made from the declarations, and taken out of the arguments again. */
import type { Controller, ValueType } from '../controllers/controller.ts';
import { longName } from '../controllers/derive.ts';
import type { Registry } from '../controllers/registry.ts';
import { describeType, isRepeatable } from '../controllers/types.ts';
import type { Arguments, OptionSpec, OptionValue } from './verb.ts';

/** A flag for each knob that can be set and for each derived one, under its controller's heading, with range and unit. */
export function* knobOptions(registry: Registry): Iterable<OptionSpec> {
  for (const controller of registry.eachController())
    for (const { flag, type, help } of [...controller.knobs, ...controller.derived])
      if (flag !== undefined) yield new KnobOption(controller, flag, type, help);
}

/** There are many of them, of which one or two are given: what only the help reads is made when it does. */
class KnobOption implements OptionSpec {
  readonly flags: string;
  readonly #controller: Controller;
  readonly #type: ValueType;
  readonly #help: string;

  constructor(controller: Controller, flag: string, type: ValueType, help: string) {
    this.flags = `${flag} ${placeholder(type)}`;
    this.#controller = controller;
    this.#type = type;
    this.#help = help;
  }

  get help(): string {
    return `${this.#help} [${describeType(this.#type)}]`;
  }

  get repeat(): boolean {
    return isRepeatable(this.#type);
  }

  get group(): string {
    return `${this.#controller.name}: ${this.#controller.summary}`;
  }
}

/** What was given for knobs, by long flag name. */
export function givenKnobs(registry: Registry, { options }: Arguments): Readonly<Record<string, OptionValue>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => registry.knobOfFlag(name) !== undefined));
}

/** `--cpu-shares`, or the key of a knob that has no flag. */
export function flagOrKey({ flag, key }: { flag?: string; key: string }): string {
  return flag === undefined ? key : `--${longName(flag)}`;
}

/** A switch may be given without a value, so its value stands in brackets. */
function placeholder(type: ValueType): string {
  switch (type.kind) {
    case 'int':
    case 'decimal':
      return '<n>';
    case 'bytes':
      return type.unit === 'bytes/s' ? '<rate>' : '<size>';
    case 'bool':
      return '[bool]';
    case 'enum':
      return '<word>';
    case 'list':
      return '<list>';
    case 'text':
      return '<text>';
    case 'rules':
      return '<rule>';
    case 'map':
      return `<${type.key}:value>`;
    case 'record':
      return '<field=value,…>';
  }
}
