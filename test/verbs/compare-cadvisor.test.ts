import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseExposition } from '../../src/parse/exposition.ts';
import { cgctl } from '../cli/support.ts';
import { fixture, fixturePath } from '../support/files.ts';

const THEIRS = fixturePath('exporters/saved-cadvisor.prom');
const OURS = fixturePath('exporters/saved-ours.prom');

test('names and label sets that are the same, missing, extra or different', async (t) => {
  const { status, out } = await cgctl(t, ['compare-cadvisor', THEIRS, '--ours', OURS, '--json']);
  assert.equal(status, 1);
  const { names, missing, extra } = JSON.parse(out);
  assert.deepEqual(missing, ['cadvisor_version_info', 'container_cpu_load_average_10s']);
  assert.deepEqual(extra, ['container_pressure_cpu_waiting_seconds_total']);
  assert.deepEqual(names, [
    {
      name: 'container_cpu_usage_seconds_total',
      same: 1,
      missing: ['{cpu="total",id="/init.scope"}'],
      extra: ['{cpu="total",id="/new"}'],
      different: [{ labels: '{cpu="total",id="/docker/abab"}', theirs: 12.5, ours: 25 }],
    },
    { name: 'container_memory_usage_bytes', same: 2, missing: [], extra: [], different: [] },
    { name: 'container_spec_memory_limit_bytes', same: 1, missing: [], extra: [], different: [] },
    { name: 'machine_cpu_cores', same: 1, missing: [], extra: [], different: [] },
  ]);
});

test('the tolerance is a part of the larger value', async (t) => {
  const different = async (tolerance: string) => {
    const { out } = await cgctl(t, ['compare-cadvisor', THEIRS, '--ours', OURS, '--json', '--tolerance', tolerance]);
    return JSON.parse(out).names.flatMap((one: { different: object[] }) => one.different).length;
  };
  assert.deepEqual([await different('0'), await different('0.4'), await different('0.5')], [2, 1, 0]);
});

test('for people, a table and a few label sets', async (t) => {
  const { out } = await cgctl(t, ['compare-cadvisor', THEIRS, '--ours', OURS]);
  assert.match(out, /^container_cpu_usage_seconds_total +1 +1 +1 +1$/m);
  assert.match(out, /^container_cpu_usage_seconds_total: missing here\n {2}\{cpu="total",id="\/init\.scope"\}$/m);
  assert.match(out, /^ {2}\{cpu="total",id="\/docker\/abab"\} 12\.5, here 25$/m);
});

test('an exposition is the same as itself, and the service is asked where no file is given', async (t) => {
  const same = await cgctl(t, ['compare-cadvisor', OURS, '--ours', OURS]);
  assert.equal(same.status, 0);
  const server = createServer((_, response) => response.end(fixture('exporters/saved-ours.prom')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics/cadvisor`;
  assert.equal((await cgctl(t, ['compare-cadvisor', OURS, '--url', url])).status, 0);
});

test('what is wrong is said', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[], /file/],
    [['/nowhere.prom'], /cannot be read: ENOENT/],
    [[THEIRS, '--tolerance', 'x'], /not a ratio/],
    [[THEIRS, '--url', 'http://127.0.0.1:1/'], /cannot be asked/],
  ];
  for (const [words, message] of wrong) {
    const { status, err } = await cgctl(t, ['compare-cadvisor', ...words]);
    assert.ok(status > 1, words.join(' '));
    assert.match(err, message);
  }
});

test('expositions of either format are read; what is none is refused', () => {
  const samples = parseExposition(
    '# HELP a A\na{x="1",y="q\\"\\\\\\n,}",} 1e3 1718000000123\nb +Inf\nc{} NaN 1.5 # {trace="1"} 2\n\n# EOF\n',
  );
  assert.deepEqual(
    samples.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value]),
    [
      ['a', { x: '1', y: 'q"\\\n,}' }, 1000],
      ['b', {}, Number.POSITIVE_INFINITY],
      ['c', {}, Number.NaN],
    ],
  );
  for (const wrong of ['a', 'a b', 'a{x=1} 2', 'a{x="1" 2', '{x="1"} 2', '<html>'])
    assert.throws(() => parseExposition(wrong), /exposition/, wrong);
});
