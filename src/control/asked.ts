/** What was asked for, kept on the group: shares cannot be read back out of a weight, nor `+10%` out of a limit. */
import type { Value } from '../controllers/controller.ts';
import type { KnobEntry, Registry } from '../controllers/registry.ts';
import { valueFromJson, valueToJson } from '../controllers/types.ts';
import { homeOf } from '../hierarchy/cgroupfs.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';

/** A knob's value as it is kept. */
export const keep = (value: Value): string => JSON.stringify(valueToJson(value));

/** The values that were asked for, by knob key. What is kept was written by somebody: it is parsed like any input, and what does not fit is left out. */
export function askedOf(host: Host, registry: Registry, id: CgroupId): ReadonlyMap<string, Value> {
  const home = homeOf(host.reader.places(id));
  const kept = home === undefined ? undefined : host.memory.recall(home, id);
  const asked = new Map<string, Value>();
  for (const [key, text] of Object.entries(kept ?? {})) {
    const entry = registry.findKnob(key);
    const value = entry && restore(entry, text);
    if (value !== undefined) asked.set(key, value);
  }
  return asked;
}

function restore({ knob }: KnobEntry, text: string): Value | undefined {
  try {
    const parsed = valueFromJson(knob.type, undefined, JSON.parse(text), (_, key) => [key]);
    return 'value' in parsed ? parsed.value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Adds to what is kept. Keys of maps add up; one that was taken out is forgotten. False where nothing can be kept. */
export function remember(
  host: Host,
  registry: Registry,
  id: CgroupId,
  values: Readonly<Record<string, string>>,
): boolean {
  const home = homeOf(host.reader.places(id));
  if (home === undefined || host.writer === undefined) return false;
  const before = askedOf(host, registry, id);
  const all: Record<string, string> = {};
  for (const [key, value] of before) all[key] = keep(value);
  for (const [key, text] of Object.entries(values)) {
    const entry = registry.findKnob(key);
    const old = before.get(key);
    const added = entry && restore(entry, text);
    const merged =
      old instanceof Map && added instanceof Map
        ? new Map([...old, ...added].filter(([, v]) => v !== Number.POSITIVE_INFINITY))
        : added;
    if (merged !== undefined) all[key] = keep(merged);
  }
  return host.writer.remember(home, id, all);
}
