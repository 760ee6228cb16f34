/** The command line in-process: real kernel, made-up terminal. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { run, type Surroundings } from '../../src/cli/run.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import type { Streams } from '../../src/verbs/verb.ts';
import { temporary } from '../support/host.ts';

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Terminal {
  readonly isTTY?: boolean;
  readonly answer?: boolean;
  readonly around?: Partial<Surroundings>;
}

/** Run `cgctl ARGV`. Each test has a lock of its own: what other tests change is none of its business. */
export async function cgctl(t: TestContext, argv: readonly string[], terminal: Terminal = {}): Promise<Ran> {
  const { isTTY = false, answer = false, around = {} } = terminal;
  const text = { out: '', err: '' };
  const output = (to: 'out' | 'err') => ({
    write(more: string) {
      text[to] += more;
    },
    isTTY,
    columns: 100,
  });
  const io: Streams = { out: output('out'), err: output('err'), confirm: async () => answer };
  const status = await run(argv, io, {
    signal: new AbortController().signal,
    who: 'a test',
    registry: defaultRegistry,
    version: () => '1.2.3',
    openHost: (cgroupRoot) => openHost({ cgroupRoot }),
    ...around,
    env: { CGCTL_LOCK_DIR: lockOf(t), ...around.env },
  });
  return { status, ...text };
}

/** What a run that must succeed printed. */
export async function output(t: TestContext, ...argv: string[]): Promise<string> {
  const ran = await cgctl(t, argv);
  assert.equal(ran.status, 0, ran.err);
  return ran.out;
}

/** The same, of a run with --json. */
export async function json(t: TestContext, ...argv: string[]): Promise<unknown> {
  return JSON.parse(await output(t, ...argv, '--json'));
}

const locks = new WeakMap<TestContext, string>();

function lockOf(t: TestContext): string {
  const lock = locks.get(t) ?? temporary(t);
  locks.set(t, lock);
  return lock;
}
