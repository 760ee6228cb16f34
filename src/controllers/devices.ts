/** Which device nodes a group's tasks may open and make. */

import type { ValueType } from './controller.ts';
import { controller, knob } from './controller.ts';

const rules: ValueType = {
  kind: 'rules',
  pattern: /^(?:a|[abc] (?:\d+|\*):(?:\d+|\*) [rwm]{1,3})$/,
  example: 'c 1:3 rwm',
};
const errno = {
  EPERM: 'it takes CAP_SYS_ADMIN, and a child cannot be allowed what its parent is not',
  EINVAL: 'not a rule such as "c 1:3 rwm", or "a" while the group has children',
};

export const devices = controller(() => ({
  name: 'devices',
  summary: 'Access to device nodes',
  v1: 'devices',
  doc: 'Documentation/admin-guide/cgroup-v1/devices.rst',
  unsupported: { v2: 'on v2 the rules are an eBPF program of the group, which cgctl cannot set or read yet' },
  knobs: {
    // written first: "deny a, allow c 1:3" leaves one device
    deny: knob<readonly string[]>({
      flag: '--device-deny',
      type: rules,
      help: 'deny access to a device, in the words of --device-cgroup-rule; what is allowed in the same command is allowed after it',
      v1: { file: 'devices.deny', shape: { kind: 'append' }, undo: 'none', errno },
    }),
    allow: knob<readonly string[]>({
      flag: '--device-cgroup-rule',
      type: rules,
      help: 'allow access to a device: type (b, c or a for all), MAJOR:MINOR or *, and any of r, w and m (make the node); what is shown leaves out what was denied out of "a *:* rwm"',
      v1: { file: 'devices.allow', shape: { kind: 'append', list: 'devices.list' }, undo: 'none', errno },
    }),
  },
}));
