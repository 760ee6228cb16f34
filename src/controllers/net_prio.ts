/** Priority of a group's packets, by network interface. */

import type { ValueMap } from './controller.ts';
import { controller, knob } from './controller.ts';

export const netPrio = controller(() => ({
  name: 'net_prio',
  summary: 'Priority of network packets, by interface',
  v1: 'net_prio',
  doc: 'Documentation/admin-guide/cgroup-v1/net_prio.rst',
  unsupported: { v2: 'v2 has no priority map: set SO_PRIORITY with eBPF, or match the group in nftables' },
  knobs: {
    ifpriomap: knob<ValueMap>({
      flag: '--net-prio',
      type: { kind: 'map', key: 'interface', value: { kind: 'int', min: 0, max: 2 ** 32 - 1 }, example: 'eth0:5' },
      help: 'priority of packets that leave by an interface; 0 is the default',
      v1: {
        file: 'net_prio.ifpriomap',
        shape: { kind: 'keyed' },
        errno: {
          ENODEV: 'no such network interface in this network namespace',
          EINVAL: 'not an interface and a number',
        },
      },
    }),
  },
}));
