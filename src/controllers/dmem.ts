/** Memory of devices, as a graphics card's, by region. */

import type { ValueMap, ValueType } from './controller.ts';
import { controller, gauge, keyed, knob } from './controller.ts';

const perRegion: ValueType = {
  kind: 'map',
  key: 'resource',
  value: { kind: 'bytes', min: 0, unlimited: true },
  example: 'drm/0000:03:00.0/vram0:1g',
};
const errno = { EINVAL: 'no such region (the root’s dmem.capacity lists them), or not a number' };
const unsupported = { v1: 'v1 has no control of device memory' };

export const dmem = controller(() => ({
  name: 'dmem',
  summary: 'Device memory, by region',
  v2: 'dmem',
  doc: 'Documentation/admin-guide/cgroup-v2.rst "DMEM"',
  unsupported,
  knobs: {
    max: knob<ValueMap>({
      flag: '--dmem-max',
      type: perRegion,
      help: 'hard limit on device memory of a region; "max" takes it away',
      scope: 'not-root',
      v2: { file: 'dmem.max', shape: { kind: 'keyed', remove: 'max' }, errno },
      metric: { name: 'dmem_limit_bytes', unit: 'bytes' },
    }),
    low: knob<ValueMap>({
      flag: '--dmem-low',
      type: perRegion,
      help: 'device memory of a region that is kept while others have more to give',
      scope: 'not-root',
      v2: { file: 'dmem.low', shape: { kind: 'keyed' }, errno },
    }),
    min: knob<ValueMap>({
      flag: '--dmem-min',
      type: perRegion,
      help: 'device memory of a region that is never taken away',
      scope: 'not-root',
      v2: { file: 'dmem.min', shape: { kind: 'keyed' }, errno },
    }),
  },
  stats: [
    gauge('dmem_usage_bytes', 'bytes', 'Device memory in use', {
      v2: keyed('dmem.current'),
      label: 'resource',
      scope: 'not-root',
    }),
    gauge('dmem_capacity_bytes', 'bytes', 'Device memory that a region has', {
      v2: keyed('dmem.capacity'),
      label: 'resource',
      scope: 'root',
    }),
  ],
}));
