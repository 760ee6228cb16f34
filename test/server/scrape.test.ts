/** Scrapes: which form, which part of the figures, how long, and what is shared. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { formatFor } from '../../src/server/negotiate.ts';
import { cgroupMounts, mountOf, realKernel, scratch } from '../support/host.ts';
import { codeOf, service } from './service.ts';

const everywhere = (path: string): void => {
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
};
const names = (text: string): Set<string> =>
  new Set(text.split('\n').flatMap((line) => /^([a-z_:]+)[{ ]/i.exec(line)?.[1] ?? []));
const ids = (text: string, label = 'cgroup'): Set<string> =>
  new Set([...text.matchAll(new RegExp(`[{,]${label}="([^"]*)"`, 'g'))].map(([, id = '']) => id));

test('the form is the one of the greatest weight, and text where nobody cares', () => {
  const PROMETHEUS_2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const PROMETHEUS_3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  const cases: [string | undefined, 'text' | 'openmetrics'][] = [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    [PROMETHEUS_2, 'openmetrics'],
    [PROMETHEUS_3, 'openmetrics'],
    ['text/plain;version=0.0.4', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version="1.0.0"', 'openmetrics'],
    ['application/openmetrics-text;version=2.0.0', 'text'],
    ['application/openmetrics-text;q=0.2,text/plain;q=0.9', 'text'],
    ['application/openmetrics-text;q=0.5,*/*;q=0.9', 'text'],
    ['application/*, text/plain;q=0.5', 'openmetrics'],
    ['application/openmetrics-text;q=0', 'text'],
    ['text/plain;q=0, application/openmetrics-text;q=0.1', 'openmetrics'],
    ['text/plain;q=x, nonsense, ;;;', 'text'],
  ];
  for (const [accept, format] of cases) assert.equal(formatFor(accept), format, accept);
});

realKernel('cAdvisor’s names are served at the kubelet’s path, in both forms', async (t) => {
  const { path } = scratch(t);
  everywhere(path);
  const { get } = await service(t);
  const { text, headers } = await get('/metrics/cadvisor');
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
  const served = names(text);
  for (const name of served) assert.match(name, /^(?:container|machine|cadvisor)_|^cgctl_dropped_series$/);
  for (const name of ['container_last_seen', 'machine_cpu_cores', 'container_scrape_error', 'cadvisor_version_info'])
    assert.ok(served.has(name), name);
  assert.ok(text.includes(`container_start_time_seconds{id="${path}",image="",name=""} `));
  assert.doesNotMatch(text, /^[^#\n]*\} \S+ \d/m);
  const total = Number(/^MemTotal: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  assert.ok(text.includes(`\nmachine_memory_bytes ${total}\n`));

  const open = await get('/metrics/cadvisor', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
  assert.match(open.headers['content-type'] ?? '', /^application\/openmetrics-text; version=1\.0\.0; charset=utf-8$/);
  assert.ok(open.text.endsWith('\n# EOF\n'));
  const both = await get('/metrics', { headers: { accept: 'application/openmetrics-text' } });
  assert.match(both.text, /^# TYPE cgctl_http_requests counter$/m);
  assert.match(both.text, /^cgctl_scrape_seconds_bucket\{le="0\.005"\} \d+$/m);
  assert.ok(both.text.endsWith('\n# EOF\n'));
});

realKernel(
  'limits, working set and units are as cAdvisor has them',
  async (t) => {
    const { path } = scratch(t);
    everywhere(path);
    const memory = join(mountOf('memory'), path);
    const { get } = await service(t);
    const { text } = await get(`/metrics/cadvisor?cgroup=${encodeURIComponent(path)}`);
    const value = (name: string) => Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
    assert.equal(value('container_spec_memory_limit_bytes'), 0);
    assert.equal(
      value('container_memory_usage_bytes'),
      Number(readFileSync(join(memory, 'memory.usage_in_bytes'), 'utf8')),
    );
    assert.ok(value('container_memory_working_set_bytes') <= value('container_memory_usage_bytes'));
    assert.match(text, /^container_memory_failures_total\{[^}]*failure_type="pgfault",scope="container"\} /m);
    const inner = await get('/metrics/cadvisor?cgroup=/&match[]=container_memory_failures_total');
    assert.doesNotMatch(inner.text, /scope="container"/);
    assert.match(inner.text, /scope="hierarchy"/);
  },
  ['memory'],
);

realKernel('a scrape may ask for less', async (t) => {
  const { path } = scratch(t);
  everywhere(`${path}/a/b`);
  const { get } = await service(t);
  const below = (pattern: string) => get(`/metrics?collect[]=core&cgroup=${encodeURIComponent(pattern)}`);
  const { text } = await below(`${path}/**`);
  assert.deepEqual(ids(text), new Set([path, `${path}/a`, `${path}/a/b`]));
  assert.deepEqual(
    new Set([...names(text)].filter((name) => !/^cgroup_(?:processes|populated|d)/.test(name))),
    new Set(['cgctl_dropped_series']),
  );
  assert.deepEqual(ids((await below(`${path}/*`)).text), new Set([`${path}/a`]));

  const selector = encodeURIComponent(`{__name__=~"cgroup_proc.*|cgctl_build_info",cgroup=~"${path}(/a)?|"}`);
  const selected = await get(`/metrics?match[]=${selector}`);
  assert.deepEqual(names(selected.text), new Set(['cgroup_processes', 'cgctl_build_info', 'cgctl_dropped_series']));
  assert.deepEqual(ids(selected.text), new Set([path, `${path}/a`]));

  const service_ = await get('/metrics?collect[]=service');
  assert.deepEqual(ids(service_.text), new Set());
  assert.match(service_.text, /^cgctl_controller_success\{controller="core"\} 1$/m);
  assert.match(service_.text, /^cgctl_watches\{mechanism="eventfd"\} \d+$/m);
  const seconds = [...service_.text.matchAll(/^cgctl_controller_duration_seconds\{controller="\w+"\} (\S+)$/gm)].map(
    ([, value]) => Number(value),
  );
  const whole = Number(/^cgctl_sample_duration_seconds (\S+)$/m.exec(service_.text)?.[1]);
  const parts = seconds.reduce((sum, value) => sum + value, 0);
  assert.ok(seconds.length > 1 && parts > 0 && parts <= whole, `${parts} of ${whole}`);
  assert.match(service_.text, /^cgctl_sampler_lag_seconds 0$/m);

  for (const wrong of ['collect[]=tape', 'cgroup=x', 'match[]={', `match[]=a{x=~"("}`, 'cgroup=/a&'.repeat(51)]) {
    const answer = await get(`/metrics?${wrong}`);
    assert.deepEqual([answer.status, codeOf(answer)], [400, 'USAGE'], wrong);
  }
});

realKernel('the operator says what is exported', async (t) => {
  const { path } = scratch(t);
  everywhere(`${path}/a/b`);
  everywhere(`${path}/c`);
  const shown = async (flags: Record<string, string | string[] | boolean>) => {
    const { get, close } = await service(t, { 'metrics-include': [`${path}/**`], ...flags });
    const { text } = await get('/metrics');
    await close();
    return { text, groups: [...ids(text)].filter((id) => id !== 'unattributed').sort() };
  };
  const inner = path.split('/').length - 1;
  assert.deepEqual((await shown({})).groups, [path, `${path}/a`, `${path}/a/b`, `${path}/c`]);
  assert.deepEqual((await shown({ 'metrics-exclude': [`${path}/a/**`] })).groups, [path, `${path}/c`]);
  assert.deepEqual((await shown({ 'metrics-depth': String(inner + 1) })).groups, [path, `${path}/a`, `${path}/c`]);
  assert.deepEqual((await shown({ 'metrics-groups': 'leaves' })).groups, [`${path}/a/b`, `${path}/c`]);
  assert.deepEqual((await shown({ 'metrics-groups': 'rollup', 'metrics-depth': String(inner + 1) })).groups, [
    `${path}/a`,
    `${path}/c`,
  ]);
  const { text } = await shown({ 'metrics-collect': ['core', 'pids'], 'metrics-skip': ['pids'] });
  assert.match(text, /^cgroup_processes\{/m);
  assert.doesNotMatch(text, /^cgroup_(?:pids|cpu|memory)/m);

  const few = await shown({ 'metrics-series': '150' });
  assert.deepEqual(few.groups.includes(`${path}/a/b`), false);
  const dropped = Number(/^cgctl_dropped_series (\d+)$/m.exec(few.text)?.[1]);
  const everything = (await shown({})).text.match(/^cgroup_/gm)?.length ?? 0;
  assert.ok(
    dropped > 0 && Math.abs(everything - dropped - (few.text.match(/^cgroup_/gm)?.length ?? 0)) <= 12,
    String(dropped),
  );
});

realKernel('the same is compressed once, and whoever asks at the same time shares the look', async (t) => {
  const { get } = await service(t, { freshness: '30' });
  const gzip = { headers: { 'accept-encoding': 'gzip' } };
  const answers = await Promise.all(Array.from({ length: 8 }, () => get('/metrics', gzip)));
  for (const { bytes, headers } of answers) {
    assert.equal(headers['content-encoding'], 'gzip');
    assert.deepEqual(bytes, answers[0]?.bytes);
  }
  const [first] = answers;
  assert.match(gunzipSync(first?.bytes ?? '').toString(), /^cgctl_snapshots_total 1$/m);
  const plain = await get('/metrics', { headers: { 'accept-encoding': 'gzip;q=0, identity' } });
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.match(plain.text, /^cgctl_snapshots_total 1$/m);
});

realKernel('a scrape’s time-out is respected', async (t) => {
  const { get } = await service(t);
  const within = (seconds: string) => get('/metrics', { headers: { 'x-prometheus-scrape-timeout-seconds': seconds } });
  const late = await within('0.000001');
  assert.deepEqual([late.status, codeOf(late)], [503, 'OVERLOAD']);
  assert.equal(late.headers['content-encoding'], undefined);
  for (const seconds of ['30', '0', '-1', 'soon', '1e9']) assert.equal((await within(seconds)).status, 200, seconds);
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;
realKernel('promtool finds nothing in what the service says of itself', async (t) => {
  if (!promtool) return t.skip('no promtool');
  const { get } = await service(t);
  const { text } = await get('/metrics');
  const { stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.deepEqual(
    stderr.split('\n').filter((line) => line !== ''),
    [],
  );
});
