/** `cgctl/client`: the service's API and its live stream, for browsers and for Node. */
export type * from '../protocol/column.ts';
export type * from '../protocol/event.ts';
export type * from '../protocol/stream.ts';
export {
  AnswerError,
  Client,
  type ClientOptions,
  type Live,
  type LiveListener,
  type Socket,
  type State,
  type Wanted,
} from './client.ts';
export { type LiveTable, LiveTree } from './tree.ts';
