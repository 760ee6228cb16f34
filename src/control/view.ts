/** The groups as they are when a plan is made: every file is read once, so that the plan is consistent with itself. */
import { alternatives, type Slot, type Source, type Value } from '../controllers/controller.ts';
import type { KnobEntry, Registry, StatEntry } from '../controllers/registry.ts';
import { decodeDefault } from '../controllers/types.ts';
import { candidates, keysOf, pick } from '../hierarchy/locate.ts';
import type { CgroupId, Hierarchy, Host } from '../hierarchy/types.ts';
import { parseLimit } from '../parse/number.ts';
import { fileFor, ONLY, tokens } from './shape.ts';

/** Where a knob's value is, for one group. `predicted`: the file is not there yet, but the plan brings it. */
export interface Place {
  readonly slot: Slot;
  readonly dialect: 'v1' | 'v2';
  readonly hierarchies: readonly Hierarchy[];
  readonly predicted: boolean;
}

export interface Missing {
  readonly absent: string;
}

export class View {
  readonly #texts = new Map<string, string | undefined>();
  readonly #places = new Map<string, Place | Missing>();

  constructor(
    readonly host: Host,
    readonly registry: Registry,
    /** Whether the structure plan brings this hierarchy's files to this group. */
    private readonly coming: (id: CgroupId, hierarchy: Hierarchy, owner: string) => boolean = () => false,
  ) {}

  /** A control file's text, or undefined where it is not there or cannot be read. */
  text(hierarchy: Hierarchy, id: CgroupId, file: string): string | undefined {
    const key = `${hierarchy.key}\0${id}\0${file}`;
    if (!this.#texts.has(key)) this.#texts.set(key, this.host.reader.tryRead(hierarchy, id, file));
    return this.#texts.get(key);
  }

  place(id: CgroupId, entry: KnobEntry): Place | Missing {
    const key = `${id}\0${entry.knob.key}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#find(id, entry);
      this.#places.set(key, place);
    }
    return place;
  }

  #find(id: CgroupId, { controller, knob }: KnobEntry): Place | Missing {
    const found = pick<Slot>(this.host.reader, id, controller, knob);
    if (!('absent' in found)) return { ...found, predicted: false };
    if (found.code === 'no-file' || found.code === 'unsupported') return { absent: found.absent };
    for (const candidate of candidates<Slot>(this.host.layout, controller, knob)) {
      const hierarchies = candidate.hierarchies.filter((h) => this.coming(id, h, candidate.owner));
      if (hierarchies.length > 0)
        return { slot: candidate.slot, dialect: candidate.dialect, hierarchies, predicted: true };
    }
    return { absent: found.absent };
  }

  /** The texts that the kernel holds for a knob, by key ({@link ONLY} where there is one), from the first hierarchy that has it. */
  raw(id: CgroupId, { slot, hierarchies }: Place): ReadonlyMap<string, string> | undefined {
    const [hierarchy] = hierarchies;
    if (hierarchy === undefined) return undefined;
    if (slot.shape?.kind !== 'files') {
      const text = this.text(hierarchy, id, slot.file);
      return text === undefined ? undefined : tokens(slot, text);
    }
    const found = new Map<string, string>();
    for (const key of keysOf(this.host.reader.files(hierarchy, id), slot.file)) {
      const text = this.text(hierarchy, id, fileFor(slot, key));
      if (text !== undefined) found.set(key, text.trim());
    }
    return found;
  }

  /** A knob's present value; undefined where it is absent or unreadable. */
  value(id: CgroupId, key: string): Value | undefined {
    const entry = this.registry.findKnob(key);
    if (entry === undefined) return undefined;
    const place = this.place(id, entry);
    if ('absent' in place || place.predicted) return undefined;
    const raw = this.raw(id, place);
    return raw && decodeKnob(entry, place.slot, raw, (other) => this.value(id, other));
  }

  /** The present figure of a stat whose file is one number; undefined where it is absent. */
  figure(id: CgroupId, { controller, stat }: StatEntry): number | undefined {
    const found = pick<Source>(this.host.reader, id, controller, stat);
    const [hierarchy] = 'absent' in found ? [] : found.hierarchies;
    if ('absent' in found || hierarchy === undefined) return undefined;
    const text = this.text(hierarchy, id, found.slot.file);
    return text === undefined ? undefined : parseLimit(text);
  }
}

/** The value that a slot's texts stand for. */
export function decodeKnob(
  { knob }: KnobEntry,
  slot: Slot,
  raw: ReadonlyMap<string, string>,
  need: (key: string) => Value | undefined,
): Value | undefined {
  const decode = (text: string): Value | undefined => {
    if (slot.decode) return slot.decode(text, need);
    return decodeDefault(knob.type.kind === 'map' ? knob.type.value : knob.type, text);
  };
  if (knob.type.kind !== 'map') {
    const text = raw.get(ONLY);
    return text === undefined ? undefined : decode(text);
  }
  const values = new Map<string, Value>();
  for (const [key, text] of raw) {
    const value = decode(text);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

/** Every slot of a knob, both dialects. */
export const slotsOf = ({ knob }: KnobEntry): readonly Slot[] => [...alternatives(knob.v1), ...alternatives(knob.v2)];
