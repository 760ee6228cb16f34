/** How a slot's value sits in its file's text: out of it, and into the text of a write. */
import type { Slot } from '../controllers/controller.ts';
import { parseKeyed, parseNested } from '../parse/nested.ts';

/** The key under which a file with one value stands in {@link tokens}. */
export const ONLY = '';

/** The texts that a slot holds in its file, by key; {@link ONLY} for single values. A removed key is not there. */
export function tokens(slot: Slot, raw: string): ReadonlyMap<string, string> {
  const shape = slot.shape ?? { kind: 'scalar' };
  switch (shape.kind) {
    case 'scalar':
    case 'files':
      return new Map([[ONLY, raw.trim()]]);
    case 'tuple': {
      const word = raw.trim().split(/\s+/)[shape.at];
      return word === undefined || word === '' ? new Map() : new Map([[ONLY, word]]);
    }
    case 'line': {
      const text = parseKeyed(raw).get(shape.name);
      return text === undefined ? new Map() : new Map([[ONLY, text]]);
    }
    case 'keyed': {
      const { field, remove, skip = [] } = shape;
      const found = new Map<string, string>();
      if (field === undefined) {
        for (const [key, text] of parseKeyed(raw)) if (!skip.includes(key)) found.set(key, text);
        return found;
      }
      for (const [key, fields] of parseNested(raw)) {
        const text = fields.get(field);
        if (text !== undefined && text !== remove) found.set(key, text);
      }
      return found;
    }
    case 'append':
      return new Map();
  }
}

/** The text that one write puts into the file; `raw` is what it holds now (a tuple's other words are repeated). */
export function compose(slot: Slot, key: string, token: string, raw: string | undefined): string {
  const shape = slot.shape ?? { kind: 'scalar' };
  switch (shape.kind) {
    case 'scalar':
    case 'files':
    case 'append':
      return token;
    case 'tuple': {
      const words = raw?.trim().split(/\s+/) ?? [];
      return Array.from({ length: shape.width }, (_, i) => (i === shape.at ? token : (words[i] ?? '…'))).join(' ');
    }
    case 'line':
      return shape.bare ? token : `${shape.name} ${token}`;
    case 'keyed':
      return shape.field === undefined ? `${key} ${token}` : `${key} ${shape.field}=${token}`;
  }
}

/** The file's name for a key: `hugetlb.{key}.max` has one file a page size. */
export const fileFor = (slot: Slot, key: string): string => slot.file.replace('{key}', key);

/** What takes a key out again, where something does. */
export const removal = (slot: Slot): string | undefined =>
  slot.shape?.kind === 'keyed' ? slot.shape.remove : undefined;
