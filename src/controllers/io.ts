/** Block I/O: proportional weights, throttles per device, latency targets, the cost model, what was read and written. */

import type { Cadvisor, Knob, Slot, Source, Stat, ValueMap } from './controller.ts';
import { controller, counter, knob, nested, ops } from './controller.ts';
import { blkioWeight, linearIoWeight } from './convert.ts';

const DEVICE_ERRNO = {
  ENODEV: 'no such block device, or a partition where a whole disk is wanted',
  EINVAL: 'not MAJ:MIN and a value that the kernel knows',
  ERANGE: 'the value is out of range',
};
const weightErrno = {
  ...DEVICE_ERRNO,
  ERANGE: 'outside 1..1000',
  EOPNOTSUPP:
    'the device is under neither bfq nor the cost model: choose its scheduler, or enable the model in the root’s io.cost.qos',
};

/** One of Docker's four throttles: a file of its own on v1, a field of io.max on v2. */
const throttle = (
  flag: string,
  v1File: string,
  field: string,
  unit: 'bytes/s' | undefined,
  systemd: string,
  help: string,
): Omit<Knob, 'key'> =>
  knob<ValueMap>({
    flag,
    type: {
      kind: 'map',
      key: 'device',
      value: unit
        ? { kind: 'bytes', min: 1, unit, unlimited: true }
        : { kind: 'int', min: 1, max: 2 ** 32 - 2, unit: 'operations/s', unlimited: true },
      example: unit ? '/dev/vda:30MB' : '/dev/vda:500',
    },
    means: [['0', Number.POSITIVE_INFINITY]],
    help: `${help}; 0 or max removes it`,
    scope: 'not-root',
    systemd,
    ...(unit && { chart: { on: 'io', as: 'limit', title: field } }),
    v1: { file: v1File, shape: { kind: 'keyed', remove: '0' }, unlimited: '0', errno: DEVICE_ERRNO },
    v2: {
      file: 'io.max',
      shape: { kind: 'keyed', field, remove: 'max' },
      errno: { ...DEVICE_ERRNO, EINVAL: 'not MAJ:MIN and a value from 2 on' }, // block/blk-throttle.c: tg_set_limit
    },
  });

/** A v2 file of `MAJ:MIN field=value …` lines whose fields are set together; only the root has it. */
const costFile = (file: string): Slot<ValueMap> => ({
  file,
  shape: { kind: 'keyed', fields: true },
  undo: 'best',
  errno: DEVICE_ERRNO,
});

/** v1 counts I/O as a task submits it, and what is written back later is the root's: with the task's CPU time it stands still. */
const throttled = (file: string, operation: string): readonly Source[] => [
  ops(`${file}_recursive`, operation, { still: true }),
  ops(file, operation, { extent: 'local', still: true }),
];

/** cAdvisor's second name for bytes, with the device's numbers. */
const deviceUsage = (operation: string): Cadvisor => ({
  name: 'container_blkio_device_usage_total',
  help: 'Bytes that went to or from a device, by operation',
  labels: { operation },
  numbered: true,
  differs:
    'the operations that have bytes of their own; no `Sync`, `Async` and `Total`, which count the same bytes again',
});

/** A figure of the cost model, in µs. */
const cost = (name: string, help: string): Stat =>
  counter(`io_cost_${name}_seconds_total`, 'seconds', help, {
    v2: nested('io.stat', `cost.${name}`, { per: 1e6 }),
    label: 'device',
    cadvisor: `container_fs_io_cost_${name}_seconds_total`,
  });

const percent = { kind: 'decimal', min: 0, max: 10000, decimals: 2 } as const;
const large = { kind: 'int', min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const V1_NONE = { v1: 'v1 has no such control' };

export const io = controller(() => ({
  name: 'io',
  summary: 'Block I/O: weights, throttles, latency, cost model',
  v1: 'blkio',
  v2: 'io',
  onCreate: true,
  doc: 'Documentation/admin-guide/cgroup-v1/blkio-controller.rst, Documentation/admin-guide/cgroup-v2.rst "IO"',
  knobs: {
    blkio_weight: knob<number>({
      flag: '--blkio-weight',
      type: { kind: 'int', min: 1, max: 1000, warnBelow: { at: 10, why: 'Docker’s range begins at 10' } },
      means: [['0', 100]],
      help: 'relative weight of block I/O; it acts on disks whose scheduler is bfq (or, on v2, under the cost model); 0 is the default, 100',
      scope: 'not-root',
      systemd: 'IOWeight',
      v1: [
        { file: 'blkio.bfq.weight', errno: weightErrno },
        { file: 'blkio.weight', errno: weightErrno },
      ],
      v2: [
        { file: 'io.bfq.weight', shape: { kind: 'line', name: 'default' }, errno: weightErrno },
        {
          file: 'io.weight',
          shape: { kind: 'line', name: 'default' },
          encode: linearIoWeight,
          decode: blkioWeight,
          conversion: 'linearIoWeight: 10..1000 to 1..10000 as the OCI runtimes do',
          errno: weightErrno,
        },
      ],
    }),
    blkio_weight_device: knob<ValueMap>({
      flag: '--blkio-weight-device',
      type: {
        kind: 'map',
        key: 'device',
        value: { kind: 'int', min: 1, max: 1000, unlimited: true },
        example: '/dev/vda:300',
      },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'relative weight on one device; 0 or max takes it away again',
      scope: 'not-root',
      v1: [
        {
          file: 'blkio.bfq.weight_device',
          shape: { kind: 'keyed', remove: 'default', skip: ['default'] },
          errno: weightErrno,
        },
        { file: 'blkio.weight_device', shape: { kind: 'keyed', remove: '0' }, errno: weightErrno },
      ],
      v2: [
        { file: 'io.bfq.weight', shape: { kind: 'keyed', remove: 'default', skip: ['default'] }, errno: weightErrno },
        { file: 'io.weight', shape: { kind: 'keyed', remove: 'default', skip: ['default'] }, errno: weightErrno },
      ],
    }),
    weight: knob<number>({
      flag: '--io-weight',
      type: { kind: 'int', min: 1, max: 10000 },
      help: 'the cost model’s own weight on v2 (default 100); --blkio-weight converts',
      scope: 'not-root',
      systemd: 'IOWeight',
      v2: { file: 'io.weight', shape: { kind: 'line', name: 'default' }, errno: weightErrno },
      unsupported: { v1: 'use --blkio-weight' },
    }),
    read_bps: throttle(
      '--device-read-bps',
      'blkio.throttle.read_bps_device',
      'rbps',
      'bytes/s',
      'IOReadBandwidthMax',
      'bytes read from a device each second, at most',
    ),
    write_bps: throttle(
      '--device-write-bps',
      'blkio.throttle.write_bps_device',
      'wbps',
      'bytes/s',
      'IOWriteBandwidthMax',
      'bytes written to a device each second, at most',
    ),
    read_iops: throttle(
      '--device-read-iops',
      'blkio.throttle.read_iops_device',
      'riops',
      undefined,
      'IOReadIOPSMax',
      'reads from a device each second, at most',
    ),
    write_iops: throttle(
      '--device-write-iops',
      'blkio.throttle.write_iops_device',
      'wiops',
      undefined,
      'IOWriteIOPSMax',
      'writes to a device each second, at most',
    ),
    latency: knob<ValueMap>({
      flag: '--io-latency',
      type: {
        kind: 'map',
        key: 'device',
        value: { kind: 'int', min: 1, max: Number.MAX_SAFE_INTEGER, unit: 'µs', unlimited: true },
        example: '/dev/vda:20000',
      },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'latency target on a device in µs: groups with looser targets are held back when it is missed (v2); 0 or max removes it',
      scope: 'not-root',
      v2: { file: 'io.latency', shape: { kind: 'keyed', field: 'target', remove: '0' }, errno: DEVICE_ERRNO },
      unsupported: V1_NONE,
    }),
    cost_qos: knob<ValueMap>({
      flag: '--io-cost-qos',
      type: {
        kind: 'map',
        key: 'device',
        example: '/dev/vda:enable=1,rpct=95,rlat=75000',
        value: {
          kind: 'record',
          fields: {
            enable: { kind: 'int', min: 0, max: 1 },
            ctrl: { kind: 'enum', values: ['auto', 'user'] },
            rpct: percent,
            rlat: large,
            wpct: percent,
            wlat: large,
            min: percent,
            max: percent,
          },
        },
      },
      help: 'switch the cost model on for a device and say which latencies to keep (v2, root only)',
      scope: 'root',
      v2: costFile('io.cost.qos'),
      unsupported: V1_NONE,
    }),
    cost_model: knob<ValueMap>({
      flag: '--io-cost-model',
      type: {
        kind: 'map',
        key: 'device',
        example: '/dev/vda:ctrl=user,model=linear,rbps=1000000000',
        value: {
          kind: 'record',
          fields: {
            ctrl: { kind: 'enum', values: ['auto', 'user'] },
            model: { kind: 'enum', values: ['linear'] },
            rbps: large,
            rseqiops: large,
            rrandiops: large,
            wbps: large,
            wseqiops: large,
            wrandiops: large,
          },
        },
      },
      help: 'what reads and writes cost on a device (v2, root only)',
      scope: 'root',
      v2: costFile('io.cost.model'),
      unsupported: V1_NONE,
    }),
    prio_class: knob<string>({
      flag: '--io-prio-class',
      type: { kind: 'enum', values: ['no-change', 'promote-to-rt', 'restrict-to-be', 'idle', 'none-to-rt'] },
      help: 'how the I/O priority of the group’s requests is changed',
      scope: 'not-root',
      v1: { file: 'blkio.prio.class' },
      v2: { file: 'io.prio.class' },
    }),
  },
  actions: {
    reset_stats: {
      help: 'set the statistics of the v1 schedulers back to 0',
      scope: 'not-root',
      v1: { file: 'blkio.reset_stats', write: '1' },
    },
  },
  stats: [
    counter('io_read_bytes_total', 'bytes', 'Bytes read from a device', {
      v1: throttled('blkio.throttle.io_service_bytes', 'Read'),
      v2: nested('io.stat', 'rbytes'),
      label: 'device',
      role: 'io.read.bytes',
      chart: { on: 'io', as: 'line', title: 'read' },
      cadvisor: ['container_fs_reads_bytes_total', deviceUsage('Read')],
      column: { title: 'Read', show: 'bytes/s', rank: 9 },
    }),
    counter('io_written_bytes_total', 'bytes', 'Bytes written to a device', {
      v1: throttled('blkio.throttle.io_service_bytes', 'Write'),
      v2: nested('io.stat', 'wbytes'),
      label: 'device',
      role: 'io.write.bytes',
      chart: { on: 'io', as: 'line', title: 'written' },
      cadvisor: ['container_fs_writes_bytes_total', deviceUsage('Write')],
      column: { title: 'Written', show: 'bytes/s', rank: 10 },
    }),
    counter('io_reads_total', 'count', 'Reads from a device', {
      v1: throttled('blkio.throttle.io_serviced', 'Read'),
      v2: nested('io.stat', 'rios'),
      label: 'device',
      role: 'io.read.ops',
      cadvisor: 'container_fs_reads_total',
    }),
    counter('io_writes_total', 'count', 'Writes to a device', {
      v1: throttled('blkio.throttle.io_serviced', 'Write'),
      v2: nested('io.stat', 'wios'),
      label: 'device',
      role: 'io.write.ops',
      cadvisor: 'container_fs_writes_total',
    }),
    counter('io_discarded_bytes_total', 'bytes', 'Bytes discarded on a device', {
      v1: throttled('blkio.throttle.io_service_bytes', 'Discard'),
      v2: nested('io.stat', 'dbytes'),
      label: 'device',
      cadvisor: deviceUsage('Discard'),
    }),
    counter('io_discards_total', 'count', 'Discards on a device', {
      v1: throttled('blkio.throttle.io_serviced', 'Discard'),
      v2: nested('io.stat', 'dios'),
      label: 'device',
    }),
    cost('usage', 'Device time that the group’s I/O cost, by the cost model'),
    cost('wait', 'Time in which the group’s I/O waited for its share of the device'),
    cost('indebt', 'Time in which the group owed device time'),
    cost('indelay', 'Time in which the group’s tasks were held back for device time that it owed'),
  ],
}));
