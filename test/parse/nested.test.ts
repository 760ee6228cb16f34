import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeyed, parseNested, parseNumaV1, parseOps } from '../../src/parse/nested.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

function plain<V>(groups: Map<string, Map<string, V>>): Record<string, Record<string, V>> {
  return Object.fromEntries([...groups].map(([name, fields]) => [name, Object.fromEntries(fields)]));
}

test('nested files: a name and its fields', () => {
  assert.deepEqual(plain(parseNested(parseFixture('v2/io.max'))), {
    '254:16': { rbps: 'max', wbps: '52428800', riops: 'max', wiops: 'max' },
    '254:0': { rbps: '104857600', wbps: 'max', riops: 'max', wiops: '120' },
  });
  assert.equal(parseNested(parseFixture('v2/io.stat')).get('254:0')?.get('wbytes'), '16777216');
  assert.equal(parseNested(parseFixture('v2/memory.numa_stat')).get('file')?.get('N1'), '314662912');
  assert.equal(parseNested(parseFixture('v2/root-io.cost.qos')).get('254:0')?.get('max'), '10000.00');
  assert.equal(parseNested(parseFixture('v2/root-io.cost.model')).get('254:0')?.get('rrandiops'), '370');
  // Documentation/admin-guide/cgroup-v1/rdma.rst
  assert.deepEqual(plain(parseNested('mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=3 hca_object=max\n')), {
    mlx4_0: { hca_handle: '2', hca_object: '2000' },
    ocrdma1: { hca_handle: '3', hca_object: 'max' },
  });
});

test('a name without fields has none', () => {
  const root = parseNested(parseFixture('v2/root-io.stat'));
  assert.deepEqual(root.get('7:7'), new Map());
  assert.equal(root.get('254:0')?.get('cost.vrate'), '100.00');
  assert.deepEqual(plain(parseNested('7:1 7:0 8:0 rbytes=1\n8:16\n')), {
    '7:1': {},
    '7:0': {},
    '8:0': { rbytes: '1' },
    '8:16': {},
  });
  assert.equal(parseNested('').size, 0);
  assert.deepEqual(plain(parseNested('8:0 a=b=c d=')), { '8:0': { a: 'b=c', d: '' } });
});

test('nested files that begin with a field are refused', () => {
  for (const text of ['a=1\n', '8:0 a=1\nb=2\n', '8:0 =1\n'])
    rejects(() => parseNested(text), 'PARSE', /name field=value/);
});

test('keyed files: the first blank separates', () => {
  assert.deepEqual([...parseKeyed(parseFixture('v1/blkio.throttle.read_bps_device'))], [['7:0', '104857600']]);
  assert.deepEqual(
    [...parseKeyed(parseFixture('v2/io.weight'))],
    [
      ['default', '200'],
      ['254:0', '300'],
    ],
  );
  assert.deepEqual(
    [...parseKeyed('lo 0\neth0 5 x')],
    [
      ['lo', '0'],
      ['eth0', '5 x'],
    ],
  );
  assert.equal(parseKeyed('').size, 0);
  for (const text of ['a\n', ' 1\n']) rejects(() => parseKeyed(text), 'PARSE');
});

test('blkio operations per device, without the sum over all', () => {
  assert.deepEqual(plain(parseOps(parseFixture('v1/blkio.throttle.io_service_bytes'))), {
    '7:0': { Read: 16777216, Write: 16777216, Sync: 33554432, Async: 0, Discard: 0, Total: 33554432 },
  });
  assert.equal(parseOps('Total 0\n').size, 0);
  for (const text of [
    '8:0 Read\n',
    '8:0 Read x\n',
    '8:0  5\n',
    ' Read 5\n',
    '8:0 Read 5 6\n',
    'Total\n',
    'Total x\n',
    '8:0 5\n',
  ]) {
    rejects(() => parseOps(text), 'PARSE', /device operation count/);
  }
});

test('pages per node', () => {
  const pages = parseNumaV1(parseFixture('v1/memory.numa_stat'));
  assert.deepEqual(
    pages.get('hierarchical_anon'),
    new Map([
      ['total', 101],
      ['N0', 101],
    ]),
  );
  assert.equal(pages.size, 8);
  assert.deepEqual(plain(parseNumaV1(parseFixture('v2/hugetlb.2MB.numa_stat'))), { total: { total: 0, N0: 0, N1: 0 } });
  for (const text of ['total\n', 'total=x\n', '=1\n', 'total=5 N0\n']) rejects(() => parseNumaV1(text), 'PARSE');
});

test('nested parsers survive any text', () => {
  survives(
    parseNested,
    'PARSE',
    ...['v2/io.max', 'v2/io.stat', 'v2/root-io.stat', 'v2/memory.numa_stat'].map(parseFixture),
  );
  survives(parseKeyed, 'PARSE', parseFixture('v2/io.weight'));
  survives(parseOps, 'PARSE', parseFixture('v1/blkio.throttle.io_serviced_recursive'));
  survives(parseNumaV1, 'PARSE', parseFixture('v1/memory.numa_stat'));
});
