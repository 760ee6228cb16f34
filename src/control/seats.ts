/** Where a thing that a declaration gives a role to can be done to a group: a freezer, a kill file. */
import type { ActionSlot, Slot } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { candidates } from '../hierarchy/locate.ts';
import type { CgroupId, Hierarchy, Host } from '../hierarchy/types.ts';
import type { Members } from './members.ts';

export interface Seat<S> {
  readonly slot: S;
  readonly hierarchy: Hierarchy;
}

/** The freezers of a group, the preferred one first. */
export function freezers({ layout, reader }: Host, registry: Registry, id: CgroupId): Seat<Slot>[] {
  return registry
    .knobsByRole('freeze')
    .flatMap(({ controller, knob }) => candidates(layout, controller, knob))
    .flatMap(({ slot, hierarchies }) => hierarchies.map((hierarchy) => ({ slot, hierarchy })))
    .filter(({ slot, hierarchy }) => reader.hasFile(hierarchy, id, slot.file));
}

/** The files that kill a group. */
export function killers({ layout, reader }: Host, registry: Registry, id: CgroupId): Seat<ActionSlot>[] {
  return registry
    .actionsByRole('kill')
    .flatMap(({ controller, action }) => candidates(layout, controller, action))
    .flatMap(({ slot, hierarchies }) => hierarchies.map((hierarchy) => ({ slot, hierarchy })))
    .filter(({ slot, hierarchy }) => reader.hasFile(hierarchy, id, slot.file));
}

/** The fewest seats, in their order, that hold every process which some seat holds; the first where there is no process. */
export function cover<S>(seats: readonly Seat<S>[], members: Members): Seat<S>[] {
  const covered = new Set<number>();
  const chosen = seats.filter(({ hierarchy }) => {
    const before = covered.size;
    for (const [pid, places] of members) if (places.has(hierarchy)) covered.add(pid);
    return covered.size > before;
  });
  return chosen.length > 0 ? chosen : seats.slice(0, 1);
}

/** The processes that are in the group, but in none of these seats' hierarchies. */
export function outside<S>(seats: readonly Seat<S>[], members: Members): number[] {
  return [...members].filter(([, places]) => !seats.some(({ hierarchy }) => places.has(hierarchy))).map(([pid]) => pid);
}
