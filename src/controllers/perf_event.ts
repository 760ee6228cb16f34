/** Membership alone: perf can count the events of a group (`perf stat -G`); there is nothing to set. */
import { controller } from './controller.ts';

export const perfEvent = controller(() => ({
  name: 'perf_event',
  summary: 'Groups for perf to count events by',
  v1: 'perf_event',
  doc: 'tools/perf/Documentation/perf-stat.txt',
  unsupported: { v2: 'on v2 perf can count in every group; nothing needs to be enabled' },
}));
