/** An OOM kill on purpose, and the moment at which the kernel notified of it: what telling of it is measured from. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { native } from '../src/native.ts';

export class OutOfMemory {
  readonly #group: string;
  readonly #bare;
  #signalled = Number.NaN;

  /** @param group the directory of a v1 memory group that has a limit */
  constructor(group: string) {
    const addon = native();
    assert.ok(addon, 'the native addon is needed');
    this.#group = group;
    this.#bare = new addon.Watcher((notes) => {
      for (const note of notes) if (note.kind === 'text' && note.turn === 0) this.#signalled = note.at;
    });
    const eventfd = { mechanism: 'eventfd', file: 'memory.oom_control', control: 'cgroup.event_control' } as const;
    this.#bare.add(this.#bare.define(eventfd), group);
  }

  /** A process takes memory in the group until it is killed. */
  cause(): void {
    this.#signalled = Number.NaN;
    spawn('sh', ['-c', 'echo $$ > "$0"/cgroup.procs; exec tail /dev/zero', this.#group], { stdio: 'ignore' });
  }

  /** When the kernel notified, on the clock of src/monitor/listener.ts. */
  async signalled(): Promise<number> {
    while (Number.isNaN(this.#signalled)) await new Promise((resolve) => setTimeout(resolve, 1));
    return this.#signalled;
  }

  close(): void {
    this.#bare.close();
  }
}
