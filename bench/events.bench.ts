/**
 * How soon an OOM is told, how many of many are told of the right group, and what listening costs while nothing happens.
 *
 * The kernel's own notification is the comparator: a bare watcher on the same group stamps it in the watching thread.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRegistry } from '../src/controllers/index.ts';
import { openHost } from '../src/hierarchy/host.ts';
import { EventEngine } from '../src/monitor/events.ts';
import { clock } from '../src/monitor/listener.ts';
import { UNATTRIBUTED } from '../src/monitor/whereabouts.ts';
import { mountOf } from '../test/support/host.ts';
import { median, quantile } from './figures.ts';
import { OutOfMemory } from './oom.ts';

const KILLS = 40;
const RAPID_KILLS = 1000;
const IDLE_GROUPS = 1000;
const IDLE_MS = 30_000;

const path = `/cgctl-test-${process.pid}-bench`;
const memory = join(mountOf('memory'), path);
const hierarchies = openHost({ readOnly: true }).layout.hierarchies.map(({ mountPoint }) => join(mountPoint, path));

/** /proc/vmstat's count of OOM kills. */
const machineKills = () => Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1]);

async function latency(): Promise<void> {
  const group = join(memory, 'latency');
  mkdirSync(group);
  writeFileSync(join(group, 'memory.limit_in_bytes'), '16M');
  const engine = new EventEngine(openHost({ readOnly: true }), defaultRegistry);
  await engine.start();
  const memoryOut = new OutOfMemory(group);
  const delays: number[] = [];
  let named = 0;
  for (let i = 0; i < KILLS; i++) {
    const told = new Promise<number>((resolve) => {
      const end = engine.subscribe(({ kind, cgroup, details }) => {
        if (kind !== 'oom_kill' || cgroup !== `${path}/latency`) return;
        end();
        if (details?.victim !== undefined) named += 1;
        resolve(clock());
      });
    });
    memoryOut.cause();
    const at = await told;
    delays.push(at - (await memoryOut.signalled()));
    await sleep(50);
  }
  memoryOut.close();
  await engine.close();
  rmdirSync(group);
  console.log(
    `kernel's notification → subscriber, ${KILLS} OOM kills: median ${median(delays).toFixed(2)} ms, p90 ${quantile(delays, 0.9).toFixed(2)} ms, ` +
      `most ${Math.max(...delays).toFixed(2)} ms; victim named in ${named}`,
  );
}

/** The program that makes a group, lets a process of it be killed, and removes the group, again and again. */
const CHURN = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void put(const char *group, const char *file, const char *text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", group, file);
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) _exit(9);
  close(fd);
}
int main(int argc, char **argv) {
  int killed = 0;
  for (int i = 0; i < atoi(argv[2]); i++) {
    char group[4096];
    snprintf(group, sizeof group, "%s/g%d", argv[1], i);
    if (mkdir(group, 0755) != 0) return 8;
    put(group, "memory.limit_in_bytes", "2M");
    pid_t child = fork();
    if (child == 0) {
      put(group, "cgroup.procs", "0");
      char *held = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      for (size_t at = 0; at < 16 << 20; at += 4096) held[at] = 1;
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    while (rmdir(group) != 0) ;
  }
  printf("%d\\n", killed);
  return 0;
}
`;

async function rapid(): Promise<void> {
  const folder = join('/tmp', `cgctl-bench-${process.pid}`);
  mkdirSync(folder);
  const program = join(folder, 'churn');
  writeFileSync(`${program}.c`, CHURN);
  assert.equal(spawnSync('cc', ['-O2', '-o', program, `${program}.c`], { stdio: 'inherit' }).status, 0);
  const engine = new EventEngine(openHost({ readOnly: true }), defaultRegistry);
  await engine.start();
  let [given, lost, named] = [0, 0, 0];
  const seen = new Map<string, number>();
  engine.subscribe(({ kind, cgroup, count = 0, details }) => {
    if (kind !== 'oom_kill') return;
    if (cgroup === UNATTRIBUTED) lost += count;
    else if (cgroup.startsWith(`${path}/rapid/`)) {
      given += count;
      seen.set(cgroup, (seen.get(cgroup) ?? 0) + count);
      if (details?.victim !== undefined) named += 1;
    }
  });
  const top = join(memory, 'rapid');
  mkdirSync(top);
  const before = machineKills();
  const started = performance.now();
  const child: ChildProcess = spawn(program, [top, String(RAPID_KILLS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout?.on('data', (data) => {
    output += String(data);
  });
  await once(child, 'close');
  const seconds = (performance.now() - started) / 1000;
  const machine = machineKills() - before;
  const deadline = performance.now() + 10_000;
  while (given + lost < machine && performance.now() < deadline) await sleep(100);
  // Each group had one process: more than one kill in it is another's.
  const wrong = [...seen.values()].reduce((sum, count) => sum + count - 1, 0);
  await engine.close();
  rmdirSync(top);
  spawnSync('rm', ['-r', folder]);
  console.log(
    `${output.trim()} OOM kills in ${seconds.toFixed(1)} s, each group removed at once: /proc/vmstat ${machine}, told ${given + lost}; ` +
      `given to their group ${(((given - wrong) / RAPID_KILLS) * 100).toFixed(1)}% (${named} with a victim, those of a wrong one too), to a wrong one ${wrong}, unattributed ${lost}`,
  );
}

async function idle(): Promise<void> {
  for (const place of hierarchies)
    for (let i = 0; i < IDLE_GROUPS; i++) mkdirSync(join(place, `idle${i}`), { recursive: true });
  const start = process.cpuUsage();
  const engine = new EventEngine(openHost({ readOnly: true }), defaultRegistry);
  await engine.start();
  const started = process.cpuUsage(start);
  const { tree, writes, eventfds, modified, polled } = engine.status();
  await sleep(2000);
  const before = process.cpuUsage();
  const events = engine.status().events;
  await sleep(IDLE_MS);
  const used = process.cpuUsage(before);
  const happened = engine.status().events - events;
  await engine.close();
  for (const place of hierarchies) for (let i = 0; i < IDLE_GROUPS; i++) rmdirSync(join(place, `idle${i}`));
  console.log(
    `${IDLE_GROUPS} groups in ${hierarchies.length} hierarchies: started with ${((started.user + started.system) / 1000).toFixed(0)} ms of CPU ` +
      `(tree by ${tree}, writes by ${writes}; ${eventfds} eventfds, ${modified} inotify watches, ${polled} polled); ` +
      `then ${(((used.user + used.system) / 1000 / IDLE_MS) * 100).toFixed(3)}% of a CPU, ${happened} events meanwhile`,
  );
}

for (const place of hierarchies) mkdirSync(place);
try {
  await latency();
  await rapid();
  await idle();
} finally {
  for (const place of hierarchies.filter((each) => existsSync(each))) {
    for (const name of readdirSync(place))
      if (existsSync(join(place, name, 'cgroup.procs'))) rmdirSync(join(place, name));
    rmdirSync(place);
  }
}
