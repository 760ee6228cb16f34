/** The kernel's order for the writes of one plan. */
import type { Value } from '../controllers/controller.ts';
import { growth } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import { isWithin } from '../hierarchy/id.ts';
import type { PlanStep } from '../protocol/plan.ts';
import type { Intent } from './values.ts';
import type { Write } from './writes.ts';

/**
 * Orders writes so that every state between two of them is one that the kernel allows: pairs that must not cross (memory and swap,
 * burst and quota), what is reset by another write after it, parents and children by whether they grow, irreversible ones last.
 * Where nothing decides, the order of declaration stays.
 */
export function ordered(writes: readonly Write[]): PlanStep[] {
  const after = new Map<Write, Set<Write>>(writes.map((w) => [w, new Set()]));
  const before = (first: Write, second: Write): void => {
    if (first !== second) after.get(second)?.add(first);
  };
  for (const a of writes) {
    for (const b of writes) {
      if (a === b) continue;
      if (a.step.irreversible !== true && b.step.irreversible === true) before(a, b);
      for (const x of a.intents) for (const y of b.intents) relate(x, y, a, b, before);
    }
  }
  const sorted = topological(writes, after);
  return pairUp(sorted);
}

function relate(x: Intent, y: Intent, a: Write, b: Write, before: (first: Write, second: Write) => void): void {
  const { slot } = x.place;
  if (x.id === y.id) {
    if (slot.clobbers?.includes(y.entry.knob.key)) before(a, b);
    if (y.place.slot.refusedWhile?.knob === x.entry.knob.key) before(a, b);
    // x ≥ y always: y may move first only while it stays at or below the old x.
    if (slot.notBelow === y.entry.knob.key) atMost(y.value, x.old) ? before(b, a) : before(a, b);
    // x ≤ y always: y may move first only while it stays at or above the old x.
    if (slot.notAbove === y.entry.knob.key) atMost(x.old, y.value) ? before(b, a) : before(a, b);
    if (slot.eitherOrder === y.entry.knob.key) before(b, a);
    return;
  }
  if (slot.withinParent && x.entry.knob.key === y.entry.knob.key && isWithin(y.id, x.id)) {
    // x is the ancestor's: it makes room first, or waits until the child has drawn in.
    const type = x.entry.knob.type;
    const grows = x.old === undefined || growth(type, x.old, x.value) === 'grows';
    grows ? before(a, b) : before(b, a);
  }
}

/** a ≤ b, where both are known; an unknown present value is taken to be no limit. */
function atMost(a: Value | undefined, b: Value | undefined): boolean {
  const left = typeof a === 'number' ? a : Number.POSITIVE_INFINITY;
  const right = typeof b === 'number' ? b : Number.POSITIVE_INFINITY;
  return left <= right;
}

function topological(writes: readonly Write[], after: ReadonlyMap<Write, ReadonlySet<Write>>): Write[] {
  const left = new Set(writes);
  const sorted: Write[] = [];
  while (left.size > 0) {
    const next = [...left].find((w) => [...(after.get(w) ?? [])].every((earlier) => !left.has(earlier)));
    if (next === undefined) {
      const files = [...left].map((w) => w.step.path).join(', ');
      throw new CgError(
        'USAGE',
        `no order of these writes is one that the kernel allows; change them one after the other: ${files}`,
      );
    }
    left.delete(next);
    sorted.push(next);
  }
  return sorted;
}

/** Brings together two writes that the kernel checks together, and marks them. */
function pairUp(sorted: readonly Write[]): PlanStep[] {
  const writes = [...sorted];
  const marked = new Set<Write>();
  for (const second of sorted) {
    const partner = sorted.find(
      (w) =>
        w.step.hierarchy === second.step.hierarchy &&
        w.intents.some((x) =>
          second.intents.some((y) => x.id === y.id && y.place.slot.eitherOrder === x.entry.knob.key),
        ),
    );
    if (partner === undefined) continue;
    writes.splice(writes.indexOf(partner), 1);
    writes.splice(writes.indexOf(second), 0, partner);
    marked.add(partner);
  }
  return writes.map((w) => (marked.has(w) ? { ...w.step, pairedWithNext: true } : w.step));
}
