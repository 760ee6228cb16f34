/** The rules: promtool's own checks, a fired and an unfired case for every alert, a runbook for each. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { verbs } from '../../src/verbs/index.ts';
import { projectRoot } from '../support/files.ts';
import { testUnless } from '../support/host.ts';
import { needsPromtool, promtool } from '../support/promtool.ts';
import { metricsIn, needsOf } from './metrics.ts';

const RULES = join(projectRoot, 'dashboards/rules');
const TESTS = join(RULES, 'tests');
const RUNBOOKS = 'docs/RUNBOOKS.md';

const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().regex(/^\d+[smhd]$/),
  labels: z.strictObject({ severity: z.enum(['info', 'warning', 'critical']) }),
  annotations: z.strictObject({ summary: z.string(), runbook_url: z.string() }),
});
const recording = z.strictObject({ record: z.string(), expr: z.string() });
const ruleFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(z.union([alert, recording])) })),
});
/** Of a test file, only what is counted here: promtool checks the rest. */
const testFile = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })).default([]),
      promql_expr_test: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});

const yamlBelow = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .map((name) => join(folder, name));
const ruleFiles = yamlBelow(RULES);
const testFiles = yamlBelow(TESTS);
const rules = ruleFiles
  .flatMap((file) => ruleFile.parse(parse(readFileSync(file, 'utf8'))).groups)
  .flatMap((g) => g.rules);
const alerts = rules.flatMap((rule) => ('alert' in rule ? [rule] : []));
const recordings = rules.flatMap((rule) => ('record' in rule ? [rule] : []));
const tests = testFiles.flatMap((file) => testFile.parse(parse(readFileSync(file, 'utf8'))).tests);

testUnless(needsPromtool(), 'promtool finds nothing wrong with the rules', () => {
  const { status, stdout, stderr } = promtool('check', 'rules', '--lint-fatal', ...ruleFiles);
  assert.equal(status, 0, stdout + stderr);
});

testUnless(needsPromtool(), 'the rules do what their tests say', () => {
  const { status, stdout, stderr } = promtool('test', 'rules', ...testFiles);
  assert.equal(status, 0, stdout + stderr);
});

test('every alert has a case in which it fires and one in which it does not, every recording rule a value', () => {
  const cases = tests.flatMap((each) => each.alert_rule_test);
  const fired = new Set(cases.filter((each) => each.exp_alerts.length > 0).map((each) => each.alertname));
  const unfired = new Set(cases.filter((each) => each.exp_alerts.length === 0).map((each) => each.alertname));
  const untested = alerts.flatMap(({ alert: name }) => [
    ...(fired.has(name) ? [] : [`${name} never fires in ${TESTS}`]),
    ...(unfired.has(name) ? [] : [`${name} is never quiet in ${TESTS}`]),
  ]);
  assert.deepEqual(untested, []);
  const names = new Set(alerts.map(({ alert: name }) => name));
  assert.deepEqual(
    [...fired, ...unfired].filter((name) => !names.has(name)),
    [],
    'tests of no alert',
  );

  // An alert's case proves the values that it is made of.
  const proven = [
    ...tests.flatMap((each) => each.promql_expr_test.map(({ expr }) => expr)),
    ...alerts.map(({ expr }) => expr),
  ].join('\n');
  assert.deepEqual(
    recordings.map(({ record }) => record).filter((record) => !proven.includes(record)),
    [],
  );
});

test('every alert is told in words, and has a runbook at its own anchor', () => {
  const headings = [...readFileSync(join(projectRoot, RUNBOOKS), 'utf8').matchAll(/^## (\S+)\n+([^#\n].+)/gm)];
  assert.deepEqual(headings.map(([, name]) => name).sort(), alerts.map(({ alert: name }) => name).sort());
  for (const [, name, paragraph = ''] of headings) assert.ok(paragraph.length > 80, `${name}: a paragraph`);
  for (const { alert: name, expr, annotations } of alerts) {
    assert.equal(annotations.runbook_url, `${RUNBOOKS}#${name.toLowerCase()}`);
    // Who it is about, but where there is nobody.
    if (!expr.startsWith('absent(')) assert.match(annotations.summary, /\{\{ \$labels\.(cgroup|instance) \}\}/, name);
  }
});

test('rules ask for metrics that there are, and alerts for records that there are', () => {
  const records = new Set(recordings.map(({ record }) => record));
  for (const { expr } of rules) {
    const recorded = expr.match(/\bcgroup:\w+:\w+/g) ?? [];
    for (const name of recorded) assert.ok(records.has(name), `${name} is not recorded`);
    const metrics = metricsIn(expr);
    for (const metric of metrics) needsOf(metric);
    assert.ok(metrics.length + recorded.length > 0, expr);
  }
});

test('runbooks name verbs, flags and actions that there are', () => {
  const text = readFileSync(join(projectRoot, RUNBOOKS), 'utf8');
  const spoken = [...text.matchAll(/`cgctl ([^`]+)`/g)].map(([, words = '']) => words.split(' '));
  assert.ok(spoken.length > 0);
  for (const [verb = '', ...rest] of spoken) {
    assert.ok(verbs.has(verb), `cgctl ${verb}`);
    if (verb === 'do') assert.ok(defaultRegistry.findAction(rest[0] ?? ''), rest[0]);
  }
  // As text of its own or within a command.
  for (const [, flag = ''] of text.matchAll(/[` ]--([a-z-]+)/g))
    assert.ok(defaultRegistry.knobOfFlag(flag), `--${flag}`);
});
