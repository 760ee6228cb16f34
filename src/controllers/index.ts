/** Every controller that cgctl knows, one line each. A new one is added here and nowhere else. */
import type { Declared } from './controller.ts';
import { core } from './core.ts';
import { cpu } from './cpu.ts';
import { cpuacct } from './cpuacct.ts';
import { cpuset } from './cpuset.ts';
import { devices } from './devices.ts';
import { dmem } from './dmem.ts';
import { freezer } from './freezer.ts';
import { hugetlb } from './hugetlb.ts';
import { io } from './io.ts';
import { memory } from './memory.ts';
import { misc } from './misc.ts';
import { netCls } from './net_cls.ts';
import { netPrio } from './net_prio.ts';
import { perfEvent } from './perf_event.ts';
import { pids } from './pids.ts';
import { psi } from './psi.ts';
import { rdma } from './rdma.ts';
import { registry } from './registry.ts';

/** In the order in which people are shown them. */
export const controllers: readonly Declared[] = [
  cpu,
  cpuacct,
  memory,
  io,
  cpuset,
  pids,
  freezer,
  devices,
  hugetlb,
  netCls,
  netPrio,
  rdma,
  misc,
  dmem,
  perfEvent,
  psi,
  core,
];

/** What every room uses unless a test gives it another. */
export const defaultRegistry = registry(controllers);
