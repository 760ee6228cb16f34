/** Where the declared events are to be heard on this host. */
import type { EventCounter, EventDecl, EventSource } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { candidates } from '../hierarchy/locate.ts';
import type { Hierarchy, Host, Layout } from '../hierarchy/types.ts';
import type { Target } from './listener.ts';

/** A file that tells of events: the same for all groups of one hierarchy. */
export interface EventPlace {
  readonly hierarchy: number;
  readonly file: string;
  /** How to listen to it; undefined where it never notifies. */
  readonly target: Target | undefined;
  readonly told: { readonly event: EventDecl; readonly source: EventSource }[];
  /** The flat keys that are compared. */
  readonly keys: Set<string>;
  /** The stats that the files read beside it hold, in their order. */
  readonly beside: readonly string[];
  /** The kernel's log says so when it happens first. */
  readonly logged: string | undefined;
}

/** The kernel signals an OOM before it kills: when to look again, in ms. The group may be gone soon, or slow to be. */
const LATER_LOOKS = [0.3, 1, 2, 4, 10, 40, 160, 640, 2500];

/** Of each declared event, where it may be found: the first that a group has is used. */
export function placesOf(host: Host, registry: Registry): readonly (readonly EventPlace[])[] {
  const { layout } = host;
  const places = new Map<string, EventPlace>();
  return registry.allEvents().map(({ controller, event }) =>
    candidates(layout, controller, event)
      .filter(({ slot }) => slot.levels === undefined)
      .flatMap(({ slot: source, hierarchies }) =>
        hierarchies.map((h) => {
          const id = `${h.key}/${source.file}`;
          const place = places.get(id) ?? placeOf(layout, registry, h, source);
          places.set(id, place);
          place.told.push({ event, source });
          for (const key of [
            ...source.counters.map(({ key }) => key),
            ...(source.state === undefined ? [] : [source.state]),
          ])
            place.keys.add(key);
          return place;
        }),
      ),
  );
}

function placeOf(layout: Layout, registry: Registry, h: Hierarchy, source: EventSource): EventPlace {
  const { file, mechanism, logged } = source;
  const hierarchy = layout.hierarchies.indexOf(h);
  const beside = (source.beside ?? []).flatMap((name) => {
    const entry = registry.findStat(name);
    const slot =
      entry &&
      candidates(layout, entry.controller, entry.stat).find(({ hierarchies }) => hierarchies.includes(h))?.slot;
    return slot === undefined ? [] : [{ name, file: slot.file }];
  });
  const files = beside.map((each) => each.file);
  const target: Target | undefined =
    mechanism === 'poll'
      ? undefined
      : { hierarchy, file, mechanism, beside: files, looks: mechanism === 'eventfd' ? LATER_LOOKS : [] };
  return { hierarchy, file, target, told: [], keys: new Set(), beside: beside.map(({ name }) => name), logged };
}

/** The counters of a place. */
export function countersOf(place: EventPlace): readonly EventCounter[] {
  return place.told.flatMap(({ source }) => source.counters);
}
