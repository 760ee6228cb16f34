/** Processes in groups, for the tests of this folder. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { attach } from '../../../src/control/attach.ts';
import { defaultRegistry } from '../../../src/controllers/index.ts';
import { childId } from '../../../src/hierarchy/id.ts';
import type { CgroupId, Host } from '../../../src/hierarchy/types.ts';
import { directoriesOf, type Spawned, spawnFor, temporary, until } from '../../support/host.ts';
import type { Bench } from '../support.ts';

/** A process in a group, in every hierarchy that the group is in. */
export async function spawnIn(
  t: TestContext,
  host: Host,
  id: CgroupId,
  ...command: [string, ...string[]]
): Promise<Spawned> {
  const spawned = await spawnFor(t, ...command);
  await attach(host, defaultRegistry, id, [spawned.pid]);
  return spawned;
}

/** A group below another that enables no v2 controller for it, so that the upper one can still hold processes. */
export async function makeBelow({ host, id, change, request }: Bench, name: string): Promise<CgroupId> {
  const below = childId(id, name);
  const controllers = host.reader.places(id).map(({ key }) => key);
  await change([request({}, { id: below, create: true, controllers })]);
  return below;
}

/** A bare directory in every hierarchy: on v1 its cpuset is empty, so that it takes no task. */
export function makeBare({ host, id }: Bench, name: string): CgroupId {
  const bare = childId(id, name);
  for (const h of host.reader.places(id)) assert.equal(host.writer?.mkdir(h, bare), undefined);
  return bare;
}

export interface Counter extends Spawned {
  /** How far it has come. */
  count(): number;
}

/** A process that makes progress for as long as it runs. */
export async function spawnCounter(t: TestContext, host: Host, id: CgroupId): Promise<Counter> {
  const file = join(temporary(t), 'count');
  const spawned = await spawnIn(t, host, id, 'sh', '-c', 'while :; do echo x >> "$1"; done', 'sh', file);
  const count = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  await until(() => count() > 0);
  return { ...spawned, count };
}

/** Whether a counter moves, looking long enough for a process that runs. */
export async function moves(counter: Counter): Promise<boolean> {
  const before = counter.count();
  for (let look = 0; look < 20; look += 1) {
    await sleep(10);
    if (counter.count() > before) return true;
  }
  return false;
}

/** The pids that a group's cgroup.procs lists, by directory. */
export function membersByPlace(id: string): Map<string, number[]> {
  const pids = (directory: string) =>
    readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return new Map(directoriesOf(id).map((directory) => [directory, pids(directory)]));
}

/** Takes memory without end: where the OOM killer is off, it sleeps uninterruptibly at the limit. */
export const EAT_MEMORY = ['tail', '/dev/zero'] as const;
