/** Which CPUs a group's tasks may run on and which NUMA nodes their memory may come from. */
import { controller, derived, knob } from './controller.ts';

const MEMS_ERRNO = {
  EINVAL: 'not a list of existing nodes, or it overlaps an exclusive sibling',
  ERANGE: 'a number beyond the kernel’s own count',
  EOVERFLOW: 'a number too large for the kernel’s list format',
  EACCES: 'not a subset of the parent’s: widen the parent first',
  EBUSY: 'a child uses what would be taken away: narrow the child first',
  ENOSPC: 'it cannot be emptied while tasks are inside',
};
const CPUS_ERRNO = { ...MEMS_ERRNO, EINVAL: 'not a list of existing CPUs, or it overlaps an exclusive sibling' };

export const cpuset = controller(() => ({
  name: 'cpuset',
  summary: 'Placement on CPUs and NUMA nodes',
  v1: 'cpuset',
  v2: 'cpuset',
  doc: 'Documentation/admin-guide/cgroup-v1/cpusets.rst, Documentation/admin-guide/cgroup-v2.rst "Cpuset"',
  knobs: {
    memory_migrate: knob<boolean>({
      flag: '--cpuset-memory-migrate',
      type: { kind: 'bool' },
      help: 'move pages along when the nodes change (v1; v2 always does)',
      v1: { file: 'cpuset.memory_migrate' },
      unsupported: { v2: 'v2 always moves pages when cpuset.mems changes' },
    }),
    cpus: knob<readonly number[]>({
      flag: '--cpuset-cpus',
      type: { kind: 'list', of: 'cpu' },
      help: 'CPUs that the tasks may run on, as 0-3,8',
      scope: 'not-root',
      systemd: 'AllowedCPUs',
      role: 'placement.cpus',
      v1: { file: 'cpuset.cpus', withinParent: true, populate: true, errno: CPUS_ERRNO },
      v2: { file: 'cpuset.cpus', errno: CPUS_ERRNO },
    }),
    mems: knob<readonly number[]>({
      flag: '--cpuset-mems',
      type: { kind: 'list', of: 'node' },
      help: 'NUMA nodes that memory may come from, as 0 or 0-1',
      scope: 'not-root',
      systemd: 'AllowedMemoryNodes',
      role: 'placement.nodes',
      v1: { file: 'cpuset.mems', withinParent: true, populate: true, errno: MEMS_ERRNO },
      v2: { file: 'cpuset.mems', errno: MEMS_ERRNO },
    }),
    effective_cpus: knob<readonly number[]>({
      type: { kind: 'list', of: 'cpu' },
      help: 'CPUs that the tasks can in fact run on',
      role: 'placement.cpus.effective',
      v1: { file: 'cpuset.effective_cpus' },
      v2: { file: 'cpuset.cpus.effective' },
    }),
    effective_mems: knob<readonly number[]>({
      type: { kind: 'list', of: 'node' },
      help: 'NUMA nodes that memory can in fact come from',
      role: 'placement.nodes.effective',
      v1: { file: 'cpuset.effective_mems' },
      v2: { file: 'cpuset.mems.effective' },
    }),
    cpu_exclusive: knob<boolean>({
      flag: '--cpuset-cpu-exclusive',
      type: { kind: 'bool' },
      help: 'no sibling may share these CPUs (v1; v2: --cpuset-partition)',
      scope: 'not-root',
      v1: {
        file: 'cpuset.cpu_exclusive',
        withinParent: true,
        errno: {
          EINVAL: 'a sibling shares some of the CPUs',
          EACCES: 'the parent is not exclusive: set it there first',
          EBUSY: 'a child is exclusive',
        },
      },
      unsupported: { v2: 'use --cpuset-partition root' },
    }),
    mem_exclusive: knob<boolean>({
      flag: '--cpuset-mem-exclusive',
      type: { kind: 'bool' },
      help: 'no sibling may share these nodes (v1)',
      scope: 'not-root',
      v1: {
        file: 'cpuset.mem_exclusive',
        withinParent: true,
        errno: {
          EINVAL: 'a sibling shares some of the nodes',
          EACCES: 'the parent is not exclusive: set it there first',
          EBUSY: 'a child is exclusive',
        },
      },
      unsupported: { v2: 'v2 has no exclusive memory nodes' },
    }),
    mem_hardwall: knob<boolean>({
      flag: '--cpuset-mem-hardwall',
      type: { kind: 'bool' },
      help: 'kernel allocations stay on these nodes too (v1)',
      scope: 'not-root',
      v1: { file: 'cpuset.mem_hardwall' },
      unsupported: { v2: 'v2 has no hardwall flag' },
    }),
    spread_page: knob<boolean>({
      flag: '--cpuset-memory-spread-page',
      type: { kind: 'bool' },
      help: 'spread the page cache over the nodes (v1)',
      v1: { file: 'cpuset.memory_spread_page' },
      unsupported: { v2: 'v2 has no spreading; use a memory policy (set_mempolicy)' },
    }),
    spread_slab: knob<boolean>({
      flag: '--cpuset-memory-spread-slab',
      type: { kind: 'bool' },
      help: 'spread kernel objects of the file system over the nodes (v1)',
      v1: { file: 'cpuset.memory_spread_slab' },
      unsupported: { v2: 'v2 has no spreading; use a memory policy (set_mempolicy)' },
    }),
    sched_load_balance: knob<boolean>({
      flag: '--cpuset-sched-load-balance',
      type: { kind: 'bool' },
      help: 'balance load between these CPUs (v1; v2: --cpuset-partition isolated turns it off)',
      v1: { file: 'cpuset.sched_load_balance' },
      unsupported: { v2: 'use --cpuset-partition isolated' },
    }),
    sched_relax_domain_level: knob<number>({
      flag: '--cpuset-sched-relax-domain-level',
      type: { kind: 'int', min: -1, max: 5, signed: true },
      help: 'how far the scheduler searches for an idle CPU: -1 is the system’s default, 0 not at all (v1)',
      v1: { file: 'cpuset.sched_relax_domain_level' },
      unsupported: { v2: 'v2 has no such file' },
    }),
    memory_pressure_enabled: knob<boolean>({
      flag: '--cpuset-memory-pressure-enabled',
      type: { kind: 'bool' },
      help: 'compute cpuset.memory_pressure, for all cpusets of the machine (v1)',
      scope: 'root',
      v1: { file: 'cpuset.memory_pressure_enabled' },
      unsupported: { v2: 'use memory.pressure' },
    }),
    cpus_exclusive: knob<readonly number[]>({
      flag: '--cpuset-cpus-exclusive',
      type: { kind: 'list', of: 'cpu' },
      help: 'CPUs that may form a partition below here (v2)',
      scope: 'not-root',
      v2: { file: 'cpuset.cpus.exclusive', errno: CPUS_ERRNO },
      unsupported: { v1: 'use --cpuset-cpu-exclusive' },
    }),
    partition: knob<string>({
      flag: '--cpuset-partition',
      type: { kind: 'enum', values: ['member', 'root', 'isolated'] },
      help: 'make the CPUs a scheduling domain of their own (root), without load balancing (isolated), or not (member) (v2)',
      scope: 'not-root',
      v2: {
        file: 'cpuset.cpus.partition',
        errno: {
          EINVAL: 'the parent is not a partition root, or the CPUs overlap a sibling’s',
          EBUSY: 'tasks or children are in the way',
        },
      },
      unsupported: { v1: 'use --cpuset-cpu-exclusive and --cpuset-sched-load-balance' },
    }),
  },
  derived: [
    derived<number>({
      flag: '--numa-node',
      type: { kind: 'int', min: 0, max: 1023 },
      help: 'place CPUs and memory together on this NUMA node',
      sets: ['cpuset.cpus', 'cpuset.mems'],
      encode(node, facts) {
        const cpus = facts.cpusOfNode(node);
        if (cpus === undefined) return 'this machine has no such node';
        return cpus.length === 0 ? 'the node has memory but no CPUs' : { 'cpuset.cpus': cpus, 'cpuset.mems': [node] };
      },
    }),
  ],
}));
