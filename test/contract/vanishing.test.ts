/**
 * Somebody else removes the group between any two of our system calls: a typed error or a clean result, never anything else.
 * The calls are node:fs's own, wrapped; the kernel is the real one.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';
import { attach } from '../../src/control/attach.ts';
import { change } from '../../src/control/change.ts';
import { describeKnobs } from '../../src/control/describe.ts';
import { freeze } from '../../src/control/freeze.ts';
import { kill } from '../../src/control/kill.ts';
import { remove } from '../../src/control/remove.ts';
import { machineOf, parseSpec } from '../../src/control/spec.ts';
import { defaultRegistry as registry } from '../../src/controllers/index.ts';
import { CgError } from '../../src/errors.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { childId, parseCgroupId } from '../../src/hierarchy/id.ts';
import type { CgroupId, Host } from '../../src/hierarchy/types.ts';
import { Sampler } from '../../src/monitor/sampler.ts';
import { realKernel, scratch, spawnFor, temporary, until } from '../support/host.ts';
import { emulated, testGroup } from './group.ts';

const CALLS = [
  'accessSync',
  'closeSync',
  'existsSync',
  'fstatSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readFileSync',
  'readSync',
  'readdirSync',
  'rmdirSync',
  'statSync',
  'writeSync',
] as const;
/** What a group that is gone may be answered with. */
const CODES = ['VANISHED', 'NOT_FOUND', 'ABSENT', 'VALUE'];
/** So many moments are tried at most, spread evenly; an emulated machine is slow. */
const MOMENTS = emulated ? 40 : 200;
const step = (calls: number, most: number): number => Math.ceil(calls / most);

/** Runs something while the n-th call (from 0) is preceded by `before`. @returns how many calls there were */
async function interrupted(n: number, before: () => void, act: () => unknown): Promise<number> {
  const real = Object.fromEntries(CALLS.map((name) => [name, fs[name]]));
  let count = 0;
  const wrapped = Object.fromEntries(
    Object.entries(real).map(([name, call]) => [
      name,
      (...args: unknown[]): unknown => {
        if (count++ === n) {
          Object.assign(fs, real);
          syncBuiltinESMExports();
          before();
          Object.assign(fs, wrapped);
          syncBuiltinESMExports();
        }
        return Reflect.apply(call, fs, args);
      },
    ]),
  );
  Object.assign(fs, wrapped);
  syncBuiltinESMExports();
  try {
    await act();
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
  return count;
}

type Act = (host: Host, id: CgroupId) => unknown;

/** Tries every moment of an action that is done to a fresh, empty group. */
async function atEveryMoment(t: TestContext, act: Act, most = MOMENTS): Promise<void> {
  const host = openHost();
  const top = parseCgroupId(scratch(t).path);
  const seen = new Map<string, number>();
  let moments = 0;
  for (let n = 0, more = true; more; ) {
    const id = childId(top, `n${n}`);
    for (const { mountPoint } of host.layout.hierarchies) fs.mkdirSync(mountPoint + id, { recursive: true });
    const vanish = (): void => {
      for (const h of host.reader.places(id)) fs.rmdirSync(h.mountPoint + id);
    };
    let result = 'clean';
    const calls = await interrupted(n, vanish, async () => {
      try {
        await act(host, id);
      } catch (error) {
        assert.ok(error instanceof CgError, `call ${n}: ${error instanceof Error ? error.stack : error}`);
        assert.ok(CODES.includes(error.code), `call ${n}: ${error.code}: ${error.message}`);
        result = error.code;
      }
    });
    seen.set(result, (seen.get(result) ?? 0) + 1);
    more = n < calls;
    moments += 1;
    n += step(calls, most);
    vanish();
  }
  t.diagnostic(`${moments} moments: ${[...seen].map(([result, times]) => `${result} ${times}`).join(', ')}`);
  assert.ok(moments > 0);
}

const spec = (host: Host, given: Record<string, string>) => parseSpec(registry, given, machineOf(host)).values;
/** Some of every shape, so that every way of reading is taken. */
const KEYS = [
  'cpu.shares',
  'cpu.quota',
  'memory.max',
  'memory.oom_kill_disable',
  'io.read_bps',
  'hugetlb.max',
  'core.type',
];

realKernel('vanishing under get', (t) => atEveryMoment(t, (host, id) => describeKnobs(host, registry, id, KEYS)));

realKernel('vanishing under set', (t) => {
  const lock = { dir: temporary(t), timeout: 30, who: 'test' };
  return atEveryMoment(t, (host, id) =>
    change(
      host,
      registry,
      [{ id, values: spec(host, { 'cpu-shares': '512', 'cpu-quota': '50000', 'pids-limit': '7' }) }],
      {
        lock,
      },
    ),
  );
});

realKernel('vanishing under rm', (t) => atEveryMoment(t, (host, id) => remove(host, registry, id)));
realKernel('vanishing under freeze', (t) => atEveryMoment(t, (host, id) => freeze(host, registry, id)));
realKernel('vanishing under kill', (t) => atEveryMoment(t, (host, id) => kill(host, registry, id)));

realKernel('vanishing under a sample: the others are told all the same', async (t) => {
  const group = await testGroup(t, { 'cpu-shares': '100' });
  const sampler = new Sampler(group.host, registry);
  t.after(() => sampler.close());
  await atEveryMoment(
    t,
    async () => {
      const { rows } = await sampler.sample();
      assert.ok(rows.some(({ id }) => id === group.id));
    },
    MOMENTS / 8,
  ); // it is of the whole machine
});

realKernel('processes that end while they are being attached are told, and the others are moved', async (t) => {
  const group = await testGroup(t);
  const { host, id } = group;
  // a shell reaps its child at once, which we, waiting, could not
  const victims = 'sleep 100 & echo $! > "$1"; wait';
  for (let n = 0, more = true; more; ) {
    const file = `${temporary(t)}/pid`;
    await spawnFor(t, 'sh', '-c', victims, 'sh', file);
    await until(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').endsWith('\n'));
    const victim = Number(fs.readFileSync(file, 'utf8'));
    const { pid: other } = await spawnFor(t, 'sleep', '100');
    const end = (): void => {
      process.kill(victim, 'SIGKILL');
      while (fs.existsSync(`/proc/${victim}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    };
    const calls = await interrupted(n, end, async () => {
      const done = await attach(host, registry, id, [victim, other]);
      assert.ok(done.pids.includes(other));
      assert.ok(done.pids.includes(victim) !== done.gone.includes(victim));
    });
    more = n < calls;
    n += step(calls, MOMENTS / 4);
    for (const members of group.members()) assert.ok(members.includes(other), `call ${n}`);
  }
});
