/** The boards: scripts/dashboards.mjs writes each as JSON that Grafana imports. */
import { cgroup } from './cgroup.ts';
import type { Board } from './grafana.ts';
import { host } from './host.ts';
import { limits } from './limits.ts';
import { pressureBoard } from './pressure.ts';

export const boards: readonly Board[] = [host, cgroup, pressureBoard, limits];
