/** Huge pages from the hugetlbfs pool, by page size: what is used and what is reserved. */

import type { ValueMap, ValueType } from './controller.ts';
import { controller, counter, files, gauge, knob } from './controller.ts';

const perPageSize: ValueType = {
  kind: 'map',
  key: 'pagesize',
  value: { kind: 'bytes', min: 0, unlimited: true },
  example: '2MB:512m',
};
const errno = {
  EBUSY: 'more than that is in use',
  EINVAL: 'not a number that the kernel knows, or the group is the root',
};

export const hugetlb = controller(() => ({
  name: 'hugetlb',
  summary: 'Huge pages, by page size',
  v1: 'hugetlb',
  v2: 'hugetlb',
  // But for files whose pages others give back: those show late.
  still: true,
  doc: 'Documentation/admin-guide/cgroup-v1/hugetlb.rst, Documentation/admin-guide/cgroup-v2.rst "HugeTLB"',
  knobs: {
    max: knob<ValueMap>({
      flag: '--hugetlb-limit',
      type: perPageSize,
      help: 'bytes of huge pages of one size that may be in use (floored to a whole page); beyond it the task gets SIGBUS',
      scope: 'not-root',
      v1: { file: 'hugetlb.{key}.limit_in_bytes', shape: { kind: 'files' }, unlimited: '-1', errno },
      v2: { file: 'hugetlb.{key}.max', shape: { kind: 'files' }, errno },
      metric: { name: 'hugetlb_limit_bytes', unit: 'bytes' },
    }),
    rsvd_max: knob<ValueMap>({
      flag: '--hugetlb-rsvd-limit',
      type: perPageSize,
      help: 'bytes of huge pages of one size that may be reserved (floored to a whole page); beyond it mmap fails',
      scope: 'not-root',
      v1: { file: 'hugetlb.{key}.rsvd.limit_in_bytes', shape: { kind: 'files' }, unlimited: '-1', errno },
      v2: { file: 'hugetlb.{key}.rsvd.max', shape: { kind: 'files' }, errno },
      metric: { name: 'hugetlb_rsvd_limit_bytes', unit: 'bytes' },
    }),
  },
  stats: [
    gauge('hugetlb_usage_bytes', 'bytes', 'Huge pages in use', {
      v1: files('hugetlb.{key}.usage_in_bytes'),
      v2: files('hugetlb.{key}.current'),
      label: 'pagesize',
      scope: 'not-root',
      cadvisor: 'container_hugetlb_usage_bytes',
    }),
    gauge('hugetlb_peak_bytes', 'bytes', 'Most huge pages in use on record', {
      v1: files('hugetlb.{key}.max_usage_in_bytes'),
      label: 'pagesize',
      scope: 'not-root',
      cadvisor: 'container_hugetlb_max_usage_bytes',
    }),
    gauge('hugetlb_rsvd_bytes', 'bytes', 'Huge pages reserved', {
      v1: files('hugetlb.{key}.rsvd.usage_in_bytes'),
      v2: files('hugetlb.{key}.rsvd.current'),
      label: 'pagesize',
      scope: 'not-root',
    }),
    counter('hugetlb_limit_hits_total', 'count', 'Allocations that failed because of the limit', {
      v1: files('hugetlb.{key}.failcnt', { extent: 'local' }),
      v2: {
        file: 'hugetlb.{key}.events.local',
        format: { at: 'files', key: 'max' },
        extent: 'local',
      },
      label: 'pagesize',
      scope: 'not-root',
      cadvisor: 'container_hugetlb_failcnt',
    }),
  ],
}));
