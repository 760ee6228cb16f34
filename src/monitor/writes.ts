/** What it was that somebody wrote to a group's knobs: the file's text before and after, as far as that is known. */
import type { Knob, Slot } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { decodeDefault, formatValue } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import { candidates } from '../hierarchy/locate.ts';
import type { Host } from '../hierarchy/types.ts';
import type { Native } from '../native.ts';
import { printable } from '../parse/printable.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import type { By } from './listener.ts';
import type { Group, Place } from './tree.ts';

/** Longer texts are cut: what is kept is a value, not a table. */
const MOST_TEXT = 256;
const KEY = '{key}';
/** Few lists of texts are ever needed, but whoever writes values can make many. */
const MOST_LISTS = 10_000;
/** A writer of that name is ours, as this process is. */
const OWN_COMMAND = 'cgctl';

interface Written {
  readonly knob: Knob;
  readonly slot: Slot;
  /** A limit: its value is known before somebody writes it. */
  readonly limit: boolean;
}

/** What a group's files held, by the file's number; undefined or a hole where that is not known. */
type Texts = readonly (string | undefined)[];

type Draft = Omit<CgroupEvent, 'seq' | 'time'>;

export class Writes {
  readonly #host: Host;
  /** By hierarchy, by file name or template. */
  readonly #files: readonly Map<string, Written>[];
  readonly #texts = new Map<Group, Texts>();
  /** Of each file of a hierarchy. */
  readonly #numbers = new Map<string, number>();
  /** Most groups have the same texts: they share a list. */
  readonly #lists = new Map<string, Texts>();
  readonly #native: Native | undefined;

  constructor(host: Host, registry: Registry, addon?: Native) {
    this.#host = host;
    this.#native = addon;
    this.#files = host.layout.hierarchies.map(() => new Map<string, Written>());
    for (const { controller, knob } of registry.allKnobs()) {
      for (const { slot, hierarchies } of candidates(host.layout, controller, knob)) {
        const limit = 'unlimited' in knob.type && knob.type.unlimited === true && !slot.file.includes(KEY);
        for (const h of hierarchies) {
          const files = this.#files[host.layout.hierarchies.indexOf(h)];
          // Several knobs may share a file: a limit speaks for it.
          if (files !== undefined && (limit || !files.has(slot.file))) files.set(slot.file, { knob, slot, limit });
        }
      }
    }
  }

  /** The files, by name; `{key}` stands for anything. */
  get names(): readonly string[] {
    return [...new Set(this.#files.flatMap((files) => [...files.keys()]))];
  }

  /** Reads a group's limits, so that it can be said what they were. */
  learn(group: Group): void {
    const texts = this.#textsOf(group);
    for (const [index, files] of this.#files.entries()) {
      if (group.directories[index] === undefined) continue;
      const place = { hierarchy: index, id: group.id };
      const limits = [...files].filter(([, { limit }]) => limit).map(([file]) => file);
      const found = this.#readAll(place, limits);
      for (const [at, file] of limits.entries()) texts[this.#numberOf(place, file)] = found[at];
    }
    this.#remember(group, texts);
  }

  forget(group: Group): void {
    this.#texts.delete(group);
  }

  /** @returns the event, or undefined where nothing is different or it is no knob */
  changed(place: Place, group: Group, file: string, { pid, command }: By): Draft | undefined {
    const written = this.#find(place.hierarchy, file);
    if (written === undefined) return undefined;
    const texts = this.#textsOf(group);
    const number = this.#numberOf(place, file);
    const before = texts[number];
    const [after] = this.#readAll(place, [file]);
    texts[number] = after;
    this.#remember(group, texts);
    if (before !== undefined && before === after) return undefined;
    const own = pid === process.pid || command === OWN_COMMAND;
    const [was, is] = [before, after].map((text) => text && shown(written, text));
    const arrow = is === undefined ? 'written' : was === undefined ? `→ ${is}` : `${was} → ${is}`;
    const who = own
      ? ' by cgctl'
      : pid === undefined
        ? ''
        : ` by pid ${pid}${command === undefined ? '' : ` (${command})`}`;
    return {
      kind: 'limit_changed',
      cgroup: group.id,
      generation: group.generation,
      text: `${file} ${arrow}${who}`,
      details: {
        knob: written.knob.key,
        file,
        ...(was !== undefined && { before: was }),
        ...(is !== undefined && { after: is }),
        ...(pid !== undefined && { pid }),
        ...(command !== undefined && { command }),
        ...(own && { own }),
      },
    };
  }

  /** What files hold now; undefined where they cannot be read. */
  #readAll({ hierarchy, id }: Place, files: readonly string[]): readonly (string | undefined)[] {
    const h = this.#host.layout.hierarchies[hierarchy];
    if (h === undefined || files.length === 0) return [];
    // Of the limits of thousands of groups nothing should stay in the kernel's caches.
    if (this.#native !== undefined) return this.#native.readTexts(this.#host.reader.path(h, id), files, MOST_TEXT);
    return files.map((file) => {
      try {
        return this.#host.reader.tryRead(h, id, file)?.slice(0, MOST_TEXT);
      } catch (error) {
        if (error instanceof CgError) return undefined;
        throw error;
      }
    });
  }

  /** To be changed, and {@link #remember}ed. */
  #textsOf(group: Group): (string | undefined)[] {
    return [...(this.#texts.get(group) ?? [])];
  }

  #remember(group: Group, texts: Texts): void {
    const key = JSON.stringify(texts);
    const list = this.#lists.get(key) ?? texts;
    if (this.#lists.size >= MOST_LISTS) this.#lists.clear();
    this.#lists.set(key, list);
    this.#texts.set(group, list);
  }

  #numberOf({ hierarchy }: Place, file: string): number {
    const name = `${hierarchy}/${file}`;
    const number = this.#numbers.get(name) ?? this.#numbers.size;
    this.#numbers.set(name, number);
    return number;
  }

  #find(hierarchy: number, file: string): Written | undefined {
    const files = this.#files[hierarchy];
    const exact = files?.get(file);
    if (exact !== undefined || files === undefined) return exact;
    return [...files].find(([name]) => {
      const [before = '', after] = name.split(KEY);
      return (
        after !== undefined &&
        file.startsWith(before) &&
        file.endsWith(after) &&
        file.length > before.length + after.length
      );
    })?.[1];
  }
}

/** A limit as people write it; other texts as they are, on one line. */
function shown({ knob: { type }, slot, limit }: Written, text: string): string {
  const raw = printable(text.trim().replaceAll('\n', '; '));
  if (!limit || (slot.shape ?? { kind: 'scalar' }).kind !== 'scalar') return raw;
  try {
    const body = text.trim();
    return body === slot.unlimited ? 'max' : formatValue(type, decodeDefault(type, body));
  } catch (error) {
    if (error instanceof CgError) return raw;
    throw error;
  }
}
