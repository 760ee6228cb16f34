/** Stopping every task of a group where it stands, and letting them go on. */
import { controller, flat, gauge, knob, scalar } from './controller.ts';

export const freezer = controller(() => ({
  name: 'freezer',
  summary: 'Stop and resume all tasks of a group',
  v1: 'freezer',
  v2: 'core',
  prefer: 'v1',
  onCreate: true,
  doc: 'Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, Documentation/admin-guide/cgroup-v2.rst "Core Interface Files"',
  knobs: {
    state: knob<string>({
      type: { kind: 'enum', values: ['thawed', 'frozen'] },
      help: 'whether the tasks run; changed by "cgctl freeze" and "cgctl thaw"',
      scope: 'not-root',
      role: 'freeze',
      v1: {
        file: 'freezer.state',
        encode: (state) => state.toUpperCase(),
        decode: (text) => text.toLowerCase(),
        settle: { file: 'freezer.state', is: { thawed: 'THAWED', frozen: 'FROZEN' } },
      },
      v2: {
        file: 'cgroup.freeze',
        encode: (state) => (state === 'frozen' ? '1' : '0'),
        decode: (text) => (text === '1' ? 'frozen' : 'thawed'),
        settle: { file: 'cgroup.events', key: 'frozen', is: { thawed: '0', frozen: '1' } },
      },
    }),
    self_freezing: knob<boolean>({
      type: { kind: 'bool' },
      help: 'whether the group itself was asked to freeze (v1)',
      scope: 'not-root',
      v1: { file: 'freezer.self_freezing' },
      unsupported: { v2: 'freezer.state says it' },
    }),
    parent_freezing: knob<boolean>({
      type: { kind: 'bool' },
      help: 'whether an ancestor was asked to freeze, and this group with it (v1)',
      scope: 'not-root',
      v1: { file: 'freezer.parent_freezing' },
      unsupported: { v2: 'v2 does not tell: look at the ancestors' },
    }),
  },
  stats: [
    gauge('frozen', 'count', '1 while every task of the group is frozen', {
      v1: scalar('freezer.state', { equals: 'FROZEN' }),
      v2: flat('cgroup.events', 'frozen'),
      scope: 'not-root',
      role: 'frozen',
    }),
  ],
}));
