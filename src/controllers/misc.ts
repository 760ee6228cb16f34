/** Countable resources of the machine that have no controller of their own, such as keys of encrypted virtual machines. */

import type { Slot, ValueMap } from './controller.ts';
import { controller, counter, gauge, keyed, knob } from './controller.ts';

const slot: Slot<ValueMap> = {
  file: 'misc.max',
  shape: { kind: 'keyed', remove: 'max' },
  unlimited: 'max',
  errno: { EINVAL: 'no such resource (the root’s misc.capacity lists them), or not a number' },
};

export const misc = controller(() => ({
  name: 'misc',
  summary: 'Other countable resources',
  v1: 'misc',
  v2: 'misc',
  doc: 'Documentation/admin-guide/cgroup-v1/misc.rst, Documentation/admin-guide/cgroup-v2.rst "Misc"',
  knobs: {
    max: knob<ValueMap>({
      flag: '--misc-limit',
      type: {
        kind: 'map',
        key: 'resource',
        value: { kind: 'int', min: 0, max: Number.MAX_SAFE_INTEGER, unlimited: true },
        example: 'sev:10',
      },
      help: 'most units of a resource; "max" takes the limit away',
      scope: 'not-root',
      v1: slot,
      v2: slot,
      metric: { name: 'misc_limit', unit: 'count' },
    }),
  },
  stats: [
    gauge('misc', 'count', 'Units of a resource in use', {
      v1: keyed('misc.current'),
      v2: keyed('misc.current'),
      label: 'resource',
    }),
    gauge('misc_capacity', 'count', 'Units of a resource that the machine has', {
      v1: keyed('misc.capacity'),
      v2: keyed('misc.capacity'),
      label: 'resource',
      scope: 'root',
    }),
    counter('misc_limit_hits_total', 'count', 'Times that use of a resource met the limit, descendants included', {
      v1: { file: 'misc.events', format: { at: 'keyed', suffix: '.max' } },
      v2: { file: 'misc.events', format: { at: 'keyed', suffix: '.max' } },
      label: 'resource',
      scope: 'not-root',
    }),
  ],
}));
