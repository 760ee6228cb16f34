/** What is wrong with a text before it is sent, by the declaration that the service made its own checks from. */
import type { KnobInfo, Machine, Schema, TypeInfo } from './facts.ts';

const SIZE = /^(\d+(?:\.\d+)?)(?:b|([kmgtpe])(?:i?b)?)?$/;
const LIST = /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/;
const CHANGE = /^[+-]\d+(?:\.\d+)?(?:%|[kmgtpe]?(?:i?b)?)$/i;

/** @returns the mistake, for people; undefined where the service has the last word */
export function mistakeIn(text: string, { type, means }: KnobInfo, machine: Machine): string | undefined {
  const given = text.trim();
  if (means.includes(given)) return undefined;
  switch (type.kind) {
    case 'int':
    case 'decimal':
    case 'bytes':
      return numberMistake(given, type);
    case 'enum':
      return type.schema.enum?.includes(given) ? undefined : `one of ${type.about}`;
    case 'bool':
      return ['true', 'false'].includes(given) ? undefined : type.about;
    case 'list':
      return listMistake(given, type, machine);
    case 'map':
      return given.split(/\s+/).every((entry) => /^.+:[^:]+$/.test(entry)) && given !== ''
        ? undefined
        : `${type.about}; several with blanks between them`;
    case 'text':
      return matches(given, type.schema) ? undefined : type.about;
    default:
      return given === '' ? type.about : undefined;
  }
}

/** A text as the API takes it: keyed values one by one. */
export function payloadOf(text: string, { kind }: TypeInfo): string | readonly string[] {
  const given = text.trim();
  return kind === 'map' || kind === 'rules' ? given.split(kind === 'map' ? /\s+/ : /\s*\n\s*/) : given;
}

function numberMistake(text: string, { kind, about, schema }: TypeInfo): string | undefined {
  const bounds = schema.anyOf?.[0] ?? schema;
  const unlimited = schema.anyOf !== undefined;
  if (unlimited && ['max', '-1'].includes(text)) return undefined;
  const signed = (bounds.minimum ?? 0) < 0;
  // Against the present value, which the service knows.
  if (!signed && CHANGE.test(text)) return undefined;
  const value = kind === 'bytes' ? sizeOf(text) : /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const whole = bounds.type !== 'integer' || Number.isInteger(value);
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = bounds;
  return whole && value >= minimum && value <= maximum ? undefined : about;
}

function sizeOf(text: string): number {
  const [, number, suffix = ''] = SIZE.exec(text.toLowerCase()) ?? [];
  return number === undefined ? Number.NaN : Math.round(Number(number) * 1024 ** ' kmgtpe'.indexOf(suffix || ' '));
}

function listMistake(text: string, { about, of }: TypeInfo, { onlineCpus, nodes }: Machine): string | undefined {
  if (!LIST.test(text)) return about;
  const known = of === 'node' ? nodes.map(({ node }) => node) : onlineCpus;
  const highest = Math.max(...known);
  const named = text.split(/[-,]/).map(Number);
  return named.every((number) => number <= highest) ? undefined : `${about}; the highest here is ${highest}`;
}

function matches(text: string, { pattern }: Schema): boolean {
  return pattern === undefined || new RegExp(pattern, 'u').test(text);
}
