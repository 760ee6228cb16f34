/** The service's configuration: flags over CGCTL_ variables over one YAML file over defaults; every mistake with its place. */
import { readFileSync } from 'node:fs';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { CgError, errnoOf } from '../errors.ts';
import { type SettingSpec, type Settings, schema, settings } from './settings.ts';

/** The settings in force, with the tokens out of their files. */
export type Config = Omit<Settings, 'readTokenFile' | 'writeTokenFile'>;

/** Where settings come from; the file is read again at each {@link loadConfig}. */
export interface Sources {
  /** By flag without dashes, as the command line gave them. */
  readonly flags: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the YAML file. */
  readonly file?: string | undefined;
}

/** One thing that is wrong; line and column (from 1) for what stands in the file. */
export interface Mistake {
  /** The file's path, a flag or a variable. */
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
  readonly setting: string;
  readonly message: string;
}

type Path = readonly PropertyKey[];
type Given = { [name: string]: unknown };
interface Place {
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
}

/** @throws CgError CONFIG that lists every mistake, the same as data in `details.mistakes` */
export function loadConfig(sources: Sources): Config {
  const file = readYaml(sources.file);
  const mistakes: Mistake[] = [];
  const given: Given = structuredClone(file.given);
  const places = new Map<string, Place>();
  for (const spec of settings) {
    const found = fromFlag(spec, sources) ?? fromVariable(spec, sources);
    if (found === undefined) continue;
    const setting = spec.path.join('.');
    places.set(setting, { source: found.source });
    if (found.value === undefined) mistakes.push({ source: found.source, setting, message: found.mistake });
    else put(given, spec.path, found.value);
  }
  const result = schema.safeParse(given);
  const placeOf = (path: Path): Place =>
    [...places].find(([setting]) => isWithin(path.join('.'), setting))?.[1] ?? file.placeOf(path);
  if (!result.success) mistakes.push(...result.error.issues.flatMap((issue) => mistakesOf(issue, placeOf, given)));
  if (!result.success || mistakes.length > 0) throw configError(mistakes);
  return withTokens(result.data);
}

/** What differs between two configurations and needs a restart, by the settings' names. */
export function needingRestart(running: Config, next: Config): readonly string[] {
  return settings
    .filter(({ restart, path }) => restart && JSON.stringify(at(running, path)) !== JSON.stringify(at(next, path)))
    .map(({ path }) => path.join('.'));
}

/** The next configuration as far as it can take effect in a running service. */
export function withoutRestart(running: Config, next: Config): Config {
  const merged: Config = structuredClone(next);
  for (const { restart, path } of settings) if (restart) put(merged, path, at(running, path));
  return merged;
}

function readYaml(file: string | undefined): { given: Given; placeOf(path: Path): Place } {
  if (file === undefined) return { given: {}, placeOf: () => ({ source: 'defaults' }) };
  const lines = new LineCounter();
  const document = parseDocument(readText(file, 'configuration'), { lineCounter: lines, prettyErrors: false });
  const place = (offset: number | undefined): Place => {
    if (offset === undefined) return { source: file };
    const { line, col } = lines.linePos(offset);
    return { source: file, line, column: col };
  };
  const syntax = document.errors.map(({ pos, message }) => ({ ...place(pos[0]), setting: '', message }));
  if (syntax.length > 0) throw configError(syntax);
  const content: unknown = document.toJS() ?? {};
  if (!isObject(content)) {
    throw configError([{ ...place(0), setting: '', message: 'the file must hold settings as NAME: VALUE lines' }]);
  }
  return { given: content, placeOf: (path) => place(offsetOf(document, path)) };
}

/** Where a setting's name stands in the file (list items: the item), or the nearest thing around it. */
function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const name = path.at(-1);
  if (isMap(parent)) {
    const key = parent.items.find((pair) => isScalar(pair.key) && pair.key.value === name)?.key;
    if (isScalar(key)) return key.range?.[0];
  }
  const node = document.getIn(path, true);
  if (isScalar(node) || isMap(node)) return node.range?.[0];
  return path.length > 0 ? offsetOf(document, path.slice(0, -1)) : undefined;
}

function mistakesOf(issue: z.core.$ZodIssue, placeOf: (path: Path) => Place, given: Given): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { ...placeOf(path), setting: path.join('.'), message: `there is no such setting${suggestion(path)}` };
    });
  }
  const absent = at(given, issue.path.map(String)) === undefined;
  const message = absent && issue.code === 'invalid_type' ? 'is missing' : issue.message;
  return [{ ...placeOf(issue.path), setting: issue.path.join('.'), message }];
}

/** A setting whose letters are those of the unknown one, differently cased, dashed or nested. */
function suggestion(path: Path): string {
  const letters = (words: Path) =>
    words
      .join('')
      .replaceAll(/[^a-z]/gi, '')
      .toLowerCase();
  const meant = settings.find(
    (spec) => letters(spec.path) === letters(path) || letters(spec.path.slice(-1)) === letters(path),
  );
  return meant === undefined ? '' : `; ${meant.path.join('.')} is meant?`;
}

interface Found {
  readonly source: string;
  readonly value: unknown;
  readonly mistake: string;
}

function fromFlag(spec: SettingSpec, { flags }: Sources): Found | undefined {
  const value = flags[spec.flag];
  if (value === undefined) return undefined;
  return { source: `--${spec.flag}`, ...convert(spec, value) };
}

function fromVariable(spec: SettingSpec, { env }: Sources): Found | undefined {
  const text = env[spec.variable];
  if (text === undefined || text === '') return undefined;
  return { source: spec.variable, ...convert(spec, spec.kind === 'list' ? text.split(',') : text) };
}

/** Text to what the schema expects; undefined with the reason where it is nothing of the kind. */
function convert(spec: SettingSpec, value: string | boolean | readonly string[]): Omit<Found, 'source'> {
  const mistake = spec.kind === 'bool' ? 'must be true or false' : 'must be a number';
  switch (spec.kind) {
    case 'list':
      return { value: typeof value === 'object' ? value : [value], mistake };
    case 'bool':
      return {
        value:
          typeof value === 'boolean'
            ? value
            : ({ true: true, 1: true, false: false, 0: false } as const)[String(value)],
        mistake,
      };
    case 'number':
      return { value: /^\d+(\.\d+)?$/.test(String(value)) ? Number(value) : undefined, mistake };
    case 'text':
      return { value, mistake };
  }
}

function withTokens({ readTokenFile, writeTokenFile, ...rest }: Settings): Config {
  const readToken = rest.readToken ?? tokenIn(readTokenFile, 'readTokenFile');
  const writeToken = rest.writeToken ?? tokenIn(writeTokenFile, 'writeTokenFile');
  if (readToken !== undefined && readToken === writeToken) {
    throw configError([{ source: 'tokens', setting: 'writeToken', message: 'must not be the same as the read token' }]);
  }
  return { ...rest, readToken, writeToken };
}

function tokenIn(file: string | undefined, setting: 'readTokenFile' | 'writeTokenFile'): string | undefined {
  if (file === undefined) return undefined;
  const checked = schema.shape.readToken.safeParse(readText(file, setting).trim());
  if (!checked.success) {
    throw configError([
      { source: file, setting, message: checked.error.issues.map(({ message }) => message).join('; ') },
    ]);
  }
  return checked.data;
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw configError([{ source: file, setting: what, message: `cannot be read: ${errnoOf(error) ?? String(error)}` }]);
  }
}

function configError(mistakes: readonly Mistake[]): CgError {
  const text = mistakes.map(({ source, line, column, setting, message }) => {
    // A flag or a variable is the setting's name already.
    if (line === undefined) return `${source}: ${message}`;
    return [`${source}:${line}:${column}`, setting, message].filter((word) => word !== '').join(': ');
  });
  return new CgError('CONFIG', text.join('\n'), { mistakes });
}

function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a setting is the other one or lies inside it (`tls` holds `tls.cert`, `listen` holds `listen.0`). */
function isWithin(path: string, setting: string): boolean {
  return path === setting || path.startsWith(`${setting}.`);
}

function at(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, name) => (node instanceof Object ? Reflect.get(node, name) : undefined), tree);
}

function put(tree: Given, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = tree[name];
  const next = isObject(inner) ? inner : {};
  tree[name] = next;
  put(next, rest, value);
}
