/** What a {@link ValueType} means: how people write it and read it, how JSON carries it, and the kernel's text for it. */
import { CgError } from '../errors.ts';
import { formatCpuList, isSubset, parseCpuList } from '../parse/cpulist.ts';
import { unacceptable, unreadable } from '../parse/fail.ts';
import { integer, parseInteger, parseLimit } from '../parse/number.ts';
import { excerpt } from '../parse/printable.ts';
import type { Relative } from '../parse/relative.ts';
import { parseRelative } from '../parse/relative.ts';
import { withoutNewline } from '../parse/scan.ts';
import { formatSizeExact, parseSize } from '../parse/size.ts';
import type { KeyKind, Knob, Multiple, Need, Value, ValueMap, ValueType } from './controller.ts';

type OfKind<K extends ValueType['kind']> = Extract<ValueType, { kind: K }>;
type NumericType = OfKind<'int' | 'bytes' | 'decimal'>;

/** What a person's text came to: a value, a change to the present one, a multiple of another knob's, or what is wrong with it. */
export type Parsed =
  | { readonly value: Value }
  | { readonly relative: Relative }
  | { readonly multiple: Multiple }
  | Mistake;
export interface Mistake {
  readonly mistake: string;
}

/**
 * Turns a key as people write it into the kernel's: a device path into the MAJ:MIN of its whole disk, or of several. Other kinds
 * arrive checked and in the kernel's spelling; returning `[text]` takes them as they are. May throw CgError VALUE.
 */
export type ResolveKey = (kind: KeyKind, text: string) => readonly string[];

/** A value in JSON. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** Whether a flag of this type may be given several times, its values adding up. */
export const isRepeatable = (type: ValueType): boolean => type.kind === 'map' || type.kind === 'rules';

/**
 * Reads what a person gave for a knob.
 * @param means the knob's own meanings (`0` as "no limit"); they come before the range
 * @param given the text, or each occurrence of a repeatable flag. A map's `KEY:VALUE` is split at its last colon, so that keys
 * may have colons (`8:0:30MB`); no type of value has any.
 */
export function parseValue(
  type: ValueType,
  means: Knob['means'],
  given: string | readonly string[],
  resolve: ResolveKey,
): Parsed {
  const texts = typeof given === 'string' ? [given] : given;
  return caught(() => {
    if (type.kind === 'rules') return absolute(texts.map((text) => parseText(type, text)));
    if (type.kind === 'map') {
      const entries = texts.map((text) => split(type, text, text.lastIndexOf(':')));
      return absolute(mapOf(type, means, entries, resolve));
    }
    const [text, second] = texts;
    return text === undefined || second !== undefined
      ? { mistake: 'one value is wanted' }
      : parseOne(type, means, text);
  });
}

/**
 * Reads what JSON gave for a knob: the forms of {@link valueToJson}, and every text that {@link parseValue} takes.
 * @param json hostile
 */
export function valueFromJson(type: ValueType, means: Knob['means'], json: unknown, resolve: ResolveKey): Parsed {
  return caught(() => {
    if (type.kind === 'map' && isObject(json)) return absolute(mapOf(type, means, Object.entries(json), resolve));
    if (type.kind === 'record' && isObject(json)) return absolute(recordOf(type, Object.entries(json)));
    if (isRepeatable(type) && isTexts(json)) return parseValue(type, means, json, resolve);
    const text = textOfJson(type, json);
    return text === undefined ? { mistake: `not ${describeType(type)}` } : parseValue(type, means, text, resolve);
  });
}

/** A value as JSON: no limit is `"max"`, keyed values are objects. */
export function valueToJson(value: Value): Json {
  if (isMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, valueToJson(item)]));
  if (isList(value)) return [...value];
  return value === Number.POSITIVE_INFINITY ? 'max' : value;
}

/** A value in a form that can be given back: `256m`, `max`, `0-3`; for repeatable types, blank-separated: `8:0:30m 8:16:max`. */
export function formatValue(type: ValueType, value: Value): string {
  if (value === Number.POSITIVE_INFINITY) return 'max';
  if (isMap(value)) {
    const entries = [...value];
    if (type.kind === 'map') return entries.map(([key, item]) => `${key}:${formatValue(type.value, item)}`).join(' ');
    if (type.kind === 'record') {
      return entries.map(([name, item]) => `${name}=${formatValue(fieldOf(type, name), item)}`).join(',');
    }
    throw misfit(type);
  }
  if (isList(value)) return type.kind === 'list' ? formatCpuList(numbersOf(type, value)) : value.join(' ');
  return type.kind === 'bytes' && typeof value === 'number' ? formatSizeExact(value) : String(value);
}

/** The range and unit for people: `2..262144 shares`, `bytes (512m, 1.5g; suffixes are 1024-based) or max`. */
export function describeType(type: ValueType): string {
  switch (type.kind) {
    case 'int':
    case 'decimal':
      return orMax(type, range(type.min, type.max, type.unit));
    case 'bytes': {
      const bounds = type.min || type.max ? `, ${range(type.min ?? 0, type.max ?? Number.POSITIVE_INFINITY)}` : '';
      return orMax(type, `${type.unit ?? 'bytes'} (512m, 1.5g; suffixes are 1024-based)${bounds}`);
    }
    case 'bool':
      return 'true or false';
    case 'enum':
      return type.values.join('|');
    case 'list':
      return type.of === 'cpu' ? 'CPU numbers, as 0-3,8' : 'NUMA node numbers, as 0-1';
    case 'text':
    case 'rules':
      return `text such as ${type.example}`;
    case 'map':
      return `${type.key.toUpperCase()}:VALUE such as ${type.example}, the value being ${describeType(type.value)}`;
    case 'record':
      return `FIELD=VALUE,… of ${Object.keys(type.fields).join(', ')}`;
  }
}

/** What is unwise, though the kernel takes it: bounds of others that the value crosses. */
export function warningsOf(type: ValueType, value: Value): string[] {
  if (type.kind === 'map' && isMap(value)) {
    return [...new Set([...value.values()].flatMap((item) => warningsOf(type.value, item)))];
  }
  if (typeof value !== 'number' || (type.kind !== 'int' && type.kind !== 'bytes')) return [];
  const above = type.kind === 'int' ? type.warnAbove : undefined;
  return [
    ...(type.warnBelow && value < type.warnBelow.at ? [type.warnBelow.why] : []),
    ...(above && value > above.at && value !== Number.POSITIVE_INFINITY ? [above.why] : []),
  ];
}

/** The present value, changed. @param present undefined where it is not known */
export function applyRelative(
  type: ValueType,
  present: Value | undefined,
  relative: Relative,
): { readonly value: number } | Mistake {
  if (!isNumeric(type)) return { mistake: 'only a number can be changed by an amount' };
  if (typeof present !== 'number') return { mistake: 'there is no present value to change' };
  if (present === Number.POSITIVE_INFINITY)
    return { mistake: 'there is no limit now to change by an amount: give a value' };
  return caught(() => {
    const change =
      relative.kind === 'percent' ? (present * relative.percent) / 100 : relative.sign * amount(type, relative.text);
    const value = rounded(type, present + change);
    if (inRange(type, value)) return { value };
    return { mistake: `${formatValue(type, present)} would become ${value}, which is not ${describeType(type)}` };
  });
}

/** A multiple of what another knob is, or will be; undefined where that is not known. */
export function applyMultiple({ times, of }: Multiple, need: Need): number | undefined {
  const base = need(of);
  return typeof base === 'number' ? base * times : undefined;
}

/**
 * Which way a value goes, for the order between parents and children. A list grows when it gains a number, even if it loses
 * another; what has no order grows when it differs.
 */
export function growth(type: ValueType, from: Value, to: Value): 'grows' | 'shrinks' | 'same' {
  if (typeof from !== 'object' && typeof to !== 'object') {
    if (from === to) return 'same';
    return typeof from === 'string' || from < to ? 'grows' : 'shrinks';
  }
  if (type.kind !== 'list') return formatValue(type, from) === formatValue(type, to) ? 'same' : 'grows';
  const [before, after] = [numbersOf(type, from), numbersOf(type, to)];
  if (!isSubset(after, before)) return 'grows';
  return isSubset(before, after) ? 'same' : 'shrinks';
}

/**
 * The kernel's text, where a slot has no `encode`: of a map, for one key's value; of rules, for one rule. An empty list is an
 * empty text: the write must then be a bare newline, since one of no bytes does nothing.
 */
export function encodeDefault(type: ValueType, value: Value, unlimited = 'max'): string {
  if (value === Number.POSITIVE_INFINITY) return unlimited;
  switch (typeof value) {
    case 'number':
      // BigInt, because a double above 2^53 prints rounded digits
      return Number.isInteger(value) ? BigInt(value).toString() : String(value);
    case 'boolean':
      return value ? '1' : '0';
    case 'string':
      return value;
    default:
      if (!isMap(value)) return formatCpuList(numbersOf(type, value));
      if (type.kind !== 'record') throw misfit(type);
      return [...value].map(([name, item]) => `${name}=${encodeDefault(fieldOf(type, name), item)}`).join(' ');
  }
}

/** A value out of the kernel's text, where a slot has no `decode`; of a map, out of one key's. @throws CgError PARSE */
export function decodeDefault(type: ValueType, text: string): Value {
  const body = withoutNewline(text);
  switch (type.kind) {
    case 'int':
      return type.signed ? parseInteger(body) : parseLimit(body);
    case 'bytes':
      return parseLimit(body);
    case 'decimal':
      if (body === 'max') return Number.POSITIVE_INFINITY;
      if (!DECIMAL.test(body)) throw unreadable('a number', text);
      return Number(body);
    case 'bool':
      if (body !== '0' && body !== '1') throw unreadable('a switch', text);
      return body === '1';
    case 'enum': // what else the kernel may say is told as it is: `root invalid (…)`
    case 'text':
      return body;
    case 'list':
      return parseCpuList(body, 'PARSE');
    case 'rules':
      return body === '' ? [] : body.split('\n');
    case 'record':
      return new Map(
        body.split(' ').flatMap((token) => {
          const [name = '', item = ''] = token.split('=');
          const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
          return field ? [[name, decodeDefault(field, item)] as const] : [];
        }),
      );
    case 'map':
      return decodeDefault(type.value, body);
  }
}

const DECIMAL = /^\d+(?:\.\d+)?$/;
const TRUE = ['true', '1', 'on', 'yes'];
const FALSE = ['false', '0', 'off', 'no'];

/** One text for one value. @throws CgError VALUE */
function parseOne(type: ValueType, means: Knob['means'], text: string): Exclude<Parsed, Mistake> {
  const meaning = means?.find(([given]) => given === text)?.[1];
  if (meaning !== undefined) return isMultiple(meaning) ? { multiple: meaning } : absolute(meaning);
  switch (type.kind) {
    case 'int':
    case 'bytes':
    case 'decimal': {
      const signed = type.kind === 'int' && type.signed;
      const relative = signed ? undefined : parseRelative(text);
      return relative ? { relative } : absolute(parseNumber(type, text));
    }
    case 'bool': {
      const word = text.toLowerCase();
      if (!TRUE.includes(word) && !FALSE.includes(word)) throw unacceptable(text, describeType(type));
      return absolute(TRUE.includes(word));
    }
    case 'enum': {
      const value = type.values.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
      if (value === undefined) throw unacceptable(text, `one of ${type.values.join(', ')}`);
      return absolute(value);
    }
    case 'list':
      return absolute(parseCpuList(text));
    case 'text':
    case 'rules':
      return absolute(parseText(type, text));
    case 'record':
      return absolute(
        recordOf(
          type,
          text.split(',').map((field) => split(type, field, field.indexOf('='))),
        ),
      );
    case 'map':
      throw misfit(type);
  }
}

function parseNumber(type: NumericType, text: string): number {
  const none = type.unlimited && (text === 'max' || text === '-1');
  const value = none ? Number.POSITIVE_INFINITY : amount(type, text);
  if (!inRange(type, value)) throw unacceptable(text, describeType(type));
  return value;
}

/** The number that a text says, whatever the range. */
function amount(type: NumericType, text: string): number {
  if (type.kind === 'bytes') return parseSize(text);
  const value = type.kind === 'int' ? integer(text) : DECIMAL.test(text) ? rounded(type, Number(text)) : Number.NaN;
  if (Number.isNaN(value)) throw unacceptable(text, describeType(type));
  return value;
}

/** As many decimals as the type has. */
const rounded = (type: NumericType, value: number): number =>
  type.kind === 'decimal' ? Number(value.toFixed(type.decimals ?? 3)) : Math.round(value);

function inRange(type: NumericType, value: number): boolean {
  if (value === Number.POSITIVE_INFINITY) return type.unlimited === true;
  return value >= (type.min ?? 0) && value <= (type.max ?? Number.MAX_VALUE);
}

function parseText(type: OfKind<'text' | 'rules'>, text: string): string {
  if (!type.pattern.test(text)) throw unacceptable(text, describeType(type));
  return text;
}

function mapOf(
  type: OfKind<'map'>,
  means: Knob['means'],
  entries: readonly (readonly [string, unknown])[],
  resolve: ResolveKey,
): ValueMap {
  const map = new Map<string, Value>();
  for (const [given, item] of entries) {
    const value = only(given, valueFromJson(type.value, means, item, resolve));
    for (const key of resolve(type.key, canonicalKey(type.key, given))) {
      const before = map.get(key);
      if (before !== undefined && growth(type.value, before, value) !== 'same') {
        throw new CgError('VALUE', `${excerpt(given)}: ${key} is given twice, with different values`);
      }
      map.set(key, value);
    }
  }
  return map;
}

function recordOf(type: OfKind<'record'>, entries: readonly (readonly [string, unknown])[]): ValueMap {
  const record = new Map<string, Value>();
  for (const [name, item] of entries) {
    if (record.has(name)) throw new CgError('VALUE', `${excerpt(name)} is given twice`);
    record.set(name, only(name, valueFromJson(fieldOf(type, name), undefined, item, asIs)));
  }
  return record;
}

/** The value of one key or field, which cannot be relative to anything. @throws CgError VALUE */
function only(name: string, parsed: Parsed): Value {
  if ('value' in parsed) return parsed.value;
  const wrong = 'mistake' in parsed ? parsed.mistake : 'give a value; one of several cannot be changed by an amount';
  throw new CgError('VALUE', `${excerpt(name)}: ${wrong}`);
}

function fieldOf(type: OfKind<'record'>, name: string): ValueType {
  const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  if (field === undefined) throw unacceptable(name, `one of the fields ${Object.keys(type.fields).join(', ')}`);
  return field;
}

function split(type: ValueType, text: string, at: number): readonly [string, string] {
  if (at <= 0 || at === text.length - 1) throw unacceptable(text, describeType(type));
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A key in the kernel's spelling, as far as that needs no look at the machine. @throws CgError VALUE */
function canonicalKey(kind: KeyKind, text: string): string {
  switch (kind) {
    case 'device':
      return text;
    case 'pagesize':
      return pageSizeName(parseSize(text));
    case 'interface': // net/core/dev.c: dev_valid_name
      if (/^[^\s/:\p{Cc}]{1,15}$/u.test(text) && text !== '.' && text !== '..') return text;
      throw unacceptable(text, 'the name of a network interface');
    case 'resource':
      if (/^[^\s\p{Cc}]{1,255}$/u.test(text)) return text;
      throw unacceptable(text, 'the name of a resource');
  }
}

/** A huge page's size as it stands in file names (mm/hugetlb_cgroup.c: mem_fmt): `64KB`, `2MB`, `1GB`. */
function pageSizeName(bytes: number): string {
  if (bytes >= 2 ** 30) return `${Math.floor(bytes / 2 ** 30)}GB`;
  return bytes >= 2 ** 20 ? `${Math.floor(bytes / 2 ** 20)}MB` : `${Math.floor(bytes / 2 ** 10)}KB`;
}

function range(min: number, max: number, unit?: string): string {
  const of = unit === undefined ? '' : unit === '%' ? unit : ` ${unit}`;
  return max >= Number.MAX_SAFE_INTEGER ? `${min}${of} or more` : `${min}..${max}${of}`;
}

const orMax = (type: NumericType, text: string): string =>
  type.unlimited ? `${text}${text.endsWith(' or more') ? ',' : ''} or max` : text;

/** Runs a reader of human input; what it refuses becomes text. */
function caught<T>(read: () => T): T | Mistake {
  try {
    return read();
  } catch (error) {
    if (error instanceof CgError && error.code === 'VALUE') return { mistake: error.message };
    throw error;
  }
}

/** Text that says the same as a plain JSON value; undefined where the type has no such form. */
function textOfJson(type: ValueType, json: unknown): string | undefined {
  switch (typeof json) {
    case 'string':
      return json;
    case 'boolean':
      return type.kind === 'bool' ? String(json) : undefined;
    case 'number':
      return isNumeric(type) || type.kind === 'list' ? String(json) : undefined;
    default:
      return type.kind === 'list' && isNumbers(json) ? json.join(',') : undefined;
  }
}

const absolute = (value: Value): { readonly value: Value } => ({ value });
const asIs: ResolveKey = (_, text) => [text];

const isNumeric = (type: ValueType): type is NumericType =>
  type.kind === 'int' || type.kind === 'bytes' || type.kind === 'decimal';
const isMap = (value: Value): value is ValueMap => value instanceof Map;
const isList = (value: Value): value is readonly number[] | readonly string[] => Array.isArray(value);
export const isMultiple = (value: Value | Multiple): value is Multiple => typeof value === 'object' && 'times' in value;
const isObject = (json: unknown): json is object => typeof json === 'object' && json !== null && !Array.isArray(json);
const isTexts = (json: unknown): json is string[] =>
  Array.isArray(json) && json.every((item) => typeof item === 'string');
const isNumbers = (json: unknown): json is number[] =>
  Array.isArray(json) && json.every((item) => Number.isSafeInteger(item));

function numbersOf(type: ValueType, value: Value): readonly number[] {
  if (isNumbers(value)) return value;
  throw misfit(type);
}

const misfit = (type: ValueType): CgError => new CgError('INTERNAL', `a value does not fit its type, ${type.kind}`);
