/** Every verb, by name: each module is loaded when its verb is called. */
import type { Verb } from './verb.ts';

export type LoadVerb = () => Promise<Verb>;

/** In the order of the help. */
export const verbs: ReadonlyMap<string, LoadVerb> = new Map<string, LoadVerb>([
  ['create', async () => (await import('./create.ts')).create],
  ['set', async () => (await import('./set.ts')).set],
  ['get', async () => (await import('./get.ts')).get],
  ['do', async () => (await import('./do.ts')).doAction],
  ['run', async () => (await import('./run.ts')).run],
  ['attach', async () => (await import('./attach.ts')).attach],
  ['freeze', async () => (await import('./freeze.ts')).freeze],
  ['thaw', async () => (await import('./thaw.ts')).thaw],
  ['kill', async () => (await import('./kill.ts')).kill],
  ['rm', async () => (await import('./rm.ts')).rm],
  ['ls', async () => (await import('./ls.ts')).ls],
  ['tree', async () => (await import('./tree.ts')).tree],
  ['ps', async () => (await import('./ps.ts')).ps],
  ['top', async () => (await import('./top/index.ts')).top],
  ['watch', async () => (await import('./watch.ts')).watch],
  ['stats', async () => (await import('./stats.ts')).stats],
  ['events', async () => (await import('./events.ts')).events],
  ['explain', async () => (await import('./explain.ts')).explain],
  ['hierarchy', async () => (await import('./hierarchy.ts')).hierarchy],
  ['compare-cadvisor', async () => (await import('./compare-cadvisor.ts')).compareCadvisor],
  ['info', async () => (await import('./info.ts')).info],
]);

/** Docker's words for the same: what each stands for. */
export const aliases: ReadonlyMap<string, readonly [verb: string, ...words: string[]]> = new Map([
  ['update', ['set']],
  ['inspect', ['get', '--json']],
  ['pause', ['freeze']],
  ['unpause', ['thaw']],
]);
