/**
 * Boards in Grafana's classic JSON (kinds/dashboard/dashboard_kind.cue in its repository), out of panels that say only what is their
 * own: places, ids and everything that all panels share are added here.
 */
import type { Expr } from './promql.ts';

/** 10.0; newer Grafanas migrate it when they import. */
const SCHEMA_VERSION = 38;
const COLUMNS = 24;
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const FAMILY_TAG = 'cgctl';
/** The board about one group, to which series of groups lead. */
export const GROUP_BOARD = 'cgctl-cgroup';

/** One meaning, one colour, on every board. Series whose names are not known beforehand are coloured by name. */
export const colours = {
  used: 'blue',
  limit: 'red',
  user: 'green',
  system: 'orange',
  anon: 'blue',
  file: 'green',
  shared: 'super-light-green',
  kernel: 'purple',
  swap: 'orange',
  read: 'green',
  written: 'purple',
  some: 'yellow',
  full: 'red',
  event: 'dark-red',
  change: 'light-blue',
} as const;
export type Colour = keyof typeof colours;

/**
 * What a query's metrics need of the host: a `unified` mount for its core files (v2 and hybrid hosts), or the controllers themselves
 * on v1 or v2.
 */
export type Needs = 'unified' | 'v1' | 'v2';

export interface Query {
  readonly expr: Expr;
  /** With `{{label}}` where there are several series; the column's title in a table. */
  readonly legend: string;
  readonly colour?: Colour;
  /** Grafana's unit, where it is not the panel's. */
  readonly unit?: string;
  readonly needs?: Needs;
}

export interface Panel {
  readonly type: 'timeseries' | 'stat' | 'table' | 'bargauge';
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly width: number;
  readonly height: number;
  /** Asked once, for the end of the time range, instead of at each step. */
  readonly instant: boolean;
  readonly custom?: object;
  readonly options: object;
  readonly thresholds?: readonly Threshold[];
  readonly max?: number;
  readonly transformations?: readonly object[];
}

/** From this value on. */
export interface Threshold {
  readonly from: number;
  readonly colour: string;
}

type Look = Partial<Pick<Panel, 'width' | 'height' | 'thresholds' | 'max'>>;

/** Lines over time. A query in the colour `limit` is drawn as a dashed line. */
export function lines(
  title: string,
  unit: string,
  description: string,
  queries: readonly Query[],
  { stack = false, ...look }: Look & { readonly stack?: boolean } = {},
): Panel {
  return {
    type: 'timeseries',
    title,
    description,
    unit,
    queries,
    width: 12,
    height: 8,
    instant: false,
    custom: {
      drawStyle: 'line',
      lineWidth: 1,
      fillOpacity: stack ? 30 : 10,
      showPoints: 'never',
      spanNulls: false,
      stacking: { mode: stack ? 'normal' : 'none', group: 'A' },
    },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    ...look,
  };
}

/** One number. */
export function stat(title: string, unit: string, description: string, query: Query, look: Look = {}): Panel {
  return {
    type: 'stat',
    title,
    description,
    unit,
    queries: [query],
    width: 4,
    height: 4,
    instant: true,
    options: {
      colorMode: look.thresholds === undefined ? 'none' : 'value',
      graphMode: 'none',
      textMode: 'value',
      justifyMode: 'auto',
      orientation: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    ...look,
  };
}

/** Bars, longest first by the query's own order, from 0 to `max`. */
export function bars(title: string, unit: string, description: string, query: Query, look: Look = {}): Panel {
  return {
    type: 'bargauge',
    title,
    description,
    unit,
    queries: [query],
    width: 12,
    height: 8,
    instant: true,
    options: {
      displayMode: 'basic',
      orientation: 'horizontal',
      showUnfilled: true,
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    ...look,
  };
}

/** One row for each combination of labels, one column for each query; the queries must leave the same labels. */
export function table(
  title: string,
  description: string,
  queries: readonly Query[],
  { labels, ...look }: Look & { readonly labels: Readonly<Record<string, string>> },
): Panel {
  const valueColumns = queries.map(({ legend }, at) => [`Value #${refId(at)}`, legend] as const);
  const only = queries.length === 1 ? [['Value', queries[0]?.legend ?? ''] as const] : [];
  return {
    type: 'table',
    title,
    description,
    unit: 'none',
    queries,
    width: 24,
    height: 10,
    instant: true,
    custom: { align: 'auto', filterable: true, cellOptions: { type: 'auto' } },
    options: { showHeader: true, sortBy: [{ displayName: queries[0]?.legend, desc: true }] },
    transformations: [
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(HIDDEN.filter((name) => !(name in labels)).map((name) => [name, true])),
          indexByName: {},
          renameByName: Object.fromEntries([...Object.entries(labels), ...valueColumns, ...only]),
        },
      },
    ],
    ...look,
  };
}

/** Columns that say nothing: where a board is about one host, its name is above it. */
const HIDDEN = ['Time', '__name__', 'job', 'instance'];

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const row = (title: string, ...panels: readonly Panel[]): Row => ({ title, panels });

/** A variable that the viewer chooses; queries may use those before it. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** `label_values(…)`, or `text : value` choices of which the first is taken. */
  readonly query: string;
  readonly type: 'query' | 'custom';
  /** Several at once, and all of them: match with `=~`. Otherwise match with `=`. */
  readonly multi: boolean;
}

/** The monitored host: what Prometheus calls the instance. */
export const hostVariable = (multi: boolean): Variable => ({
  name: 'host',
  label: 'Host',
  query: 'label_values(cgroup_info, instance)',
  type: 'query',
  multi,
});

export const cgroupVariable = (multi: boolean): Variable => ({
  name: 'cgroup',
  label: 'Cgroup',
  query: `label_values(cgroup_info{instance${multi ? '=~' : '='}"$host"}, cgroup)`,
  type: 'query',
  multi,
});

/** @param choices text and value; the first is taken */
export const choice = (name: string, label: string, choices: readonly (readonly [string, string])[]): Variable => ({
  name,
  label,
  query: choices.map(([text, value]) => `${text} : ${value}`).join(','),
  type: 'custom',
  multi: false,
});

/** How many groups a panel shows. */
export const topVariable = choice(
  'top',
  'Top',
  ['10', '5', '20', '50'].map((count) => [count, count]),
);

/** A mark on every panel where the expression is above 0. */
export interface Annotation {
  readonly name: string;
  readonly expr: Expr;
  readonly text: string;
  readonly colour: Colour;
  readonly needs?: Needs;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly annotations: readonly Annotation[];
  readonly rows: readonly Row[];
}

/** The board as Grafana imports it. */
export function boardJson({ uid, title, description, variables, annotations, rows }: Board): object {
  return {
    uid,
    title: `cgctl / ${title}`,
    description,
    tags: [FAMILY_TAG],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    timezone: 'browser',
    links: [
      {
        title: 'cgctl boards',
        type: 'dashboards',
        tags: [FAMILY_TAG],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: 'external link',
        tooltip: '',
        url: '',
      },
    ],
    annotations: { list: annotations.map(annotationJson) },
    templating: { list: [datasourceJson, ...variables.map(variableJson)] },
    panels: placed(rows),
  };
}

function annotationJson({ name, expr, text, colour }: Annotation): object {
  return {
    name,
    datasource: DATASOURCE,
    enable: true,
    hide: false,
    iconColor: colours[colour],
    expr,
    titleFormat: name,
    textFormat: text,
    tagKeys: 'cgroup',
    useValueForTime: false,
  };
}

const datasourceJson = {
  name: 'datasource',
  label: 'Prometheus',
  type: 'datasource',
  query: 'prometheus',
  hide: 0,
  includeAll: false,
  multi: false,
  options: [],
  refresh: 1,
  regex: '',
  skipUrlSync: false,
};

function variableJson({ name, label, query, type, multi }: Variable): object {
  const shared = { name, label, type, hide: 0, includeAll: multi, multi, skipUrlSync: false, options: [] };
  if (type === 'custom') return { ...shared, query };
  return {
    ...shared,
    ...(multi && { allValue: '.+', current: { text: 'All', value: '$__all' } }),
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: `variable-${name}` },
    refresh: 2,
    regex: '',
    sort: 1,
  };
}

/** Panels from left to right and top to bottom, a heading above each row. */
function placed(rows: readonly Row[]): object[] {
  let id = 0;
  let y = 0;
  return rows.flatMap(({ title, panels }) => {
    const heading = {
      type: 'row',
      title,
      id: ++id,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    };
    y += 1;
    let x = 0;
    let below = y;
    const inside = panels.map((panel) => {
      if (x + panel.width > COLUMNS) {
        x = 0;
        y = below;
      }
      const json = panelJson(panel, ++id, { x, y, w: panel.width, h: panel.height });
      x += panel.width;
      below = Math.max(below, y + panel.height);
      return json;
    });
    y = below;
    return [heading, ...inside];
  });
}

function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { type, title, description, unit, queries, instant, custom, options, thresholds, max, transformations } = panel;
  const steps = (thresholds ?? []).map(({ from, colour }) => ({ value: from, color: colour }));
  return {
    id,
    type,
    title,
    description: [description, ...new Set(queries.flatMap(({ needs }) => (needs ? [NEEDS[needs]] : [])))].join(' '),
    gridPos,
    datasource: DATASOURCE,
    targets: queries.map(({ expr, legend }, at) => ({
      refId: refId(at),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      editorMode: 'code',
      instant,
      range: !instant,
      format: type === 'table' ? 'table' : 'time_series',
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(max !== undefined && { max }),
        color: { mode: thresholds === undefined ? 'palette-classic-by-name' : 'thresholds' },
        ...(custom && { custom }),
        links: queries.some(({ legend }) => legend.includes('{{cgroup}}')) ? [groupLink(queries)] : [],
        thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, ...steps] },
      },
      overrides: queries.flatMap((query) => overrideJson(query, type)),
    },
    options,
    ...(transformations && { transformations }),
  };
}

/** From a series to its group's own board. */
function groupLink(queries: readonly Query[]): object {
  const label = (name: string): string => `\${__field.labels.${name}}`;
  const host = queries.every(({ legend }) => legend.includes('{{instance}}')) ? label('instance') : '$host';
  const group = `var-datasource=$datasource&var-host=${host}&var-cgroup=${label('cgroup')}`;
  return { title: 'This group', url: `/d/${GROUP_BOARD}?${group}&\${__url_time_range}` };
}

/** What a panel's reader has to know when it is empty. */
const NEEDS: Readonly<Record<Needs, string>> = {
  unified: 'Needs a mounted cgroup v2 hierarchy (v2 and hybrid hosts).',
  v1: 'On hosts whose controller is on cgroup v1.',
  v2: 'On hosts whose controller is on cgroup v2.',
};

function overrideJson({ legend, colour, unit }: Query, type: Panel['type']): object[] {
  const properties = [
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(colour === undefined ? [] : [{ id: 'color', value: { mode: 'fixed', fixedColor: colours[colour] } }]),
    ...(colour === 'limit' && type === 'timeseries'
      ? [
          { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
          { id: 'custom.fillOpacity', value: 0 },
          { id: 'custom.stacking', value: { mode: 'none', group: 'limit' } },
        ]
      : []),
  ];
  return properties.length === 0 ? [] : [{ matcher: { id: 'byName', options: legend }, properties }];
}

const refId = (at: number): string => String.fromCharCode('A'.charCodeAt(0) + at);
