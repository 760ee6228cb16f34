/**
 * Pressure: the time in which tasks stood still for want of CPU, memory or I/O. Who waits for a CPU or for memory gets some of it now
 * and then, which moves the group's figures; who waits for a device may do nothing else for long.
 */
import { STALLED } from './alarms.ts';
import { type Column, controller, counter, knob, psi as pressure } from './controller.ts';

/** Some waited, and all of them did: the second is what hurts. */
const waiting = (resource: string, rank: number, worse: string): Column => ({
  title: `PSI ${resource}`,
  show: 'ratio',
  rank,
  worse,
  alarm: STALLED,
});

export const psi = controller(() => ({
  name: 'psi',
  summary: 'Pressure stall information',
  v2: 'core',
  doc: 'Documentation/accounting/psi.rst, Documentation/admin-guide/cgroup-v2.rst "Core Interface Files"',
  unsupported: { v1: 'pressure is only known in the cgroup2 hierarchy' },
  knobs: {
    enabled: knob<boolean>({
      flag: '--pressure',
      type: { kind: 'bool' },
      help: 'whether pressure is accounted in this group (its descendants have a switch of their own)',
      v2: { file: 'cgroup.pressure' },
    }),
  },
  stats: [
    counter('pressure_cpu_waiting_seconds_total', 'seconds', 'Time in which some task waited for a CPU', {
      v2: pressure('cpu.pressure', 'some'),
      still: true,
      chart: { on: 'pressure', as: 'line', title: 'CPU some', like: 'cpu' },
      role: 'pressure.cpu',
      cadvisor: 'container_pressure_cpu_waiting_seconds_total',
      column: waiting('cpu', 6, 'pressure_cpu_stalled_seconds_total'),
    }),
    counter('pressure_cpu_stalled_seconds_total', 'seconds', 'Time in which all tasks waited for a CPU at once', {
      v2: pressure('cpu.pressure', 'full'),
      still: true,
      chart: { on: 'pressure', as: 'area', title: 'CPU full', like: 'cpu' },
      cadvisor: 'container_pressure_cpu_stalled_seconds_total',
    }),
    counter('pressure_memory_waiting_seconds_total', 'seconds', 'Time in which some task waited for memory', {
      v2: pressure('memory.pressure', 'some'),
      still: true,
      chart: { on: 'pressure', as: 'line', title: 'memory some', like: 'memory' },
      role: 'pressure.memory',
      cadvisor: 'container_pressure_memory_waiting_seconds_total',
      column: waiting('mem', 7, 'pressure_memory_stalled_seconds_total'),
    }),
    counter('pressure_memory_stalled_seconds_total', 'seconds', 'Time in which all tasks waited for memory at once', {
      v2: pressure('memory.pressure', 'full'),
      still: true,
      chart: { on: 'pressure', as: 'area', title: 'memory full', like: 'memory' },
      cadvisor: 'container_pressure_memory_stalled_seconds_total',
    }),
    counter('pressure_io_waiting_seconds_total', 'seconds', 'Time in which some task waited for I/O', {
      v2: pressure('io.pressure', 'some'),
      chart: { on: 'pressure', as: 'line', title: 'I/O some', like: 'io' },
      role: 'pressure.io',
      cadvisor: 'container_pressure_io_waiting_seconds_total',
      column: waiting('io', 8, 'pressure_io_stalled_seconds_total'),
    }),
    counter('pressure_io_stalled_seconds_total', 'seconds', 'Time in which all tasks waited for I/O at once', {
      v2: pressure('io.pressure', 'full'),
      chart: { on: 'pressure', as: 'area', title: 'I/O full', like: 'io' },
      cadvisor: 'container_pressure_io_stalled_seconds_total',
    }),
    counter('pressure_irq_stalled_seconds_total', 'seconds', 'Time in which interrupts kept all tasks from a CPU', {
      v2: pressure('irq.pressure', 'full'),
      still: true,
    }),
  ],
}));
