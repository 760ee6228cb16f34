/**
 * The one way in which other rooms get at the declarations: finders over a list of controllers, each computed when first asked
 * for. A command should not pay for controllers that it does not concern: what finds one thing looks from the first
 * controller on, and those after it are not made.
 */
import type { Action, Controller, Declared, Derived, EventDecl, Figure, Knob, Role, Stat } from './controller.ts';
import { gaugeOf, longName } from './derive.ts';

/** A declared thing with the controller that it belongs to: where its files are follows from both. */
export interface KnobEntry {
  readonly controller: Controller;
  readonly knob: Knob;
}
export interface DerivedEntry {
  readonly controller: Controller;
  readonly derived: Derived;
}
export interface StatEntry {
  readonly controller: Controller;
  readonly stat: Stat;
}
export interface FigureEntry {
  readonly controller: Controller;
  readonly figure: Figure;
}
export interface ActionEntry {
  readonly controller: Controller;
  readonly action: Action;
}
export interface EventEntry {
  readonly controller: Controller;
  readonly event: EventDecl;
}

export interface Registry {
  readonly controllers: readonly Controller[];
  /** The same, for who may not need all of them. */
  eachController(): Iterable<Controller>;
  findController(name: string): Controller | undefined;
  /** Every knob, read-only ones too, in the order of declaration: within a controller it is the order of writing where nothing else decides. */
  allKnobs(): readonly KnobEntry[];
  /** @param key as `memory.max` */
  findKnob(key: string): KnobEntry | undefined;
  /** All knobs of the controllers of these ones, in the order of declaration: what bounds, resets or needs one of them is there. */
  knobsBeside(keys: Iterable<string>): readonly KnobEntry[];
  knobsByRole(role: Role): readonly KnobEntry[];
  allDerived(): readonly DerivedEntry[];
  /** What a flag sets. @param long without dashes: `cpu-shares` */
  knobOfFlag(long: string): KnobEntry | DerivedEntry | undefined;
  /** Declared stats and the gauges that knobs export. */
  allStats(): readonly StatEntry[];
  /** @param name without the `cgroup_` prefix */
  findStat(name: string): StatEntry | undefined;
  statsByRole(role: Role): readonly StatEntry[];
  /** What is made of two stats. */
  allFigures(): readonly FigureEntry[];
  findFigure(name: string): FigureEntry | undefined;
  allActions(): readonly ActionEntry[];
  /** @param key as `memory.reclaim` */
  findAction(key: string): ActionEntry | undefined;
  actionsByRole(role: Role): readonly ActionEntry[];
  allEvents(): readonly EventEntry[];
}

export function registry(declared: readonly Declared[]): Registry {
  const all = once(() => declared.map((make) => make()));
  const knobs = once(() => all().flatMap(knobsOf));
  const derived = once(() => all().flatMap(derivedOf));
  const stats = once(() => all().flatMap(statsOf));
  const figures = once(() =>
    all().flatMap((controller) => controller.figures.map((figure) => ({ controller, figure }))),
  );
  const actions = once(() =>
    all().flatMap((controller) => controller.actions.map((action) => ({ controller, action }))),
  );
  const events = once(() => all().flatMap((controller) => controller.events.map((event) => ({ controller, event }))));

  const byMetric = once(() => new Map(stats().map((entry) => [entry.stat.name, entry])));
  const byFigure = once(() => new Map(figures().map((entry) => [entry.figure.name, entry])));
  const byAction = once(() => new Map(actions().map((entry) => [entry.action.key, entry])));

  function* eachController(): Iterable<Controller> {
    for (const make of declared) yield make();
  }
  const findController = (name: string): Controller | undefined => {
    for (const controller of eachController()) if (controller.name === name) return controller;
    return undefined;
  };

  return {
    get controllers() {
      return all();
    },
    eachController,
    findController,
    allKnobs: knobs,
    findKnob(key) {
      const controller = findController(controllerOf(key));
      return controller && knobsOf(controller).find(({ knob }) => knob.key === key);
    },
    knobsBeside(keys) {
      const names = new Set(Array.from(keys, controllerOf));
      const found: KnobEntry[] = [];
      for (const controller of eachController()) {
        if (names.delete(controller.name)) found.push(...knobsOf(controller));
        if (names.size === 0) break;
      }
      return found;
    },
    knobsByRole: (role) => knobs().filter(({ knob }) => knob.role === role),
    allDerived: derived,
    knobOfFlag(long) {
      for (const controller of eachController()) {
        const entry =
          knobsOf(controller).find(({ knob: { flag } }) => flag !== undefined && longName(flag) === long) ??
          derivedOf(controller).find(({ derived: { flag } }) => longName(flag) === long);
        if (entry !== undefined) return entry;
      }
      return undefined;
    },
    allStats: stats,
    findStat: (name) => byMetric().get(name),
    statsByRole: (role) => stats().filter(({ stat }) => stat.role === role),
    allFigures: figures,
    findFigure: (name) => byFigure().get(name),
    allActions: actions,
    findAction: (key) => byAction().get(key),
    actionsByRole: (role) => actions().filter(({ action }) => action.role === role),
    allEvents: events,
  };
}

/** The controller's name, of a knob's or an action's key: `memory` of `memory.max`. */
export const controllerOf = (key: string): string => key.slice(0, key.indexOf('.'));

/** An entry stays the same object: others keep things by it. */
const knobsOf = perController((controller): KnobEntry[] => controller.knobs.map((knob) => ({ controller, knob })));
const derivedOf = perController((controller): DerivedEntry[] =>
  controller.derived.map((derived) => ({ controller, derived })),
);

function statsOf(controller: Controller): StatEntry[] {
  const gauges = controller.knobs.flatMap((knob) => gaugeOf(knob) ?? []);
  return [...controller.stats, ...gauges].map((stat) => ({ controller, stat }));
}

function perController<T>(compute: (controller: Controller) => T): (controller: Controller) => T {
  const kept = new WeakMap<Controller, T>();
  return (controller) => {
    const value = kept.get(controller) ?? compute(controller);
    kept.set(controller, value);
    return value;
  };
}

/** A value that is computed at the first call. */
function once<T>(compute: () => T): () => T {
  let value: { readonly of: T } | undefined;
  return () => {
    value ??= { of: compute() };
    return value.of;
  };
}
