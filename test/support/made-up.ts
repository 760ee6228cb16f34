/** Tape drives: a controller that no kernel has. docs/ADDING-A-CONTROLLER.md shows this file. */

import type { ValueMap } from '../../src/controllers/controller.ts';
import { controller, counter, keyed, knob, nested } from '../../src/controllers/controller.ts';

export const tape = controller(() => ({
  name: 'tape',
  summary: 'Tape drives',
  v1: 'tape',
  v2: 'tape',
  doc: 'Documentation/admin-guide/cgroup-v2.rst "Tape"',
  knobs: {
    quota: knob<number>({
      flag: '--tape-quota',
      type: { kind: 'int', min: 10, max: 100_000, unit: 'm', unlimited: true },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'tape that the group may wind in each period; 0, -1 or max is no limit',
      scope: 'not-root',
      v1: { file: 'tape.quota_m', unlimited: '-1', errno: { EINVAL: 'under 10 m or above 100 km' } },
      v2: { file: 'tape.max', shape: { kind: 'tuple', at: 0, width: 2 } },
      metric: { name: 'tape_quota', unit: 'count' },
    }),
    period: knob<number>({
      flag: '--tape-period',
      type: { kind: 'int', min: 1, max: 3600, unit: 's' },
      help: 'length of a period (default 60)',
      scope: 'not-root',
      v1: { file: 'tape.period_s' },
      v2: { file: 'tape.max', shape: { kind: 'tuple', at: 1, width: 2 } },
      metric: { name: 'tape_period_seconds', unit: 'seconds' },
    }),
    speed: knob<ValueMap>({
      flag: '--tape-speed',
      type: {
        kind: 'map',
        key: 'resource',
        value: { kind: 'bytes', min: 1, unit: 'bytes/s', unlimited: true },
        example: 'st0:20m',
      },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'bytes read from a drive each second, at most; 0 or max removes it',
      v1: { file: 'tape.speed', shape: { kind: 'keyed', remove: '0' } },
      v2: { file: 'tape.speed.max', shape: { kind: 'keyed', field: 'rbps', remove: 'max' } },
    }),
    hum: knob<boolean>({
      flag: '--tape-hum',
      type: { kind: 'bool' },
      help: 'let the motors hum (v1)',
      v1: { file: 'tape.hum' },
      unsupported: { v2: 'v2’s motors are silent' },
    }),
  },
  actions: {
    rewind: {
      help: 'wind every tape back',
      v1: { file: 'tape.rewind', write: '1' },
      v2: { file: 'tape.rewind', write: '1' },
    },
  },
  stats: [
    counter('tape_read_bytes_total', 'bytes', 'Bytes read from a drive', {
      v1: keyed('tape.read_bytes'),
      v2: nested('tape.stat', 'rbytes'),
      label: 'resource',
      column: { title: 'Tape', show: 'bytes/s', rank: 99 },
    }),
  ],
  events: [
    {
      name: 'tape_torn',
      help: 'a tape tore',
      v1: { file: 'tape.events', mechanism: 'modify', counters: [{ key: 'torn', kind: 'tape_torn' }] },
      v2: { file: 'tape.events', mechanism: 'modify', counters: [{ key: 'torn', kind: 'tape_torn' }] },
    },
  ],
}));
