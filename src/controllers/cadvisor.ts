/** cAdvisor's metrics that no control file of a group gives: those that come from elsewhere, and those that are not served. */

/** A family that is made from processes, the machine, or what is known of the group. */
export interface HostFamily {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  /** Labels beside `id`, `image` and `name`. */
  readonly labels?: readonly string[];
  /** Where its figures come from. */
  readonly source: string;
  /** Where it differs from cAdvisor on purpose, and why. */
  readonly differs?: string;
}

/** A switch of the service's configuration has to be on for it. */
const PROCESSES = 'only with `metrics.processes`: it costs a look at every process';
const NETWORK =
  'each network namespace once, at the group of its oldest process (a pod’s sandbox), and this machine’s own at `/`; without lo, veth and docker interfaces, as cAdvisor. Only with `metrics.network`';
const MACHINE =
  'without `boot_id`, `machine_id` and `system_uuid`: they are the same in all series of a target, which `instance` names, and machine-id(5) asks to keep the id from leaving';

const network = (way: 'receive' | 'transmit', what: string, help: string): HostFamily => ({
  name: `container_network_${way}_${what}_total`,
  kind: 'counter',
  help,
  labels: ['interface'],
  source: '`/proc/<pid>/net/dev`',
  differs: NETWORK,
});

/** In the order in which they are written. */
export const HOST_FAMILIES = {
  start: {
    name: 'container_start_time_seconds',
    kind: 'gauge',
    help: 'When the group’s directory was made, as far as the kernel still knows',
    source: 'the directory’s times; `btime` of `/proc/stat` for `/`',
    differs:
      'the time of the first look counts: under memory pressure the kernel forgets the directory’s times, and cAdvisor’s figure moves then',
  },
  seen: {
    name: 'container_last_seen',
    kind: 'gauge',
    help: 'When the group was last looked at',
    source: 'the clock',
  },
  descriptors: {
    name: 'container_file_descriptors',
    kind: 'gauge',
    help: 'Open file descriptors of the group’s processes',
    source: '`/proc/<pid>/fd`',
    differs: PROCESSES,
  },
  sockets: {
    name: 'container_sockets',
    kind: 'gauge',
    help: 'Open sockets of the group’s processes',
    source: '`/proc/<pid>/fd`',
    differs: PROCESSES,
  },
  ulimits: {
    name: 'container_ulimits_soft',
    kind: 'gauge',
    help: 'Soft limit of the group’s first process',
    labels: ['ulimit'],
    source: '`/proc/<pid>/limits`',
    differs: `${PROCESSES}; no limit is \`+Inf\`, where cAdvisor says -1`,
  },
  receivedBytes: network('receive', 'bytes', 'Bytes received'),
  receivedPackets: network('receive', 'packets', 'Packets received'),
  receivedDropped: network('receive', 'packets_dropped', 'Packets dropped while receiving'),
  receivedErrors: network('receive', 'errors', 'Errors while receiving'),
  transmittedBytes: network('transmit', 'bytes', 'Bytes transmitted'),
  transmittedPackets: network('transmit', 'packets', 'Packets transmitted'),
  transmittedDropped: network('transmit', 'packets_dropped', 'Packets dropped while transmitting'),
  transmittedErrors: network('transmit', 'errors', 'Errors while transmitting'),
  scrapeError: {
    name: 'container_scrape_error',
    kind: 'gauge',
    help: '1 if a control file could not be read at the last look though it was there, else 0',
    source: 'the sampler',
  },
  cores: {
    name: 'machine_cpu_cores',
    kind: 'gauge',
    help: 'CPUs that are online',
    source: '`/sys/devices/system/cpu/online`',
    differs: MACHINE,
  },
  physicalCores: {
    name: 'machine_cpu_physical_cores',
    kind: 'gauge',
    help: 'Cores that these CPUs are threads of',
    source: '`/sys/devices/system/cpu/cpu*/topology/core_id`',
    differs: MACHINE,
  },
  packages: {
    name: 'machine_cpu_sockets',
    kind: 'gauge',
    help: 'Sockets that these CPUs are in',
    source: '`/sys/devices/system/cpu/cpu*/topology/physical_package_id`',
    differs: MACHINE,
  },
  memory: {
    name: 'machine_memory_bytes',
    kind: 'gauge',
    help: 'Memory of the machine',
    source: '`/proc/meminfo`, `MemTotal`',
    differs: MACHINE,
  },
  swap: {
    name: 'machine_swap_bytes',
    kind: 'gauge',
    help: 'Swap space of the machine',
    source: '`/proc/meminfo`, `SwapTotal`',
    differs: MACHINE,
  },
  nodeMemory: {
    name: 'machine_node_memory_capacity_bytes',
    kind: 'gauge',
    help: 'Memory of a NUMA node',
    labels: ['node_id'],
    source: '`/sys/devices/system/node/node*/meminfo`',
    differs: MACHINE,
  },
  nodeDistance: {
    name: 'machine_node_distance',
    kind: 'gauge',
    help: 'Distance from a NUMA node to another',
    labels: ['node_id', 'target_node_id'],
    source: '`/sys/devices/system/node/node*/distance`',
    differs: MACHINE,
  },
  nodeHugepages: {
    name: 'machine_node_hugepages_count',
    kind: 'gauge',
    help: 'Huge pages in the pool of a NUMA node; page_size is in KiB',
    labels: ['node_id', 'page_size'],
    source: '`/sys/devices/system/node/node*/hugepages/hugepages-*kB/nr_hugepages`',
    differs: MACHINE,
  },
  machineError: {
    name: 'machine_scrape_error',
    kind: 'gauge',
    help: '1 if the machine’s figures could not be read, else 0',
    source: 'the exporter',
  },
  version: {
    name: 'cadvisor_version_info',
    kind: 'gauge',
    help: 'Versions of the kernel, the system and this exporter; always 1',
    labels: ['cadvisorRevision', 'cadvisorVersion', 'dockerVersion', 'kernelVersion', 'osVersion'],
    source: 'uname(2), os-release(5)',
    differs:
      '`cadvisorVersion` is `cgctl` and its version; revision and Docker’s version are empty: no daemon is asked',
  },
} as const satisfies Readonly<Record<string, HostFamily>>;

/** Names that are not served, and why. */
export const REFUSED: readonly { readonly names: readonly string[]; readonly why: string }[] = [
  {
    names: ['container_memory_migrate'],
    why: 'a setting of v1 that hardly anybody changes; it would cost a file a group at each look. `cgctl get` shows it',
  },
  {
    names: [
      'container_fs_io_current',
      'container_fs_io_time_seconds_total',
      'container_fs_io_time_weighted_seconds_total',
      'container_fs_read_seconds_total',
      'container_fs_write_seconds_total',
      'container_fs_reads_merged_total',
      'container_fs_writes_merged_total',
      'container_fs_sector_reads_total',
      'container_fs_sector_writes_total',
    ],
    why: 'no group has them since the CFQ scheduler left the kernel (5.0); bfq’s are for debugging kernels, and a disk’s own are not a group’s',
  },
  {
    names: [
      'container_fs_usage_bytes',
      'container_fs_limit_bytes',
      'container_fs_inodes_free',
      'container_fs_inodes_total',
    ],
    why: 'a file system’s and a runtime’s storage, no control group’s: node_exporter and the runtime have them',
  },
  {
    names: [
      'container_cpu_schedstat_run_seconds_total',
      'container_cpu_schedstat_runqueue_seconds_total',
      'container_cpu_schedstat_run_periods_total',
    ],
    why: 'a sum over the processes that are there now: it falls when one ends, so it is no counter. `container_pressure_cpu_waiting_seconds_total` says how long a group waited for CPUs',
  },
  {
    names: ['container_cpu_load_average_10s', 'container_cpu_load_d_average_10s', 'container_tasks_state'],
    why: 'the kernel’s taskstats interface answers for v1 groups alone, and an average computed before the query cannot be put together again; pressure has replaced them',
  },
  {
    names: [
      'container_network_tcp_usage_total',
      'container_network_tcp6_usage_total',
      'container_network_udp_usage_total',
      'container_network_udp6_usage_total',
      'container_network_advance_tcp_stats_total',
    ],
    why: 'gauges under the name of counters, made by reading every socket of a namespace at each scrape; cAdvisor has them off by default',
  },
  {
    names: ['container_referenced_bytes'],
    why: 'to measure it the kernel’s reference bits of all the group’s pages are cleared, which disturbs reclaim; cAdvisor has it off by default',
  },
  {
    names: [
      'container_perf_events_total',
      'container_perf_events_scaling_ratio',
      'container_perf_uncore_events_total',
      'container_perf_uncore_events_scaling_ratio',
    ],
    why: 'needs a perf event opened for each group and CPU, by a list of events that fits the processor',
  },
  {
    names: [
      'container_llc_occupancy_bytes',
      'container_memory_bandwidth_bytes',
      'container_memory_bandwidth_local_bytes',
    ],
    why: 'figures of resctrl groups, which are none of the control groups',
  },
  {
    names: ['container_creation_time_seconds'],
    why: 'of a group by itself no more is known than `container_start_time_seconds` says',
  },
  { names: ['container_health_state'], why: 'only the container runtime’s own interface tells it' },
  {
    names: ['machine_cpu_cache_capacity_bytes', 'machine_thread_siblings_count'],
    why: 'series for each core that never change: lscpu(1) tells them once',
  },
  {
    names: [
      'machine_dimm_count',
      'machine_dimm_capacity_bytes',
      'machine_nvm_capacity',
      'machine_nvm_avg_power_budget_watts',
    ],
    why: 'memory modules as the firmware lists them: an inventory’s matter, and nothing of groups',
  },
  { names: ['machine_cpu_books', 'machine_cpu_drawers'], why: 'only s390 has them' },
];
