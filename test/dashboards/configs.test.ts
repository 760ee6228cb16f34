/** Every configuration that the documentation shows and dashboards/examples has: promtool's own check, and the service's. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { loadConfig } from '../../src/server/config.ts';
import { service } from '../server/service.ts';
import { projectRoot } from '../support/files.ts';
import { needsCgroups, temporary, testUnless } from '../support/host.ts';
import { needsPromtool, promtool } from '../support/promtool.ts';

const PAGE = 'docs/PROMETHEUS.md';
const EXAMPLES = join(projectRoot, 'dashboards/examples');
const TOKEN = 'a-token-of-more-than-16-characters';

const page = readFileSync(join(projectRoot, PAGE), 'utf8');
/** Indented ones belong to list items. */
const blocks = [...page.matchAll(/^( *)```yaml\n([\s\S]*?)^\1```$/gm)].map(([, indent = '', text = '']) =>
  text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
);
const isOfPrometheus = (text: string): boolean => Object.hasOwn(parse(text), 'scrape_configs');
const isOfService = (text: string): boolean => text.startsWith('# /etc/cgctl/cgctl.yaml');

const configurations = [
  ...blocks.filter(isOfPrometheus).map((text, at) => ({ name: `${PAGE}, block ${at + 1}`, text })),
  ...readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.yml'))
    .map((name) => ({ name: `dashboards/examples/${name}`, text: readFileSync(join(EXAMPLES, name), 'utf8') })),
];

test('every block of the page is a configuration of Prometheus, one of the service, or the annotations of a pod', () => {
  for (const text of blocks) {
    assert.ok(isOfPrometheus(text) || isOfService(text) || Object.hasOwn(parse(text), 'metadata'), text);
  }
  assert.ok(blocks.filter(isOfPrometheus).length > 3 && blocks.filter(isOfService).length > 1);
});

for (const { name, text } of configurations) {
  testUnless(needsPromtool(), `promtool accepts ${name}`, (t) => {
    checkConfig(installed(t, name.endsWith('kubernetes.yml') ? withTargets(text, []) : text));
  });
}

testUnless(needsPromtool(), 'targets are relabelled as the examples say', (t) => {
  const example = (name: string) => readFileSync(join(EXAMPLES, name), 'utf8');
  assert.deepEqual(
    targetsOf(installed(t, example('file-sd.yml')))
      .map(({ instance }) => instance)
      .sort(),
    ['db-1.example.net', 'web-1.example.net', 'web-2.example.net'],
  );
  const pod = (ip: string, node: string, annotations: Readonly<Record<string, string>>) => ({
    targets: [ip.includes(':') ? `[${ip}]:8080` : `${ip}:8080`],
    labels: {
      __meta_kubernetes_pod_ip: ip,
      __meta_kubernetes_pod_node_name: node,
      ...Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [`__meta_kubernetes_pod_annotation_cgctl_${name}`, value]),
      ),
    },
  });
  const kubernetes = withTargets(example('kubernetes.yml'), [
    pod('10.0.0.7', 'n1', { scrape: 'true' }),
    pod('10.0.0.8', 'n2', { scrape: 'true', port: '9753', path: '/metrics/cadvisor', scheme: 'http' }),
    pod('fd00::7', 'n3', { scrape: 'true', port: '9753' }),
    pod('10.0.0.9', 'n4', { scrape: 'false' }),
    pod('10.0.0.10', 'n5', {}),
  ]);
  assert.deepEqual(
    targetsOf(installed(t, kubernetes))
      .map(
        ({ instance, __scheme__: scheme, __address__: address, __metrics_path__: path }) =>
          `${instance} ${scheme}://${address}${path}`,
      )
      .sort(),
    [
      'n1 https://10.0.0.7:8080/metrics',
      'n2 http://10.0.0.8:9753/metrics/cadvisor',
      'n3 https://[fd00::7]:9753/metrics',
    ],
  );
});

test('the service accepts its configurations on the page', (t) => {
  const folder = temporary(t);
  for (const name of ['read.token', 'cert.pem', 'key.pem']) writeFileSync(join(folder, name), TOKEN);
  for (const text of blocks.filter(isOfService)) {
    const file = join(folder, 'cgctl.yaml');
    writeFileSync(file, text.replaceAll('/etc/cgctl/', `${folder}/`));
    assert.ok(loadConfig({ flags: {}, env: {}, file }).listen.length > 0);
  }
});

testUnless(needsCgroups(), 'the service understands the paths and parameters on the page', async (t) => {
  const { get } = await service(t);
  const jobs = z
    .array(
      z.object({ params: z.record(z.string(), z.array(z.string())).optional(), metrics_path: z.string().optional() }),
    )
    .parse(blocks.filter(isOfPrometheus).flatMap((text) => parse(text).scrape_configs))
    .filter(({ params, metrics_path }) => (params ?? metrics_path) !== undefined);
  assert.ok(jobs.length > 1);
  for (const { params = {}, metrics_path: path = '/metrics' } of jobs) {
    const query = Object.entries(params).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    );
    const { status, text } = await get(`${path}?${new URLSearchParams(query)}`);
    assert.equal(status, 200, text);
  }
});

test('the annotations of a pod are those that the example looks for', () => {
  const example = readFileSync(join(EXAMPLES, 'kubernetes.yml'), 'utf8');
  const sought = new Set([...example.matchAll(/__meta_kubernetes_pod_annotation_(\w+)/g)].map(([, name]) => name));
  const explained = new Set([...example.matchAll(/^# +(cgctl\/\w+):/gm)].map(([, name = '']) => labelled(name)));
  assert.deepEqual(explained, sought);
  const shown = blocks.map((text) => parse(text)).flatMap(({ metadata }) => Object.keys(metadata?.annotations ?? {}));
  assert.ok(shown.length > 0);
  for (const name of shown) assert.ok(sought.has(labelled(name)), name);
});

/** How Prometheus names an annotation. */
const labelled = (annotation: string): string => annotation.replaceAll(/[^\w]/g, '_');

/** A folder of Prometheus' with all that the configuration may name beside itself. @returns the configuration's path */
function installed(t: TestContext, text: string): string {
  const folder = temporary(t);
  const rules = join(folder, 'rules/cgctl');
  mkdirSync(rules, { recursive: true });
  for (const name of ['recording.yml', 'alerts.yml'])
    cpSync(join(projectRoot, 'dashboards/rules', name), join(rules, name));
  cpSync(join(EXAMPLES, 'targets'), join(folder, 'targets'), { recursive: true });
  writeFileSync(join(folder, 'cgctl.token'), TOKEN);
  writeFileSync(join(folder, 'cgctl-ca.pem'), '');
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, text);
  return file;
}

function checkConfig(file: string): void {
  const { status, stdout, stderr } = promtool('check', 'config', '--lint-fatal', file);
  assert.equal(status, 0, stdout + stderr);
}

const discovered = z.array(z.object({ labels: z.record(z.string(), z.string()).nullish() }));

/** Labels of the targets that are scraped, after relabelling. */
function targetsOf(file: string): Record<string, string>[] {
  checkConfig(file);
  const { status, stdout, stderr } = promtool('check', 'service-discovery', '--timeout=2s', file, 'cgctl');
  assert.equal(status, 0, stderr);
  return discovered
    .parse(JSON.parse(stdout))
    .flatMap(({ labels }) => (labels?.__address__ === undefined ? [] : [labels]));
}

/** The configuration with static targets in the place of Kubernetes' own, which Debian's Prometheus is built without. */
function withTargets(text: string, targets: readonly object[]): string {
  const { scrape_configs: jobs, ...rest } = parse(text);
  const replaced = jobs.map(({ kubernetes_sd_configs: sought, ...job }: Readonly<Record<string, unknown>>) => {
    assert.ok(sought);
    return { ...job, static_configs: targets };
  });
  return stringify({ ...rest, scrape_configs: replaced });
}
