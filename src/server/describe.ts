/** The declarations as the API shows them: knobs with JSON schemas, stats, actions and events; whatever is declared appears. */
import type { Controller, Dialect, Knob, ValueType } from '../controllers/controller.ts';
import { alternatives } from '../controllers/controller.ts';
import { flagName } from '../controllers/derive.ts';
import type { Registry } from '../controllers/registry.ts';
import { describeType } from '../controllers/types.ts';
import { chartsOf } from '../monitor/charts.ts';

export function describeRegistry(registry: Registry) {
  return {
    controllers: registry.controllers.map((controller) => describeController(registry, controller)),
    charts: chartsOf(registry),
  };
}

function describeController(registry: Registry, controller: Controller) {
  const { name, summary, doc, v1, v2, unsupported, knobs, derived, actions, events } = controller;
  const own = registry.allStats().filter((entry) => entry.controller === controller);
  return {
    name,
    summary,
    doc,
    v1,
    v2,
    unsupported,
    knobs: knobs.map(describeKnob),
    derived: derived.map(({ flag, type, help, sets }) => ({ ...flagOf(flag), help, type: typeOf(type), sets })),
    stats: own.map(({ stat }) => ({
      metric: stat.name,
      kind: stat.kind,
      unit: stat.unit,
      help: stat.help,
      label: stat.label,
      role: stat.role,
      column: stat.column,
      ...filesOf(stat),
    })),
    actions: actions.map(({ key, help, destructive = false, role, v1, v2 }) => ({
      key,
      role,
      help,
      destructive,
      ...filesOf({ v1, v2 }),
    })),
    events: events.map((event) => ({ name: event.name, help: event.help, ...filesOf(event) })),
  };
}

function describeKnob(knob: Knob) {
  const { key, flag, help, type, scope = 'any', unsupported, role, means = [] } = knob;
  return {
    key,
    ...(flag !== undefined && flagOf(flag)),
    help,
    scope,
    role,
    type: typeOf(type),
    /** Texts that stand for something else than they say, outside of the range too. */
    means: means.map(([given]) => given),
    unsupported,
    ...filesOf(knob),
  };
}

function flagOf(flag: string) {
  const { long, short } = flagName(flag);
  return { flag: `--${long}`, ...(short !== undefined && { short: `-${short}` }) };
}

type Placed = { readonly [dialect in Dialect]?: { file: string } | readonly { file: string }[] | undefined };

/** In each dialect, the files that are probed. */
function filesOf(item: Placed) {
  const names = (dialect: Dialect) => [
    ...new Set(alternatives<{ file: string }>(item[dialect]).map(({ file }) => file)),
  ];
  return { files: { v1: names('v1'), v2: names('v2') } };
}

/** The kind of value, for people and as a JSON schema of what the API answers; every text that the flag takes is accepted too. */
function typeOf(type: ValueType) {
  return {
    kind: type.kind,
    unit: 'unit' in type ? type.unit : undefined,
    about: describeType(type),
    of: type.kind === 'list' ? type.of : undefined,
    schema: schemaOf(type),
  };
}

type Schema = { readonly [word: string]: unknown };

function schemaOf(type: ValueType): Schema {
  switch (type.kind) {
    case 'int':
    case 'bytes':
      return orMax(type.unlimited, { type: 'integer', ...bounds(type.min, type.max) });
    case 'decimal':
      return orMax(type.unlimited, { type: 'number', ...bounds(type.min, type.max) });
    case 'bool':
      return { type: 'boolean' };
    case 'enum':
      return { enum: type.values };
    case 'list':
      return { type: 'array', items: { type: 'integer', minimum: 0 } };
    case 'text':
      return { type: 'string', pattern: type.pattern.source };
    case 'rules':
      return { type: 'array', items: { type: 'string', pattern: type.pattern.source } };
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(type.value) };
    case 'record': {
      const fields = Object.entries(type.fields).map(([name, field]) => [name, schemaOf(field)]);
      return { type: 'object', properties: Object.fromEntries(fields), additionalProperties: false };
    }
  }
}

function bounds(minimum = 0, maximum = Number.POSITIVE_INFINITY): Schema {
  return { minimum, ...(maximum !== Number.POSITIVE_INFINITY && { maximum }) };
}

function orMax(unlimited: boolean | undefined, schema: Schema): Schema {
  return unlimited ? { anyOf: [schema, { const: 'max' }] } : schema;
}
