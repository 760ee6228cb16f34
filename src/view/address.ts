/** The whole view in the words of an address, so that it can be kept and shared. An address may come from anybody: what it says is checked. */
import type { Sort } from './tree.ts';

/** Which figures are shown of which rows: of subtrees, of groups alone, or of groups without children. */
export const MODES = ['rollup', 'self', 'leaf'] as const;
export type Mode = (typeof MODES)[number];

export interface ViewState {
  /** Undefined: by the first column. */
  readonly sort: Sort | undefined;
  readonly filter: string;
  readonly folded: readonly string[];
  readonly mode: Mode;
  /** Only groups with which something is wrong. */
  readonly pressure: boolean;
  /** Ordinary events too. */
  readonly allEvents: boolean;
  /** The chosen group's id. */
  readonly chosen: string | undefined;
  /** Whether the chosen group's details are open. */
  readonly open: boolean;
  /** A moment of the past in milliseconds since the epoch; undefined: live. */
  readonly time: number | undefined;
}

export const START: ViewState = {
  sort: undefined,
  filter: '',
  folded: [],
  mode: 'rollup',
  pressure: false,
  allEvents: false,
  chosen: undefined,
  open: false,
  time: undefined,
};

/** An address must stay one that can be sent to somebody. */
const MOST_FOLDED = 100;

/** Without the `#`; what is as at the start is left out. */
export function writeView({ sort, filter, folded, mode, pressure, allEvents, chosen, open, time }: ViewState): string {
  const words = new URLSearchParams();
  if (sort !== undefined) words.set('sort', `${sort.descending ? '-' : ''}${sort.metric ?? 'name'}`);
  if (filter !== '') words.set('filter', filter);
  if (mode !== START.mode) words.set('mode', mode);
  if (pressure) words.set('pressure', '1');
  if (allEvents) words.set('events', 'all');
  if (chosen !== undefined) words.set(open ? 'group' : 'at', chosen);
  if (time !== undefined) words.set('time', new Date(time).toISOString());
  for (const id of folded.slice(0, MOST_FOLDED)) words.append('fold', id);
  return String(words).replaceAll('%2F', '/').replaceAll('%3A', ':');
}

/** Whatever cannot be understood is as at the start. */
export function readView(address: string): ViewState {
  const words = new URLSearchParams(address);
  const [, minus, metric] = /^(-?)([a-z0-9_]+)$/.exec(words.get('sort') ?? '') ?? [];
  const time = Date.parse(words.get('time') ?? '');
  const open = words.has('group');
  return {
    sort:
      metric === undefined ? undefined : { metric: metric === 'name' ? undefined : metric, descending: minus === '-' },
    filter: words.get('filter') ?? '',
    folded: words.getAll('fold').slice(0, MOST_FOLDED),
    mode: MODES.find((mode) => mode === words.get('mode')) ?? START.mode,
    pressure: words.get('pressure') === '1',
    allEvents: words.get('events') === 'all',
    chosen: words.get('group') ?? words.get('at') ?? undefined,
    open,
    time: Number.isNaN(time) ? undefined : time,
  };
}
