import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { figuresOf, findColumn, viewColumns } from '../../src/monitor/columns.ts';
import { figures, type Look } from '../../src/monitor/stats.ts';
import { keyedOf, rowsOf, snapshotOf } from './support.ts';

const MiB = 2 ** 20;
const NONE = Number.NaN;

function lookAt(ticks: number, usage: number[], generation = '101'): Look {
  const rows = rowsOf('/a', '/b').map((row) => (row.id === '/a' ? { ...row, generation } : row));
  const snapshot = snapshotOf(
    rows,
    {
      cpu_usage_seconds_total: usage,
      memory_usage_bytes: [NONE, 100 * MiB, 10 * MiB],
      memory_inactive_file_bytes: [NONE, 30 * MiB, 40 * MiB],
      memory_limit_bytes: [NONE, 200 * MiB, Number.POSITIVE_INFINITY],
      pids: [NONE, 3, 1],
    },
    {
      keyed: new Map([
        ['io_read_bytes_total', keyedOf([1, 'vda', 5], [1, 'vdb', 6])],
        ['io_written_bytes_total', keyedOf()],
      ]),
    },
  );
  return { snapshot, ticks, cpus: 4, memoryBytes: 1024 * MiB };
}

test('the arithmetic of docker stats', () => {
  // 400 ticks are one second of four CPUs.
  const [root, a, b] = figures(defaultRegistry, lookAt(1000, [9, 1, 2]), lookAt(1400, [9.5, 2.5, 2]));
  assert.deepEqual([a?.cpuPercent, b?.cpuPercent, root?.cpuPercent], [150, 0, 50]);
  assert.deepEqual([a?.memoryBytes, b?.memoryBytes, root?.memoryBytes], [70 * MiB, 10 * MiB, NONE]);
  assert.deepEqual([a?.limitBytes, b?.limitBytes, root?.limitBytes], [200 * MiB, 1024 * MiB, NONE]);
  assert.deepEqual([a?.memoryPercent, b?.readBytes, a?.readBytes, a?.writtenBytes], [35, NONE, 11, NONE]);
  assert.deepEqual([a?.pids, root?.pids], [3, NONE]);
});

test('there is no CPU figure at the first look, for a group that was made again, and for usage that went down', () => {
  const percent = (before: Look | undefined, after: Look) => figures(defaultRegistry, before, after)[1]?.cpuPercent;
  assert.equal(percent(undefined, lookAt(1400, [9, 2, 2])), NONE);
  assert.equal(percent(lookAt(1000, [9, 1, 2], '77'), lookAt(1400, [9, 2, 2])), NONE);
  assert.equal(percent(lookAt(1000, [9, 3, 2]), lookAt(1400, [9, 2, 2])), NONE);
});

test('the view has a column for each declared one, in order, counters as rates but for counts', () => {
  const columns = viewColumns(defaultRegistry);
  const declared = [
    ...defaultRegistry.allStats().map(({ stat }) => stat.column),
    ...defaultRegistry.allFigures().map(({ figure }) => figure.column),
  ].filter((column) => column !== undefined);
  assert.equal(columns.length, declared.length);
  const ranks = columns.map(({ title }) => declared.find((column) => column.title === title)?.rank ?? 0);
  assert.deepEqual(
    ranks,
    ranks.toSorted((a, b) => a - b),
  );
  for (const { metric, show, rate } of columns) {
    const kind = defaultRegistry.findStat(metric)?.stat.kind;
    assert.equal(rate, kind === 'counter' && show !== 'count', metric);
  }
});

test('what is made of two stats: no figure where one has none, or where nothing happened', () => {
  const rows = rowsOf('/a', '/b', '/c');
  const snapshot = snapshotOf(
    rows,
    { cpu_quota_seconds: [NONE, 0.2, Number.POSITIVE_INFINITY, NONE], cpu_period_seconds: [NONE, 0.1, 0.1, 0.1] },
    {
      rates: new Map([
        ['cpu_throttled_periods_total', Float64Array.of(NONE, 2, 0, 0)],
        ['cpu_periods_total', Float64Array.of(NONE, 8, 10, 0)],
      ]),
    },
  );
  const figures = (metric: string) => {
    const column = findColumn(defaultRegistry, metric);
    assert.ok(column);
    return figuresOf(snapshot, column);
  };
  assert.deepEqual(figures('cpu_quota_cores'), Float64Array.of(NONE, 2, Number.POSITIVE_INFINITY, NONE));
  assert.deepEqual(figures('cpu_throttled_ratio'), Float64Array.of(NONE, 0.25, 0, NONE));
  assert.equal(figures('memory_working_set_bytes'), undefined);
  const used = snapshotOf(rowsOf('/a'), { memory_usage_bytes: [5, 4], memory_inactive_file_bytes: [2, 6] });
  const working = findColumn(defaultRegistry, 'memory_working_set_bytes');
  assert.deepEqual(working && figuresOf(used, working), Float64Array.of(3, 0));
});

test('any metric is a column: gauges as they are, counters as rates, labels summed', () => {
  assert.equal(findColumn(defaultRegistry, 'nonsense'), undefined);
  assert.equal(findColumn(defaultRegistry, 'memory_limit_bytes')?.rate, false);
  assert.deepEqual(findColumn(defaultRegistry, 'io_discarded_bytes_total'), {
    metric: 'io_discarded_bytes_total',
    title: 'io_discarded_bytes_total',
    show: 'bytes/s',
    rate: true,
    help: 'Bytes discarded on a device',
  });
  const { snapshot } = lookAt(0, [0, 0, 0]);
  assert.deepEqual(
    figuresOf(snapshot, { metric: 'io_read_bytes_total', rate: false }),
    Float64Array.of(NONE, 11, NONE),
  );
  assert.equal(figuresOf(snapshot, { metric: 'io_read_bytes_total', rate: true }), undefined);
});
