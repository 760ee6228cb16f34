/** Handles and objects of RDMA adapters. */

import type { Slot, ValueMap, ValueType } from './controller.ts';
import { controller, gauge, knob, nested } from './controller.ts';

/** include/linux/cgroup_rdma.h: limits are below S32_MAX, which is "max". */
const some: ValueType = { kind: 'int', min: 0, max: 2 ** 31 - 2, unlimited: true };
const slot: Slot<ValueMap> = {
  file: 'rdma.max',
  shape: { kind: 'keyed', fields: true, remove: 'hca_handle=max hca_object=max' },
  errno: { EINVAL: 'not hca_handle and hca_object with numbers or max', ENODEV: 'no such RDMA device' },
};

export const rdma = controller(() => ({
  name: 'rdma',
  summary: 'RDMA handles and objects, by adapter',
  v1: 'rdma',
  v2: 'rdma',
  doc: 'Documentation/admin-guide/cgroup-v1/rdma.rst, Documentation/admin-guide/cgroup-v2.rst "RDMA"',
  knobs: {
    max: knob<ValueMap>({
      flag: '--rdma-limit',
      type: {
        kind: 'map',
        key: 'resource',
        value: { kind: 'record', fields: { hca_handle: some, hca_object: some } },
        example: 'mlx4_0:hca_handle=2,hca_object=2000',
      },
      means: [['max', Number.POSITIVE_INFINITY]],
      help: 'most handles and objects of an RDMA adapter; ADAPTER:max takes both limits away',
      scope: 'not-root',
      v1: slot,
      v2: slot,
    }),
  },
  stats: [
    gauge('rdma_hca_handles', 'count', 'Handles in use of an RDMA adapter', {
      v1: nested('rdma.current', 'hca_handle'),
      v2: nested('rdma.current', 'hca_handle'),
      label: 'resource',
      scope: 'not-root',
    }),
    gauge('rdma_hca_objects', 'count', 'Objects in use of an RDMA adapter', {
      v1: nested('rdma.current', 'hca_object'),
      v2: nested('rdma.current', 'hca_object'),
      label: 'resource',
      scope: 'not-root',
    }),
  ],
}));
