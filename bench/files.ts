/** The 25 files of floor.c as declarations: those of cgctl that are among them, and some for files that cgctl leaves alone. */
import {
  alternatives,
  controller,
  count,
  type Declared,
  gauge,
  ops,
  type Stat,
  scalar,
} from '../src/controllers/controller.ts';
import { defaultRegistry } from '../src/controllers/index.ts';
import { type Registry, registry } from '../src/controllers/registry.ts';

const FILES: ReadonlySet<string> = new Set([
  'cpuacct.usage',
  'memory.usage_in_bytes',
  'pids.current',
  'cpu.stat',
  'memory.stat',
  'cpuacct.stat',
  'blkio.throttle.io_service_bytes_recursive',
  'blkio.throttle.io_serviced_recursive',
  'memory.oom_control',
  'memory.failcnt',
  'cpuacct.usage_percpu',
  'memory.max_usage_in_bytes',
  'memory.numa_stat',
  'freezer.state',
  'cpu.shares',
  'memory.limit_in_bytes',
  'memory.memsw.limit_in_bytes',
  'pids.max',
]);

const others = controller(() => ({
  name: 'others',
  summary: 'Files that cgctl does not read by itself',
  v1: 'memory',
  doc: 'none',
  stats: [
    gauge('memsw_bytes', 'bytes', 'Memory and swap', { v1: scalar('memory.memsw.usage_in_bytes') }),
    gauge('soft_limit_bytes', 'bytes', 'Soft limit', { v1: scalar('memory.soft_limit_in_bytes'), setting: true }),
    gauge('members', 'count', 'Processes', { v1: count('cgroup.procs', { in: 'devices' }) }),
    gauge('own_bytes', 'bytes', 'Read', {
      v1: ops('blkio.throttle.io_service_bytes', 'Read', { in: 'blkio' }),
      label: 'device',
    }),
    gauge('own_reads', 'count', 'Reads', {
      v1: ops('blkio.throttle.io_serviced', 'Read', { in: 'blkio' }),
      label: 'device',
    }),
    gauge('cpus', 'count', 'CPUs', { v1: count('cpuset.cpus', { in: 'cpuset' }), setting: true }),
    gauge('nodes', 'count', 'Nodes', { v1: count('cpuset.mems', { in: 'cpuset' }), setting: true }),
  ],
}));

/** @returns the registry of 25 files of a v1 group */
export function floorRegistry(): Registry {
  const own = defaultRegistry.controllers.map((one): Declared => {
    const floor = {
      ...one,
      stats: one.stats.flatMap(onlyFloor),
      knobs: one.knobs.flatMap(({ v2: _, ...knob }) =>
        alternatives(knob.v1).some(({ file }) => FILES.has(file)) ? [knob] : [],
      ),
    };
    return () => floor;
  });
  return registry([...own, others]);
}

function onlyFloor({ v2: _, ...stat }: Stat): Stat[] {
  const sources = alternatives(stat.v1).filter(({ file }) => FILES.has(file));
  return sources.length > 0 ? [{ ...stat, v1: sources }] : [];
}
