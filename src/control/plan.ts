/** A change as a plan: first what must be there, then the values, every write in the kernel's order. Reads, writes nothing. */

import type { Registry } from '../controllers/registry.ts';
import { formatValue } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import type { Note, Plan, PlanStep } from '../protocol/plan.ts';
import { askedOf, keep } from './asked.ts';
import { label } from './label.ts';
import { ordered } from './order.ts';
import type { Request } from './spec.ts';
import { planStructure, type Structure } from './structure.ts';
import { type Intent, settle } from './values.ts';
import { View } from './view.ts';
import { writesOf } from './writes.ts';

/** The whole plan, as `--dry-run` shows it. Values of groups that do not exist yet are planned from what the structure brings. */
export function plan(host: Host, registry: Registry, requests: readonly Request[]): Plan {
  const structure = structureOf(host, registry, requests);
  const values = planValues(host, registry, requests, structure);
  return {
    steps: [...structure.steps, ...values.steps],
    notes: [...structure.notes, ...values.notes],
    asked: values.asked,
  };
}

/** Directories and controllers alone. */
export function structureOf(host: Host, registry: Registry, requests: readonly Request[]): Structure {
  for (const { id, create } of requests) {
    if (create !== true && host.reader.places(id).length === 0)
      throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { cgroup: id });
  }
  return planStructure(
    host,
    registry,
    requests.map((request) => ({
      id: request.id,
      create: request.create === true,
      ...(request.controllers === undefined ? {} : { controllers: request.controllers }),
      knobs: [...request.values.keys()].flatMap((key) => registry.findKnob(key) ?? []),
    })),
  );
}

/** The values alone. Throws VALUE with every mistake at once; ABSENT where all of them are knobs that are not to be had here. */
export function planValues(host: Host, registry: Registry, requests: readonly Request[], structure?: Structure): Plan {
  const view = new View(host, registry, structure?.brings);
  const notes: Note[] = [];
  const mistakes: string[] = [];
  let absences = 0;
  const intents: Intent[] = [];
  const asked: Record<string, Record<string, string>> = {};
  const several = requests.length > 1;
  for (const { id, values } of requests) {
    const kept = askedOf(host, registry, id);
    const settled = settle(view, id, values, (key) => (stillHolds(view, id, key, kept) ? kept.get(key) : undefined));
    intents.push(...settled.intents);
    notes.push(...settled.notes);
    absences += settled.absences.length;
    mistakes.push(
      ...settled.mistakes.map((text) => (several ? `${id}: ${text}` : text)),
      ...sharedPlaces(settled.intents),
    );
    asked[id] = Object.fromEntries(settled.intents.map((i) => [i.entry.knob.key, keep(i.value)]));
  }
  const steps = mistakes.length === 0 ? attempt(() => ordered(writesOf(view, intents)), mistakes) : [];
  if (mistakes.length > 0)
    throw new CgError(absences === mistakes.length ? 'ABSENT' : 'VALUE', mistakes.join('\n'), { mistakes });
  return { steps, notes, asked };
}

/** What was asked for counts as the present value only while the kernel still has what it became. */
function stillHolds(view: View, id: CgroupId, key: string, kept: ReadonlyMap<string, unknown>): boolean {
  const entry = view.registry.findKnob(key);
  if (entry === undefined || !kept.has(key)) return false;
  const place = view.place(id, entry);
  if (
    'absent' in place ||
    (place.slot.refusedWhile !== undefined &&
      view.value(id, place.slot.refusedWhile.knob) === place.slot.refusedWhile.is)
  )
    return !('absent' in place);
  const value = kept.get(key);
  const text = view.raw(id, place)?.get('');
  if (text === undefined || (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'string'))
    return false;
  const encoded = place.slot.encode?.(value, (other) => view.value(id, other));
  if (encoded !== undefined) return encoded === text;
  const present = view.value(id, key);
  return present !== undefined && formatValue(entry.knob.type, present) === formatValue(entry.knob.type, value);
}

/** Two knobs that are views of the same place cannot both be asked for. */
function sharedPlaces(intents: readonly Intent[]): string[] {
  const taken = new Map<string, Intent>();
  return intents.flatMap((intent) => {
    const { slot, hierarchies } = intent.place;
    const key = `${hierarchies[0]?.key}\0${slot.file}\0${JSON.stringify(slot.shape ?? null)}`;
    const other = taken.get(key);
    taken.set(key, intent);
    return other === undefined
      ? []
      : [`${label(other.entry)} and ${label(intent.entry)} both write ${slot.file}: give one of them`];
  });
}

function attempt(make: () => PlanStep[], mistakes: string[]): PlanStep[] {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof CgError) || error.code !== 'VALUE') throw error;
    mistakes.push(error.message);
    return [];
  }
}
