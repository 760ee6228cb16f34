/** A change on this machine's real kernel, and the bytes of every file of a group before and after. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ChangeOptions, change } from '../../src/control/change.ts';
import { machineOf, parseSpec, type Request } from '../../src/control/spec.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { childId, parseCgroupId } from '../../src/hierarchy/id.ts';
import type { CgroupId, Host, Refusal } from '../../src/hierarchy/types.ts';
import type { Outcome } from '../../src/protocol/plan.ts';
import { directoriesOf, scratch, temporary } from '../support/host.ts';

export type Given = Readonly<Record<string, unknown>>;

export interface Bench {
  readonly host: Host;
  readonly id: CgroupId;
  request(given: Given, more?: Partial<Request>): Request;
  set(given: Given, options?: Partial<ChangeOptions>, host?: Host): Promise<Outcome>;
  create(id: CgroupId, given?: Given): Promise<Outcome>;
  change(requests: readonly Request[], options?: Partial<ChangeOptions>, host?: Host): Promise<Outcome>;
}

/** A group of the test's own, made through the product; `existing: false` leaves the making to the test. */
export async function bench(t: TestContext, { existing = true } = {}): Promise<Bench> {
  const host = openHost();
  const top = parseCgroupId(scratch(t).path);
  const id = childId(top, 'web');
  const lock = { dir: temporary(t), timeout: 5, who: 'test' };
  const request = (given: Given, more: Partial<Request> = {}): Request => {
    const { values, mistakes } = parseSpec(defaultRegistry, given, machineOf(host));
    if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
    return { id, values, ...more };
  };
  const run = (requests: readonly Request[], options: Partial<ChangeOptions> = {}, on = host) =>
    change(on, defaultRegistry, requests, { lock, ...options });
  const made: Bench = {
    host,
    id,
    request,
    change: run,
    set: (given, options, on) => run([request(given)], options, on),
    create: (which, given = {}) => run([request(given, { id: which, create: true })]),
  };
  if (existing) await made.create(id);
  return made;
}

/** Counts and clocks of the kernel that move by themselves: not part of what a change must put back. */
const MOVING = /stat$|usage|pressure|failcnt|numa_stat|events|slabinfo|peak|max_usage|cgroup\.kill/;

/** Every readable control file of a group (and of those below it), by path. */
export function contents(id: CgroupId): Map<string, string> {
  const files = new Map<string, string>();
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (!MOVING.test(entry.name)) {
        try {
          files.set(path, readFileSync(path, 'utf8'));
        } catch (error) {
          files.set(path, String(error)); // write-only
        }
      }
    }
  };
  for (const directory of directoriesOf(id)) visit(directory);
  return files;
}

/** The same host, whose n-th change (from 0) is refused as the kernel would refuse it; the others are real. */
export function failingAt(host: Host, n: number): Host {
  const { writer } = host;
  if (writer === undefined) throw new Error('a host for writing is needed');
  let count = 0;
  const guarded = (path: string, real: () => Refusal | undefined): Refusal | undefined =>
    count++ === n ? { errno: 'EIO', path } : real();
  return {
    ...host,
    pageSize: host.pageSize,
    writer: {
      write: (h, id, file, text) => guarded(host.reader.path(h, id, file), () => writer.write(h, id, file, text)),
      mkdir: (h, id) => guarded(host.reader.path(h, id), () => writer.mkdir(h, id)),
      rmdir: (h, id) => guarded(host.reader.path(h, id), () => writer.rmdir(h, id)),
      remember: (h, id, asked) => writer.remember(h, id, asked),
    },
  };
}
