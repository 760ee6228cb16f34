/** What the types cannot hold a declaration to; the tests run it over every controller. */

import type {
  Cadvisor,
  Column,
  Controller,
  Declared,
  EventDecl,
  Figure,
  Format,
  Knob,
  Slot,
  Source,
  Stat,
  Unit,
} from './controller.ts';
import { alternatives } from './controller.ts';
import { cadvisorOf, flagName } from './derive.ts';
import type { Registry } from './registry.ts';
import { controllerOf, registry } from './registry.ts';
import { isMultiple } from './types.ts';

/** What is wrong with a list of controllers, taken together. */
export function check(declared: readonly Declared[]): string[] {
  const all = registry(declared);
  const knobs = all.allKnobs().map(({ knob }) => knob);
  const stats = all.allStats().map(({ stat }) => stat);
  const figures = all.allFigures().map(({ figure }) => figure);
  const flags = [...knobs.flatMap(({ flag }) => flag ?? []), ...all.allDerived().map(({ derived }) => derived.flag)];
  return [
    ...twice(
      'controller',
      all.controllers.map(({ name }) => name),
    ),
    ...twice('key', [...knobs.map(({ key }) => key), ...all.allActions().map(({ action }) => action.key)]),
    ...twice(
      'flag',
      flags.map((flag) => flagName(flag).long),
    ),
    ...twice(
      'short flag',
      flags.flatMap((flag) => flagName(flag).short ?? []),
    ),
    ...twice(
      'metric',
      [...stats, ...figures].map(({ name }) => name),
    ),
    ...twice(
      'role of a stat',
      stats.flatMap(({ role }) => role ?? []),
    ),
    ...twice(
      'event',
      all.allEvents().map(({ event }) => event.name),
    ),
    ...flags.filter((flag) => !/^(?:-[a-z], )?--[a-z][a-z\d-]+$/.test(flag)).map((flag) => `${flag}: not a flag`),
    ...all
      .allKnobs()
      .flatMap(({ controller, knob }) => [...places(knob.key, controller, knob), ...knobMistakes(all, knob)]),
    ...all
      .allDerived()
      .flatMap(({ derived }) =>
        derived.sets.filter((key) => !all.findKnob(key)).map((key) => `${derived.flag}: no knob ${key}`),
      ),
    ...all
      .allStats()
      .flatMap(({ controller, stat }) => [...places(stat.name, controller, stat), ...statMistakes(all, stat)]),
    ...figures.flatMap((figure) => figureMistakes(all, figure)),
    ...all.allActions().flatMap(({ controller, action }) => places(action.key, controller, action)),
    ...all.allEvents().flatMap(({ controller, event }) => places(event.name, controller, event)),
  ];
}

function twice(what: string, names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map(
    (name) => `${what} ${name}: declared twice`,
  );
}

type Place = { file: string; in?: string };
type Placed = { v1?: Place | readonly Place[]; v2?: Place | readonly Place[] };

/** Every declared thing has a file somewhere, and every file an owner. */
function places(name: string, controller: Controller, item: Placed): string[] {
  const all = (['v1', 'v2'] as const).flatMap((dialect) =>
    alternatives(item[dialect]).map((place) => ({ dialect, place })),
  );
  return [
    ...(all.length === 0 ? [`${name}: in neither dialect`] : []),
    ...all
      .filter(({ dialect, place }) => (place.in ?? controller[dialect]) === undefined)
      .map(({ dialect, place }) => `${name}: ${place.file} has no owner, since ${controller.name} has no ${dialect}`),
    ...all
      .filter(({ place }) => !/^[\w.{}]+$/.test(place.file))
      .map(({ place }) => `${name}: ${place.file} is no control file`),
  ];
}

function knobMistakes(all: Registry, knob: Knob): string[] {
  const slots = [...alternatives(knob.v1), ...alternatives(knob.v2)];
  const meanings = [...(knob.means ?? []).map(([, value]) => value), ...(knob.onCreate ? [knob.onCreate.value] : [])];
  const named = [
    ...slots.flatMap(referred),
    ...meanings.flatMap((value) => (isMultiple(value) ? [value.of] : [])),
    ...(knob.onCreate ? [knob.onCreate.with] : []),
  ];
  return [
    ...named.filter((key) => !all.findKnob(key)).map((key) => `${knob.key}: no knob ${key}`),
    // A plan looks for what knobs have to do with one another within their controller.
    ...slots
      .flatMap(referred)
      .filter((key) => controllerOf(key) !== controllerOf(knob.key))
      .map((key) => `${knob.key}: ${key} is another controller’s`),
    ...(knob.usage && !all.findStat(knob.usage) ? [`${knob.key}: no stat ${knob.usage}`] : []),
    ...(knob.metric && !all.findStat(knob.metric.name) ? [`${knob.key}: no slot can export ${knob.metric.name}`] : []),
    ...slots.flatMap((slot) => slotMistakes(knob, slot)).map((mistake) => `${knob.key}: ${mistake}`),
  ];
}

const referred = (slot: Slot): string[] =>
  [slot.needs, slot.clobbers, slot.notBelow, slot.notAbove, slot.eitherOrder, slot.refusedWhile?.knob].flatMap(
    (key) => key ?? [],
  );

function slotMistakes({ type }: Knob, { file, shape, encode, decode }: Slot): string[] {
  const kind = shape?.kind ?? 'scalar';
  const many = kind === 'keyed' || kind === 'files';
  return [
    ...((type.kind === 'map') === many ? [] : [`a ${type.kind} does not go into a file of shape ${kind}`]),
    ...(kind === 'append' && type.kind !== 'rules' ? [`a ${type.kind} cannot be appended to ${file}`] : []),
    ...((encode === undefined) === (decode === undefined) ? [] : [`${file} converts in one direction only`]),
    ...keyMistakes(file, kind === 'files'),
  ];
}

const keyMistakes = (file: string, wanted: boolean): string[] =>
  file.includes('{key}') === wanted ? [] : [`${file} ${wanted ? 'needs' : 'has no use for'} {key}`];

const SUFFIX: Readonly<Record<Unit, RegExp | undefined>> = {
  seconds: /_seconds$/,
  bytes: /_bytes$/,
  ratio: /_ratio$/,
  count: undefined,
};
const LABELLED: readonly Format['at'][] = ['keyed', 'nested', 'ops', 'percpu', 'numa', 'files'];

function statMistakes(all: Registry, stat: Stat): string[] {
  const sources: readonly Source[] = [...alternatives(stat.v1), ...alternatives(stat.v2)];
  const base = stat.name.replace(/_total$/, '');
  const suffix = SUFFIX[stat.unit];
  const fits = suffix ? suffix.test(base) : Object.values(SUFFIX).every((other) => !other?.test(base));
  return [
    ...(/^[a-z][a-z\d_]*$/.test(stat.name) ? [] : ['not a metric name']),
    ...((stat.kind === 'counter') === stat.name.endsWith('_total')
      ? []
      : ['"_total" is how counters end, and no other']),
    ...(fits ? [] : [`the name does not say the unit, ${stat.unit}`]),
    ...columnMistakes(all, stat.limit, stat.column),
    ...[stat.chart?.per, stat.chart?.less]
      .filter((other) => other !== undefined && !all.findStat(other))
      .map((other) => `no stat ${other}`),
    ...cadvisorOf(stat).flatMap((word) => cadvisorMistakes(all, stat, word)),
    ...sources.flatMap(({ file, format }) => [
      ...(LABELLED.includes(format.at) === (stat.label !== undefined)
        ? []
        : [`${file} and the label do not go together`]),
      ...keyMistakes(file, format.at === 'files'),
    ]),
  ].map((mistake) => `${stat.name}: ${mistake}`);
}

function figureMistakes(all: Registry, { name, of, less, per, limit, column }: Figure): string[] {
  const named = [of, less, per].filter((part) => part !== undefined);
  const kinds = new Set(named.map((part) => all.findStat(part)?.stat.kind));
  return [
    ...(named.length === 2 ? [] : ['either less or per']),
    ...named.filter((part) => !all.findStat(part)).map((part) => `no stat ${part}`),
    ...(kinds.size === 1 ? [] : ['a counter and a gauge do not go together']),
    ...columnMistakes(all, limit, column),
  ].map((mistake) => `${name}: ${mistake}`);
}

function columnMistakes(
  all: Registry,
  limit: string | undefined,
  { worse, marks = [], event }: Partial<Column> = {},
): string[] {
  const kinds = all.allEvents().flatMap(({ event: { v1, v2 } }) => kindsOf(v1, v2));
  return [
    ...[limit, worse, ...marks.map(({ metric }) => metric)]
      .filter((metric) => metric !== undefined && !all.findStat(metric) && !all.findFigure(metric))
      .map((metric) => `no stat ${metric}`),
    ...(event === undefined || kinds.includes(event) ? [] : [`no event ${event}`]),
  ];
}

const kindsOf = (...sources: readonly EventDecl['v1'][]): readonly string[] =>
  sources.flatMap((source) => alternatives(source).flatMap(({ counters }) => counters.map(({ kind }) => kind)));

/** Labels that every series of cAdvisor's has, or that a keyed stat brings. */
function cadvisorMistakes(all: Registry, stat: Stat, word: Cadvisor): string[] {
  const { name, labels = {}, less, sum = [], unless, numbered, unit } = word;
  const named = [less, unless, ...sum].filter((other) => other !== undefined);
  const taken = ['id', 'image', 'name', stat.label].filter((label) => label !== undefined && label in labels);
  const units = { microseconds: ['seconds'], pages: ['bytes'] };
  return [
    ...(/^container_[a-z\d_]+$/.test(name) ? [] : [`${name} is not one of cAdvisor’s names`]),
    ...named.filter((other) => !all.findStat(other)).map((other) => `${name}: no stat ${other}`),
    ...taken.map((label) => `${name}: the label ${label} is taken`),
    ...(numbered && stat.label !== 'device' ? [`${name}: only devices have numbers`] : []),
    ...(unit && !units[unit].includes(stat.unit) ? [`${name}: ${stat.unit} do not become ${unit}`] : []),
  ];
}
