/** What this host's kernel offers of what is declared, as far as the groups that are there tell. */
import type { Controller } from '../controllers/controller.ts';
import { type Candidate, candidates, type Item, type Located, pick } from '../hierarchy/locate.ts';
import { walk } from '../hierarchy/tree.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';

/** `unsure`: no group shows whether the kernel has it; the reason says why. */
export type Offer<T extends Located> =
  | { readonly place: Candidate<T>; readonly seen: CgroupId }
  | { readonly lacks: string }
  | { readonly unsure: string; readonly place: Candidate<T> };

const DEPTH = 2;
const GROUPS = 50;

/** The groups that are looked at: the highest ones, which have the most. */
export function sample(host: Host): readonly CgroupId[] {
  return Array.from(walk(host.reader, { maxDepth: DEPTH, maxGroups: GROUPS }), ({ id }) => id);
}

/** Where a declared thing is on this host, or why it is nowhere. @param groups of {@link sample} */
export function offerOf<T extends Located>(
  host: Host,
  groups: readonly CgroupId[],
  controller: Controller,
  item: Item<T>,
): Offer<T> {
  let unsure = 'there is no group to look at';
  for (const id of groups) {
    const found = pick(host.reader, id, controller, item);
    if (!('absent' in found)) return { place: found, seen: id };
    // In the wrong group, or one that the controller is not enabled for, a missing file tells nothing.
    if (found.code !== 'not-here' && found.code !== 'not-enabled') return { lacks: found.absent };
    unsure = found.absent;
  }
  const [place] = candidates(host.layout, controller, item);
  return place === undefined ? { lacks: unsure } : { unsure, place };
}
