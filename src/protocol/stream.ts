/**
 * The messages of the live stream (`/api/v1/stream`), JSON texts, one message each: first a whole table, then what changed of it.
 * docs/STREAM.md has the story; `stream-schema.ts` says the same to programs.
 */
import type { Cell, ColumnInfo } from './column.ts';
import type { CgroupEvent } from './event.ts';
import type { Row } from './snapshot.ts';

export type { Cell, ColumnInfo, Show } from './column.ts';

/** Grows when a client of an older version would misread what is sent. */
export const STREAM_VERSION = 2;
/** The WebSocket subprotocol. Who offers it, and no token, may send the token as the first message. */
export const STREAM_PROTOCOL = 'cgctl.v1';
/** How the service closes a stream: codes of RFC 6455, 7.4.1, and one of its own for a token that is missing or wrong. */
export const CLOSE = { idle: 1000, goingAway: 1001, text: 1003, malformed: 1007, policy: 1008, token: 4401 } as const;

/** What a client may do; beyond it there are problems, or the stream ends. */
export interface Limits {
  /** Subscriptions at a time. */
  readonly subscriptions: number;
  readonly messageBytes: number;
  /** A `history` counts as several. */
  readonly messagesPerMinute: number;
  /** Of one subscription. */
  readonly columns: number;
  /** Groups times columns of one `history`. */
  readonly series: number;
  readonly shortestIntervalMs: number;
  readonly longestIntervalMs: number;
}

/** A group, with what is known of it beside its figures. */
export interface LiveRow extends Row {
  /** What people know it by, where that is not the end of its path: a container, a unit as it was written. */
  readonly name?: string;
  readonly frozen?: boolean;
  /** Whether there is a process in it or below. */
  readonly populated?: boolean;
  /** When it was made, in milliseconds since the epoch. */
  readonly created?: number;
}

/** In place of the first message, where the service wants a token and none was given. */
export interface LockedMessage {
  readonly type: 'locked';
  /** It waits for the token so long. */
  readonly seconds: number;
}

/** The first message after the connection is made, or unlocked. */
export interface Hello {
  readonly type: 'hello';
  readonly version: typeof STREAM_VERSION;
  /** This life of the service: `seq` of another one mean nothing here. */
  readonly instance: string;
  /** The view's: what a subscription gets that names none, with the limits of each beside it. */
  readonly columns: readonly ColumnInfo[];
  readonly limits: Limits;
}

/** What a message about a table says first. */
interface About {
  /** The subscription, as the client named it. */
  readonly sub: string;
  /** Grows with each look of the service at the groups, by one or more. */
  readonly seq: number;
  /** When that was, in milliseconds since the epoch. */
  readonly time: number;
}

/** The whole table: ids once, then a list of figures for each column, in the rows' order. Parents precede children. */
export interface SnapshotMessage extends About {
  readonly type: 'snapshot';
  readonly columns: readonly string[];
  readonly rows: readonly LiveRow[];
  readonly values: readonly (readonly Cell[])[];
  /** Of each row, how old its oldest figure is at least, in seconds; 0 for less than 15. */
  readonly stale: readonly number[];
}

/** Some of a column's figures: `to[i]` belongs to row `at[i]`. */
export interface Some<T> {
  readonly at: readonly number[];
  readonly to: readonly T[];
}

/** What became of a column: null for nothing, some figures, or all. Rows that were added have had no figure (null, of `stale` 0). */
export type Change<T> = null | Some<T> | readonly T[];

/** What changed of the table `after`. Rows leave first, then others are added at the end, then figures change. */
export interface DeltaMessage extends About {
  readonly type: 'delta';
  /** The seq of the table that this changes; a client with another one has to ask for a snapshot. */
  readonly after: number;
  /** Places in the old table, ascending; those behind move up, `parent` of those that stay too. */
  readonly gone: readonly number[];
  readonly rows: readonly LiveRow[];
  /** Places in the new table of rows of which other things are known now: these words replace what was. */
  readonly changed: readonly RowChange[];
  /** By column. */
  readonly values: readonly Change<Cell>[];
  readonly stale: Change<number>;
}

export interface RowChange extends Pick<LiveRow, 'frozen' | 'populated'> {
  readonly at: number;
}

/** The service looked, and the table is the same. */
export interface BookmarkMessage extends About {
  readonly type: 'bookmark';
  readonly after: number;
}

/** The next message of the subscription is a snapshot: the client read too slowly, or what it has is not known any more. */
export interface ResyncMessage {
  readonly type: 'resync';
  readonly sub: string;
  readonly reason: 'slow' | 'since';
  /** So many messages were left out. */
  readonly dropped: number;
}

/** Something happened to a group that a subscription has and that wants events; once, however many do. */
export interface EventMessage {
  readonly type: 'event';
  readonly event: CgroupEvent;
}

/** One group's figures over time, oldest first. */
export interface PastSeries {
  readonly id: string;
  readonly generation: string;
  readonly metric: string;
  /** A point is a span in milliseconds since the epoch (or one moment), then minimum, mean and maximum. */
  readonly points: readonly (readonly [from: number, to: number, min: Past, mean: Past, max: Past])[];
}
type Past = number | 'max';

export interface HistoryMessage {
  readonly type: 'history';
  /** As the client numbered it. */
  readonly request: number;
  readonly series: readonly PastSeries[];
}

/** The client asked for what cannot be; all stays as it was. */
export interface ProblemMessage {
  readonly type: 'problem';
  readonly message: string;
  readonly sub?: string;
  /** The `history` that is not answered. */
  readonly request?: number;
}

/** What a table is made of. */
export type TableMessage = SnapshotMessage | DeltaMessage | BookmarkMessage;
export type ServerMessage =
  | LockedMessage
  | Hello
  | TableMessage
  | ResyncMessage
  | EventMessage
  | HistoryMessage
  | ProblemMessage;

/** Start to receive a table, or, with the same `sub`, change what is received. */
export interface SubscribeMessage {
  readonly type: 'subscribe';
  /** A name of the client's. Default: `main`. */
  readonly sub?: string;
  /** So often, at most. Default: 1000. */
  readonly intervalMs?: number;
  /** Metric names without `cgroup_`. Default: the view's columns and what is told beside them. */
  readonly columns?: readonly string[];
  /** Only this group and those below. */
  readonly subtree?: string;
  /** Only groups whose path matches: `?` and `*` stop at a slash, `**` does not. Rows have the nearest group above that matches as parent. */
  readonly pattern?: string;
  /** Figures of whole subtrees, or of groups without those below them. Default: `rollup`. */
  readonly figures?: 'rollup' | 'self';
  /** Default: true. */
  readonly events?: boolean;
  /** The table that the client has, from an equal subscription to the same `instance`: it is told what changed since, if that is known. */
  readonly since?: number;
}

export interface UnsubscribeMessage {
  readonly type: 'unsubscribe';
  readonly sub?: string;
}

/** Figures of the last minutes, of the columns that are kept. Times in milliseconds since the epoch. */
export interface HistoryRequest {
  readonly type: 'history';
  /** A number of the client's, given back with the answer. */
  readonly request: number;
  readonly cgroups: readonly string[];
  readonly columns: readonly string[];
  readonly from?: number;
  readonly to?: number;
}

/** The first message, where the service says that it is `locked`. */
export interface TokenMessage {
  readonly type: 'token';
  readonly token: string;
}

/** A client's message as it arrives, before defaults are filled in. */
export type ClientMessage = SubscribeMessage | UnsubscribeMessage | HistoryRequest | TokenMessage;
