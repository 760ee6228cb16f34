/** What every group has, whatever its controllers: limits on its subtree, its type, its members, its end. */
import { controller, count, flat, gauge, knob } from './controller.ts';

/** Depth and descendants are ints in the kernel. */
const INT_MAX = 2 ** 31 - 1;
const none = { v1: 'v1 has no such file' };

export const core = controller(() => ({
  name: 'core',
  summary: 'Subtree limits, type, members',
  v1: 'every',
  v2: 'core',
  prefer: 'v1',
  doc: 'Documentation/admin-guide/cgroup-v1/cgroups.rst, Documentation/admin-guide/cgroup-v2.rst "Core Interface Files"',
  knobs: {
    max_depth: knob<number>({
      flag: '--cgroup-max-depth',
      type: { kind: 'int', min: 0, max: INT_MAX, unit: 'levels', unlimited: true },
      help: 'how deep groups below this one may nest (v2)',
      v2: { file: 'cgroup.max.depth', errno: { ERANGE: 'below 0' } },
      unsupported: none,
    }),
    max_descendants: knob<number>({
      flag: '--cgroup-max-descendants',
      type: { kind: 'int', min: 0, max: INT_MAX, unit: 'groups', unlimited: true },
      help: 'how many groups there may be below this one (v2)',
      v2: { file: 'cgroup.max.descendants', errno: { ERANGE: 'below 0' } },
      unsupported: none,
    }),
    type: knob<string>({
      flag: '--cgroup-type',
      type: { kind: 'enum', values: ['threaded'] },
      help: 'make the group part of a threaded subtree, which holds threads of one process; there is no way back (v2)',
      scope: 'not-root',
      v2: {
        file: 'cgroup.type',
        undo: 'none',
        errno: {
          EOPNOTSUPP:
            'the group, its parent or a child has processes or domain controllers that a threaded subtree cannot have',
        },
      },
      unsupported: { v1: 'v1 places threads one by one: use attach --thread' },
    }),
    controllers: knob<string>({
      type: { kind: 'text', pattern: /^[\w ]*$/, example: 'cpu memory' },
      help: 'controllers that the parent makes available here (v2)',
      v2: { file: 'cgroup.controllers' },
      unsupported: none,
    }),
    subtree_control: knob<string>({
      type: { kind: 'text', pattern: /^[\w ]*$/, example: 'cpu memory' },
      help: 'controllers that are enabled for the children; plans enable what they need (v2)',
      v2: { file: 'cgroup.subtree_control' },
      unsupported: none,
    }),
    notify_on_release: knob<boolean>({
      flag: '--notify-on-release',
      type: { kind: 'bool' },
      help: 'run the release agent when the group becomes empty (v1)',
      v1: { file: 'notify_on_release' },
      unsupported: { v2: 'v2 tells in cgroup.events when a group becomes empty' },
    }),
    release_agent: knob<string>({
      flag: '--release-agent',
      type: { kind: 'text', pattern: /^(?:\/[^\n\0]{0,4094})?$/, example: '/usr/local/sbin/cgroup-empty' },
      help: 'program that the kernel runs, as root, when a group with notify_on_release becomes empty; an empty text is none (v1)',
      scope: 'root',
      v1: { file: 'release_agent' },
      unsupported: { v2: 'v2 tells in cgroup.events when a group becomes empty' },
    }),
    clone_children: knob<boolean>({
      flag: '--clone-children',
      type: { kind: 'bool' },
      help: 'new children begin with this group’s CPUs and nodes (v1; it acts in the cpuset hierarchy alone)',
      v1: { file: 'cgroup.clone_children', in: 'cpuset' },
      unsupported: { v2: 'v2’s children use their parent’s CPUs and nodes anyway' },
    }),
  },
  actions: {
    kill: {
      help: 'kill every process in the group and below',
      scope: 'not-root',
      destructive: true,
      role: 'kill',
      v2: { file: 'cgroup.kill', write: '1', errno: { EOPNOTSUPP: 'the group is threaded: kill its domain’s group' } },
    },
  },
  stats: [
    gauge('processes', 'count', 'Processes in this group, not in its descendants', {
      v1: count('cgroup.procs', { extent: 'local' }),
      v2: count('cgroup.procs', { extent: 'local' }),
      role: 'procs',
      still: true,
      cadvisor: 'container_processes',
    }),
    gauge('populated', 'count', '1 while there is a process in the group or below', {
      v2: flat('cgroup.events', 'populated'),
      scope: 'not-root',
      role: 'populated',
    }),
    gauge('descendants', 'count', 'Groups below this one', {
      v2: flat('cgroup.stat', 'nr_descendants'),
      still: true,
    }),
    gauge('dying_descendants', 'count', 'Removed groups below this one that the kernel still keeps', {
      v2: flat('cgroup.stat', 'nr_dying_descendants'),
      still: true,
    }),
  ],
  events: [
    {
      name: 'populated',
      help: 'the first process came in, or the last one is gone',
      v2: { file: 'cgroup.events', mechanism: 'modify', counters: [], state: 'populated' },
    },
    {
      name: 'frozen',
      help: 'the group is frozen, or thawed again',
      v2: { file: 'cgroup.events', mechanism: 'modify', counters: [], state: 'frozen' },
    },
  ],
}));
