/** The written boards against Grafana's published rules for dashboards (kinds/dashboard/dashboard_kind.cue, and what its importer refuses). */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as z from 'zod';
import { boardJson } from '../../dashboards/src/grafana.ts';
import { boards } from '../../dashboards/src/index.ts';
import { projectRoot } from '../support/files.ts';
import { checkNeeds, metricsIn } from './metrics.ts';

const FOLDER = join(projectRoot, 'dashboards');

const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('$datasource') });
const text = z.string().min(1);
/** Units of Grafana's list (packages/grafana-data/src/valueFormats/categories.ts) that the boards use. */
const unit = z.enum(['none', 'short', 'bytes', 'binBps', 'percentunit', 's', 'cps', 'iops', 'bool_yes_no']);
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: text,
  legendFormat: text,
  editorMode: z.literal('code'),
  instant: z.boolean(),
  range: z.boolean(),
  format: z.enum(['time_series', 'table']),
});
const override = z.strictObject({
  matcher: z.strictObject({ id: z.literal('byName'), options: text }),
  properties: z.array(z.strictObject({ id: text, value: z.unknown() })).min(1),
});
const gridPos = z
  .strictObject({
    x: z.number().int().min(0).max(23),
    y: z.number().int().min(0),
    w: z.number().int().min(1).max(24),
    h: z.number().int().min(1),
  })
  .refine(({ x, w }) => x + w <= 24, 'wider than the grid');
const thresholdsConfig = z.strictObject({
  mode: z.enum(['absolute', 'percentage']),
  steps: z
    .array(z.strictObject({ value: z.number().nullable(), color: text }))
    .min(1)
    .refine(
      ([first, ...rest]) =>
        first?.value === null &&
        rest.every(({ value }, at) => value !== null && value >= (rest[at - 1]?.value ?? value)),
      'the first is null, the others grow',
    ),
});
const panel = z.strictObject({
  id: z.number().int().min(1),
  type: z.enum(['timeseries', 'stat', 'table', 'bargauge']),
  title: text,
  description: text,
  gridPos,
  datasource,
  targets: z
    .array(target)
    .min(1)
    .refine((all) => new Set(all.map(({ refId }) => refId)).size === all.length, 'refIds are unique'),
  fieldConfig: z.strictObject({
    defaults: z.strictObject({
      unit,
      min: z.number().optional(),
      max: z.number().optional(),
      color: z.strictObject({ mode: z.enum(['thresholds', 'palette-classic-by-name']) }),
      custom: z.record(z.string(), z.unknown()).optional(),
      links: z.array(z.strictObject({ title: text, url: z.string().regex(/^\/d\/[\w-]+\?/) })),
      thresholds: thresholdsConfig,
    }),
    overrides: z.array(override),
  }),
  options: z.record(z.string(), z.unknown()),
  transformations: z.array(z.strictObject({ id: z.enum(['merge', 'organize']), options: z.unknown() })).optional(),
});
const rowPanel = z.strictObject({
  id: z.number().int().min(1),
  type: z.literal('row'),
  title: text,
  collapsed: z.literal(false),
  panels: z.tuple([]),
  gridPos,
});
const variableShared = {
  name: z.string().regex(/^\w+$/),
  label: text,
  hide: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  includeAll: z.boolean(),
  multi: z.boolean(),
  skipUrlSync: z.boolean(),
  options: z.tuple([]),
};
const variable = z.discriminatedUnion('type', [
  z.strictObject({
    ...variableShared,
    type: z.literal('datasource'),
    query: z.literal('prometheus'),
    refresh: z.literal(1),
    regex: z.literal(''),
  }),
  z.strictObject({
    ...variableShared,
    type: z.literal('query'),
    datasource,
    definition: text,
    query: z.strictObject({ query: text, refId: text }),
    refresh: z.literal(2),
    regex: z.string(),
    sort: z.number().int().min(0).max(8),
    allValue: text.optional(),
    current: z.strictObject({ text: z.literal('All'), value: z.literal('$__all') }).optional(),
  }),
  z.strictObject({ ...variableShared, type: z.literal('custom'), query: text }),
]);
const board = z.strictObject({
  uid: z.string().regex(/^[\w-]{8,40}$/),
  title: text,
  description: text,
  tags: z.array(text),
  schemaVersion: z.number().int().min(36),
  version: z.number().int(),
  editable: z.boolean(),
  graphTooltip: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  time: z.strictObject({ from: text, to: text }),
  refresh: z.string().regex(/^\d+[smhd]$/),
  timezone: z.enum(['browser', 'utc']),
  links: z.array(
    z.strictObject({
      title: text,
      type: z.enum(['link', 'dashboards']),
      tags: z.array(text),
      asDropdown: z.boolean(),
      includeVars: z.boolean(),
      keepTime: z.boolean(),
      targetBlank: z.boolean(),
      icon: text,
      tooltip: z.string(),
      url: z.string(),
    }),
  ),
  annotations: z.strictObject({
    list: z.array(
      z.strictObject({
        name: text,
        datasource,
        enable: z.boolean(),
        hide: z.boolean(),
        iconColor: text,
        expr: text,
        titleFormat: text,
        textFormat: text,
        tagKeys: z.string(),
        useValueForTime: z.boolean(),
      }),
    ),
  }),
  templating: z.strictObject({ list: z.array(variable) }),
  panels: z.array(z.discriminatedUnion('type', [panel, rowPanel])),
});

const written = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, json: JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) }));

test('the written boards are those of the source', () => {
  assert.deepEqual(
    new Map(written.map(({ name, json }) => [name, json])),
    new Map(boards.map((source) => [`${source.uid}.json`, boardJson(source)])),
  );
});

for (const { name, json } of written) {
  test(`${name} is a dashboard as Grafana has them`, () => {
    const result = board.safeParse(json);
    assert.ok(result.success, result.error && z.prettifyError(result.error));
    const { panels, templating } = result.data;

    const ids = panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'panel ids are unique');
    const titles = panels.map(({ type, title }) => `${type} ${title}`);
    assert.equal(new Set(titles).size, titles.length, 'a title is unique among panels of its type');

    for (const [at, { gridPos: a, title }] of panels.entries()) {
      for (const { gridPos: b, title: other } of panels.slice(at + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        assert.ok(apart, `${title} overlaps ${other}`);
      }
    }

    const known = templating.list.map((each) => each.name);
    assert.equal(known[0], 'datasource');
    for (const [at, each] of templating.list.entries()) {
      for (const used of variablesIn(JSON.stringify(each))) {
        assert.ok(
          known.slice(0, at).includes(used),
          `variable ${each.name} uses $${used}, which does not come before it`,
        );
      }
    }
    for (const used of variablesIn(JSON.stringify(panels)))
      assert.ok(known.includes(used), `there is no variable ${used}`);
  });

  test(`${name}: what Grafana lets choose several of is matched with =~, the rest with =`, () => {
    const multi = new Set(
      json.templating.list.flatMap((each: { name: string; multi: boolean }) => (each.multi ? each.name : [])),
    );
    for (const [, operator, used] of JSON.stringify(json).matchAll(/(=~?)\\"\$(host|cgroup)\\"/g)) {
      assert.equal(operator, multi.has(used) ? '=~' : '=', used);
    }
  });
}

test('links lead to boards that there are', () => {
  const uids = new Set(boards.map(({ uid }) => uid));
  const links = [...JSON.stringify(written).matchAll(/"\/d\/([\w-]+)\?/g)].map(([, uid = '']) => uid);
  assert.ok(links.length > 0);
  for (const uid of links) assert.ok(uids.has(uid), uid);
});

test('one series, one colour: a fixed colour belongs to one legend of a panel, and is there', () => {
  for (const { title, rows } of boards) {
    for (const { queries, title: of } of rows.flatMap(({ panels }) => panels)) {
      const legends = queries.map(({ legend }) => legend);
      assert.equal(new Set(legends).size, legends.length, `${title}, ${of}: legends are unique`);
      for (const { legend, colour } of queries)
        assert.ok(colour === undefined || !legend.includes('{{'), `${title}, ${of}: ${legend} is many series`);
    }
  }
});

test('rates are taken over $__rate_interval and totals over $__range, and nothing is made up where there is no data', () => {
  const queries = boards.flatMap(({ annotations, rows }) => [
    ...annotations.map(({ expr }) => expr),
    ...rows.flatMap(({ panels }) => panels.flatMap((each) => each.queries.map(({ expr }) => expr))),
  ]);
  for (const expr of queries) {
    for (const [, range] of expr.matchAll(/\[([^\]]+)\]/g))
      assert.match(range ?? '', /^\$__(rate_interval|range)$/, expr);
    assert.doesNotMatch(expr, /vector\(/);
  }
});

test('each query asks for metrics that there are, and says what it needs of the host', () => {
  for (const { title, annotations, rows } of boards) {
    const queries = [
      ...annotations.map(({ name, ...rest }) => ({ name, ...rest })),
      ...rows.flatMap(({ panels }) =>
        panels.flatMap((each) => each.queries.map((query) => ({ ...query, name: `${each.title}, ${query.legend}` }))),
      ),
    ];
    for (const { name, expr, needs } of queries) {
      assert.notEqual(metricsIn(expr).length, 0, `${title}, ${name}`);
      checkNeeds(expr, needs, `${title}, ${name}`);
    }
  }
});

/** Names of the variables in a text, without Grafana's own. */
function variablesIn(json: string): Set<string> {
  return new Set([...json.matchAll(/\$\{?(\w+)/g)].flatMap(([, name = '']) => (name.startsWith('__') ? [] : [name])));
}
