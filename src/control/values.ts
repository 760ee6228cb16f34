/** From what was asked for to what each knob will hold: relative values resolved, ranges and the kernel's invariants checked. */
import type { Need, Value } from '../controllers/controller.ts';
import type { KnobEntry } from '../controllers/registry.ts';
import { applyMultiple, applyRelative, formatValue, warningsOf } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import type { Note } from '../protocol/plan.ts';
import { label } from './label.ts';
import type { Requested } from './spec.ts';
import { type Place, slotsOf, type View } from './view.ts';

/** One knob of one group, settled: what it will hold and where. */
export interface Intent {
  readonly id: CgroupId;
  readonly entry: KnobEntry;
  readonly place: Place;
  readonly value: Value;
  readonly old: Value | undefined;
  /** Other knobs of the group as this change leaves them. */
  readonly need: Need;
  /** For people: why it is written, where that is not its own flag. */
  readonly because?: string;
}

export interface Settled {
  readonly intents: readonly Intent[];
  readonly notes: readonly Note[];
  readonly mistakes: readonly string[];
  /** Those of the mistakes that say that this host, or this group, lacks a knob. */
  readonly absences: readonly string[];
}

/** Settles one group's requests. `given` is what was remembered as asked for (xattr), by knob. */
export function settle(
  view: View,
  id: CgroupId,
  requests: ReadonlyMap<string, Requested>,
  remembered: (knob: string) => Value | undefined,
): Settled {
  const notes: Note[] = [];
  const mistakes: string[] = [];
  const absences: string[] = [];
  const finals = new Map<string, Value | undefined>();
  const extra = new Map<string, string>();
  const beside = view.registry.knobsBeside(requests.keys());

  const present = (key: string): Value | undefined => view.value(id, key);
  const final = (key: string): Value | undefined => {
    if (!finals.has(key)) {
      finals.set(key, undefined); // a ring of needs ends here
      const request = requests.get(key);
      finals.set(key, request === undefined ? present(key) : resolve(key, request));
    }
    return finals.get(key);
  };
  const resolve = (key: string, request: Requested): Value | undefined => {
    if ('value' in request) return request.value;
    if ('multiple' in request) return applyMultiple(request.multiple, final);
    const entry = view.registry.findKnob(key);
    if (entry === undefined) return undefined;
    const changed = applyRelative(entry.knob.type, remembered(key) ?? present(key), request.relative);
    if ('value' in changed) return changed.value;
    mistakes.push(`${label(entry)}: ${changed.mistake}`);
    return undefined;
  };

  for (const key of requests.keys()) final(key);
  dragAlong();
  followNeeds();
  keepClobbered();

  const intents: Intent[] = [];
  for (const entry of beside) {
    const { key } = entry.knob;
    if (!requests.has(key) && !extra.has(key)) continue;
    const value = finals.get(key);
    const place = view.place(id, entry);
    if ('absent' in place) {
      absences.push(`${label(entry)}: ${place.absent}`);
      continue;
    }
    if (value === undefined) continue;
    const because = extra.get(key) ?? requests.get(key)?.from;
    intents.push({
      id,
      entry,
      place,
      value,
      old: present(key),
      need: final,
      ...(because === undefined ? {} : { because }),
    });
  }
  for (const intent of intents) checkIntent(intent);
  return { intents, notes, mistakes: [...absences, ...mistakes], absences };

  /** A knob that must not be below another one is raised with it when that one becomes unlimited. */
  function dragAlong(): void {
    for (const entry of beside) {
      // Most have no such bound: looking for their files would be most of a plan's work.
      if (requests.has(entry.knob.key) || slotsOf(entry).every((slot) => slot.notBelow === undefined)) continue;
      const place = view.place(id, entry);
      if ('absent' in place || place.slot.notBelow === undefined) continue;
      const below = finals.get(place.slot.notBelow);
      const own = present(entry.knob.key);
      if (
        below === Number.POSITIVE_INFINITY &&
        requests.has(place.slot.notBelow) &&
        typeof own === 'number' &&
        own < below
      ) {
        finals.set(entry.knob.key, below);
        extra.set(entry.knob.key, `the kernel keeps it at or above ${place.slot.notBelow}, which becomes unlimited`);
      }
    }
  }

  /** What rests on a knob that changes (v2's swap.max on memory.max) is written anew, so that what was asked for stays true. */
  function followNeeds(): void {
    for (const entry of beside) {
      const { key } = entry.knob;
      if (requests.has(key) || extra.has(key) || slotsOf(entry).every(({ needs = [] }) => needs.length === 0)) continue;
      const place = view.place(id, entry);
      if ('absent' in place || place.slot.encode === undefined) continue;
      const moved = place.slot.needs?.find((other) => requests.has(other));
      const asked = moved === undefined ? undefined : remembered(key);
      if (asked === undefined) continue;
      finals.set(key, asked);
      extra.set(key, `it rests on ${moved}: what was asked for stays true`);
    }
  }

  /** What a write makes the kernel reset is written again, as far as the new state allows it. */
  function keepClobbered(): void {
    for (const key of [...requests.keys()]) {
      const entry = view.registry.findKnob(key);
      const place = entry && view.place(id, entry);
      if (place === undefined || 'absent' in place || finals.get(key) === present(key)) continue;
      const written = new Set<string>();
      for (const clobbered of place.slot.clobbers ?? []) {
        const other = view.registry.findKnob(clobbered);
        const otherPlace = other && view.place(id, other);
        const asked = remembered(clobbered);
        if (otherPlace === undefined || 'absent' in otherPlace || requests.has(clobbered) || asked === undefined)
          continue;
        const { refusedWhile } = otherPlace.slot;
        if (refusedWhile && final(refusedWhile.knob) === refusedWhile.is) continue;
        if (written.has(otherPlace.slot.file)) continue;
        written.add(otherPlace.slot.file);
        finals.set(clobbered, asked);
        extra.set(clobbered, `writing ${key} makes the kernel reset it; this is what was asked for`);
      }
    }
  }

  function checkIntent({ entry, place, value, old }: Intent): void {
    const { knob } = entry;
    const { slot } = place;
    const show = (v: Value | undefined): string => (v === undefined ? 'absent' : formatValue(knob.type, v));
    const refused = slot.refusedWhile;
    if (refused && final(refused.knob) === refused.is)
      mistakes.push(
        `${label(entry)}: the kernel refuses it while ${refused.knob} is ${showOther(refused.knob, refused.is)}`,
      );
    checkPair(slot.notBelow, 'below', entry, value);
    checkPair(slot.notAbove, 'above', entry, value);
    // The pair holds from the other side too: lowering memory under a memsw that stays is fine, raising it above is not.
    for (const other of beside) {
      if (requests.has(other.knob.key) || extra.has(other.knob.key)) continue;
      if (!slotsOf(other).some((s) => s.notBelow === knob.key || s.notAbove === knob.key)) continue;
      const otherPlace = view.place(id, other);
      const staying = 'absent' in otherPlace ? undefined : present(other.knob.key);
      if ('absent' in otherPlace || typeof staying !== 'number' || typeof value !== 'number') continue;
      if (otherPlace.slot.notBelow === knob.key && staying < value)
        mistakes.push(
          `${label(entry)} ${show(value)} is above ${label(other)}, which is ${formatValue(other.knob.type, staying)}: give both`,
        );
      if (otherPlace.slot.notAbove === knob.key && staying > value)
        mistakes.push(
          `${label(entry)} ${show(value)} is below ${label(other)}, which is ${formatValue(other.knob.type, staying)}: give both`,
        );
    }
    if (knob.usage !== undefined && typeof value === 'number' && (typeof old !== 'number' || value < old))
      guardUsage(entry, value);
    for (const text of warningsOf(knob.type, value))
      notes.push({ level: 'warning', cgroup: id, text: `${label(entry)} ${show(value)}: ${text}` });
  }

  function checkPair(otherKey: string | undefined, side: 'below' | 'above', entry: KnobEntry, value: Value): void {
    if (otherKey === undefined || typeof value !== 'number') return;
    const other = final(otherKey);
    if (typeof other !== 'number') return;
    // "Above" binds only where the other is a limit at all.
    const wrong = side === 'below' ? value < other : Number.isFinite(other) && value > other;
    if (wrong)
      mistakes.push(
        `${label(entry)} ${formatValue(entry.knob.type, value)} is ${side} ${labelOf(otherKey)}, which ${requests.has(otherKey) ? 'will be' : 'is'} ${showOther(otherKey, other)}`,
      );
  }

  function labelOf(key: string): string {
    const entry = view.registry.findKnob(key);
    return entry ? label(entry) : key;
  }

  function showOther(key: string, value: Value): string {
    const entry = view.registry.findKnob(key);
    return entry ? formatValue(entry.knob.type, value) : String(value);
  }

  function guardUsage(entry: KnobEntry, value: number): void {
    const usage = entry.knob.usage === undefined ? undefined : usageOf(view, id, entry.knob.usage);
    if (usage === undefined || value >= usage) return;
    notes.push({
      level: 'refusal',
      cgroup: id,
      text: `${label(entry)} ${formatValue(entry.knob.type, value)} is below the present usage of ${usage} bytes (${formatValue(entry.knob.type, usage)}): the kernel would reclaim, and kill where it cannot`,
    });
  }
}

/** A scalar stat's present figure, for the guard against lowering a limit below usage. */
function usageOf(view: View, id: CgroupId, stat: string): number | undefined {
  const found = view.registry.findStat(stat);
  if (found === undefined) throw new CgError('INTERNAL', `no stat ${stat} is declared`);
  return view.figure(id, found);
}
