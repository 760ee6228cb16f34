import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { check } from '../../src/controllers/check.ts';
import { controllers, defaultRegistry } from '../../src/controllers/index.ts';
import { errorsDocument, knobsDocument, metricsDocument } from '../../src/controllers/reference.ts';
import { registry } from '../../src/controllers/registry.ts';
import { parseValue } from '../../src/controllers/types.ts';
import { ERRORS } from '../../src/errors.ts';
import { projectRoot } from '../support/files.ts';
import { tape } from '../support/made-up.ts';

const read = (...path: string[]) => readFileSync(join(projectRoot, ...path), 'utf8');

test('the reference documents are those of these declarations', () => {
  const stale = 'run "node scripts/docs.mjs"';
  assert.ok(read('docs/KNOBS.md') === knobsDocument(defaultRegistry), stale);
  assert.ok(read('docs/METRICS.md') === metricsDocument(defaultRegistry), stale);
  assert.ok(read('docs/ERRORS.md') === errorsDocument(), stale);
});

test('every flag, metric and error code is in the documents', () => {
  const [knobs, metrics, errors] = [read('docs/KNOBS.md'), read('docs/METRICS.md'), read('docs/ERRORS.md')];
  for (const { knob } of defaultRegistry.allKnobs())
    assert.ok(knobs.includes(`\`${knob.flag ?? knob.key}\``), knob.key);
  for (const { stat } of defaultRegistry.allStats()) assert.ok(metrics.includes(`\`cgroup_${stat.name}\``), stat.name);
  for (const code of Object.keys(ERRORS)) assert.ok(errors.includes(`\`${code}\``), code);
});

test('no document says undefined, or has a table row of another width', () => {
  for (const text of [knobsDocument(defaultRegistry), metricsDocument(defaultRegistry), errorsDocument()]) {
    assert.doesNotMatch(text, /undefined|\[object|Infinity|NaN/);
    for (const block of text.split('\n\n')) {
      const rows = block.split('\n').filter((line) => line.startsWith('|'));
      const widths = new Set(rows.map((row) => row.replaceAll('\\|', '').split('|').length));
      assert.ok(widths.size <= 1, block);
    }
  }
});

test('a controller more is a file more: its flags, metrics, events, actions and rows follow', () => {
  const all = registry([...controllers, tape]);
  assert.deepEqual(check([...controllers, tape]), []);

  const quota = all.knobOfFlag('tape-quota');
  assert.ok(quota && 'knob' in quota);
  const { type, means } = quota.knob;
  const parse = (text: string) => parseValue(type, means, text, (_, key) => [key]);
  assert.deepEqual(parse('25'), { value: 25 });
  assert.deepEqual(parse('0'), { value: Number.POSITIVE_INFINITY });
  assert.deepEqual(parse('5'), { mistake: '"5" is not 10..100000 m or max' });

  assert.deepEqual(all.findStat('tape_quota')?.stat.v2, [
    { file: 'tape.max', format: { at: 'word', index: 0 }, extent: 'local' },
  ]);
  assert.equal(all.findStat('tape_read_bytes_total')?.stat.label, 'resource');
  assert.equal(all.findAction('tape.rewind')?.controller, tape());
  assert.ok(all.allEvents().some(({ event }) => event.name === 'tape_torn'));

  const [knobs, metrics] = [knobsDocument(all), metricsDocument(all)];
  for (const row of ['--tape-speed', '`tape.max`, word 2', 'v2’s motors are silent', 'tape.rewind', 'tape_torn']) {
    assert.ok(knobs.includes(row), row);
  }
  for (const row of ['cgroup_tape_quota', 'cgroup_tape_read_bytes_total']) assert.ok(metrics.includes(row), row);
});

test('the guide shows the example that is compiled here', () => {
  assert.ok(read('docs/ADDING-A-CONTROLLER.md').includes(read('test/support/made-up.ts')));
});

/** What is not a declaration in this folder. */
const MACHINERY = [
  'alarms.ts',
  'cadvisor.ts',
  'charts.ts',
  'check.ts',
  'controller.ts',
  'convert.ts',
  'derive.ts',
  'index.ts',
  'reference.ts',
  'registry.ts',
  'types.ts',
];

test('declarations hold no code: no statements, no imports but the vocabulary and named conversions', () => {
  const folder = join(projectRoot, 'src/controllers');
  const declarations = readdirSync(folder).filter((name) => !MACHINERY.includes(name));
  assert.equal(declarations.length, controllers.length);
  for (const name of declarations) {
    const source = readFileSync(join(folder, name), 'utf8');
    for (const [, from] of source.matchAll(/from '(.*)'/g)) {
      assert.ok(['./alarms.ts', './controller.ts', './convert.ts'].includes(from ?? ''), `${name} imports ${from}`);
    }
    // a body in braces is code, except that of an encode or a decode
    for (const [body] of source.matchAll(/\b\w+\([^()]*\)(?:: [^=;\n]+)? \{$|=> \{$|\bfunction\b/gm)) {
      assert.match(body, /^(?:encode|decode)\(/, `${name}: ${body}`);
    }
  }
});
