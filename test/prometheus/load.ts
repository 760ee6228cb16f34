/** A demo load: groups that are throttled, killed, refused forks, that read and write, and whose limits are changed. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loopDisk } from '../contract/disk.ts';
import { type TestGroup, testGroup } from '../contract/group.ts';
import { temporary } from '../support/host.ts';

export interface Load {
  readonly top: TestGroup;
  /** Does everything: spends its CPU quota, does I/O, is killed at its memory limit, has a pids limit. */
  readonly web: TestGroup;
  /** Is killed at its parent's memory limit. */
  readonly leaky: TestGroup;
  /** Holds memory and does nothing. */
  readonly still: TestGroup;
  /** Is refused forks. */
  readonly many: TestGroup;
  /** Does nothing and may be removed. */
  readonly idle: TestGroup;
}

/** Allocates until it is killed; the shell that runs it goes on. */
const LEAK = 'head -c 400m /dev/zero | tail -n 1 >/dev/null';

export async function startLoad(t: TestContext): Promise<Load> {
  const disk = loopDisk(t);
  const file = join(temporary(t), 'page-cache');
  const top = await testGroup(t);
  const web = await top.child('web', { cpus: '0.25', memory: '64m', 'pids-limit': '40' });
  const box = await top.child('box', { memory: '48m' });
  const leaky = await box.child('leaky');
  const still = await top.child('still', { memory: '64m' });
  const many = await top.child('many', { 'pids-limit': '4' });
  const idle = await top.child('idle');

  await web.sh('while :; do :; done');
  await web.sh(`while :; do ${LEAK}; sleep 5; done`);
  await web.sh(`while :; do
    dd if=/dev/zero of=${disk.path} bs=64k count=8 oflag=direct conv=notrunc
    dd if=${disk.path} of=/dev/null bs=64k count=8 iflag=direct
    dd if=/dev/zero of=${file} bs=64k count=32
    sleep 0.5
  done`);
  await leaky.sh(`while :; do ${LEAK}; sleep 5; done`);
  await still.sh('held=$(head -c 8m /dev/zero | tr "\\0" x); while :; do sleep 1000; done');
  // The inner shell fails at its fork, the outer one goes on.
  await many.sh('while :; do (sleep 0.2 & sleep 0.2 & sleep 0.2 & sleep 0.2 & wait); sleep 1; done');
  return { top, web, leaky, still, many, idle };
}

/** What the boards show as changes. */
export async function changeLimits({ web }: Load): Promise<void> {
  await web.set({ cpus: '0.3' });
  await web.set({ memory: '80m' });
  await web.set({ 'pids-limit': '50' });
}
