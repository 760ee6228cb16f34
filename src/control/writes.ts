/** From settled values to single writes: one a file, one a key, words of one tuple together; each with its undo. */
import type { Value } from '../controllers/controller.ts';
import { decodeDefault, encodeDefault, formatValue } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import type { Hierarchy } from '../hierarchy/types.ts';
import type { PlanStep } from '../protocol/plan.ts';
import { label } from './label.ts';
import { compose, fileFor, ONLY, removal, tokens } from './shape.ts';
import type { Intent } from './values.ts';
import type { View } from './view.ts';

/** A step and the intents behind it, for the ordering. */
export interface Write {
  readonly step: PlanStep;
  readonly intents: readonly Intent[];
}

/** The writes that bring the intents about, unordered. What the kernel has already is left out. Throws VALUE where a conversion refuses. */
export function writesOf(view: View, intents: readonly Intent[]): Write[] {
  const writes: Write[] = [];
  const tuples = new Map<string, { hierarchy: Hierarchy; intents: Intent[] }>();
  for (const intent of intents) {
    for (const hierarchy of intent.place.hierarchies) {
      if (intent.place.slot.shape?.kind === 'tuple') {
        const key = `${hierarchy.key}\0${intent.id}\0${intent.place.slot.file}`;
        const tuple = tuples.get(key) ?? { hierarchy, intents: [] };
        tuples.set(key, { hierarchy, intents: [...tuple.intents, intent] });
      } else {
        writes.push(...plainWrites(view, intent, hierarchy));
      }
    }
  }
  for (const { hierarchy, intents: words } of tuples.values()) writes.push(...tupleWrite(view, words, hierarchy));
  return writes;
}

function plainWrites(view: View, intent: Intent, hierarchy: Hierarchy): Write[] {
  const { slot, predicted } = intent.place;
  const entries = keysAndTokens(intent);
  const append = slot.shape?.kind === 'append';
  return entries.flatMap(([key, token]) => {
    const file = fileFor(slot, key);
    const raw = predicted || append ? undefined : view.text(hierarchy, intent.id, file);
    const was = raw === undefined ? undefined : tokens(slot, raw).get(slot.shape?.kind === 'files' ? ONLY : key);
    if (!append && was !== undefined && (was === token || holdsAlready(intent, key, was))) return [];
    if (raw !== undefined && was === undefined && token === removal(slot)) return []; // nothing to take out
    const text = compose(slot, key, token, raw);
    const back = slot.undo === 'none' || append || raw === undefined ? undefined : (was ?? removal(slot));
    const undo =
      back === undefined
        ? undefined
        : [{ file, text: compose(slot, key, back, raw) }, ...clobberedUndo(view, intent, hierarchy)];
    return [{ intents: [intent], step: step(view, intent, hierarchy, file, text, was, undo, why(intent, key)) }];
  });
}

/** Whether the kernel's text stands for the value, however it is written: v1 reads back 9223372036854771712 for -1. */
function holdsAlready({ entry, place, value }: Intent, key: string, was: string): boolean {
  if (place.slot.encode !== undefined) return false;
  const { type } = entry.knob;
  const one = type.kind === 'map' ? type.value : type;
  const item = value instanceof Map ? value.get(key) : value;
  return item !== undefined && formatValue(one, decodeDefault(one, was)) === formatValue(one, item);
}

function tupleWrite(view: View, words: readonly Intent[], hierarchy: Hierarchy): Write[] {
  const [first] = words;
  if (first === undefined) return [];
  const { id, place } = first;
  const raw = place.predicted ? undefined : view.text(hierarchy, id, place.slot.file);
  let text = raw?.trim();
  for (const intent of words)
    for (const [key, token] of keysAndTokens(intent)) text = compose(intent.place.slot, key, token, text);
  if (text === undefined || text === raw?.trim()) return [];
  const undo = raw === undefined ? undefined : [{ file: place.slot.file, text: raw.trim() }];
  return [
    {
      intents: words,
      step: step(
        view,
        first,
        hierarchy,
        place.slot.file,
        text,
        raw?.trim(),
        undo,
        [...new Set(words.map((w) => why(w, ONLY)))].join(', '),
      ),
    },
  ];
}

/** What is to be written for an intent: `[key, token]`, the key {@link ONLY} for single values. */
function keysAndTokens({ entry, need, place, value }: Intent): [string, string][] {
  const { slot } = place;
  const { type } = entry.knob;
  const unlimited = slot.unlimited ?? (place.dialect === 'v1' ? '-1' : 'max');
  const one = (v: Value, of = type): string => {
    if (v === Number.POSITIVE_INFINITY && removal(slot) !== undefined) return removal(slot) ?? unlimited;
    return slot.encode ? slot.encode(v, need) : encodeDefault(of, v, unlimited);
  };
  if (type.kind === 'map') {
    if (!(value instanceof Map)) throw new CgError('INTERNAL', `${entry.knob.key} wants a map`);
    return [...value].map(([key, v]): [string, string] => [key, one(v, type.value)]);
  }
  if (type.kind === 'rules') {
    if (!Array.isArray(value)) throw new CgError('INTERNAL', `${entry.knob.key} wants a list of rules`);
    return value.map((rule): [string, string] => [ONLY, String(rule)]);
  }
  return [[ONLY, one(value)]];
}

/** Writing a knob back resets what it clobbers: that is put back after it, with the text that is there now. */
function clobberedUndo(
  view: View,
  { id, entry, place }: Intent,
  hierarchy: Hierarchy,
): { file: string; text: string }[] {
  const files = new Set<string>();
  for (const key of place.slot.clobbers ?? []) {
    const other = view.registry.findKnob(key);
    const otherPlace = other && view.place(id, other);
    if (otherPlace === undefined || 'absent' in otherPlace) continue;
    const { refusedWhile } = otherPlace.slot;
    // While the group is idle, say, the weight cannot be written, nor was it in force.
    if (refusedWhile?.knob === entry.knob.key && view.value(id, refusedWhile.knob) === refusedWhile.is) continue;
    files.add(otherPlace.slot.file);
  }
  return [...files].flatMap((file) => {
    const text = view.text(hierarchy, id, file);
    return text === undefined ? [] : [{ file, text: text.trim() }];
  });
}

function why({ entry, because, value }: Intent, key: string): string {
  if (because !== undefined) return because;
  const { type } = entry.knob;
  const item = value instanceof Map ? value.get(key) : undefined;
  const shown =
    type.kind === 'map' && item !== undefined ? `${key} ${formatValue(type.value, item)}` : formatValue(type, value);
  return `${label(entry)} ${shown}`;
}

function step(
  view: View,
  { id, entry, place }: Intent,
  hierarchy: Hierarchy,
  file: string,
  text: string,
  was: string | undefined,
  undo: PlanStep['undo'],
  reason: string,
): PlanStep {
  const lasting = place.slot.undo === 'none' || place.slot.shape?.kind === 'append';
  return {
    kind: 'write',
    cgroup: id,
    hierarchy: hierarchy.key,
    file,
    path: view.host.reader.path(hierarchy, id, file),
    text,
    knob: entry.knob.key,
    why: place.slot.conversion ? `${reason} (${place.slot.conversion})` : reason,
    ...(was === undefined ? {} : { was }),
    ...(undo === undefined ? {} : { undo }),
    ...(lasting ? { irreversible: true } : {}),
  };
}
