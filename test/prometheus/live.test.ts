/**
 * Debian's Prometheus scrapes the real service each second for about a minute while a demo load runs. One Prometheus serves all the
 * tests of this file: they are steps of one.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as z from 'zod';
import { boards } from '../../dashboards/src/index.ts';
import { eventually, pause, type TestGroup } from '../contract/group.ts';
import { metricsIn } from '../dashboards/metrics.ts';
import { service } from '../server/service.ts';
import { projectRoot } from '../support/files.ts';
import { mountOf, needsHierarchies, needsKernel, testUnless } from '../support/host.ts';
import { removeEverywhere } from '../support/scratch.ts';
import { absentHere, type Chosen, choicesOf, hasData, queriesOf, type Span } from './boards.ts';
import { changeLimits, startLoad } from './load.ts';
import { JOB, needsPrometheus, type Prometheus, startPrometheus } from './prometheus.ts';

/** How long the load runs, the last part of it without a change, in s. */
const LOAD_SECONDS = 55;
const RATE_SECONDS = 30;
/** Far above what it takes: a busy machine is slow to start all this. */
const TIMEOUT_MS = 300_000;
const RULES = join(projectRoot, 'dashboards/rules');

const now = (): number => Date.now() / 1000;
const sleep = (seconds: number): Promise<void> => pause(1000 * seconds);

testUnless(
  needsPrometheus() ?? needsKernel(),
  'Prometheus',
  async (t) => {
    const { url } = await service(t, { freshness: '0', 'metrics-per-cpu': true });
    const instance = new URL(url).host;
    const rules = readdirSync(RULES).filter((name) => name.endsWith('.yml'));
    const prometheus = await startPrometheus(
      t,
      instance,
      rules.map((name) => join(RULES, name)),
    );

    const start = now();
    const load = await startLoad(t);
    await prometheus.scrapeAfter(now());
    await sleep(LOAD_SECONDS - RATE_SECONDS - (now() - start));
    await changeLimits(load);
    const first = await bracketed(prometheus, () => cpuSeconds(load.web));
    await sleep(RATE_SECONDS);
    const last = await bracketed(prometheus, () => cpuSeconds(load.web));
    const span: Span = { start, end: last.time };
    const step = (name: string, check: (inner: TestContext) => Promise<void>) => t.test(name, check);

    await step('the rate of CPU is that of the kernel’s own count', async () => {
      const seconds = last.time - first.time;
      // The range begins with the first sample and ends with the last, so that nothing is extrapolated.
      const metric = series('cpu_usage_seconds_total', load.web);
      const grown = seconds * (await prometheus.valueOf(`rate(${metric}[${Math.ceil(1000 * seconds)}ms])`, last.time));
      const [least, most] = [last.least - first.most, last.most - first.least];
      assert.ok(least > 1, `the load used ${least} s of CPU time`);
      assert.ok(0.99 * least <= grown && grown <= 1.01 * most, `${least} ≤ ${grown} ≤ ${most}`);
    });

    await step('a counter lies between the kernel’s counts before and after the scrape', async () => {
      await lies(prometheus, series('cpu_usage_seconds_total', load.web), () => cpuSeconds(load.web));
      await lies(prometheus, series('memory_oom_kills_total', load.leaky), () => oomKills(load.leaky));
      await lies(prometheus, series('pids_limit_hits_total', load.many), () => refusedForks(load.many));
    });

    await step('a gauge is what the file says', async () => {
      // The kernel charges in batches: only where the file says the same before and after it is known what was scraped.
      const still = await eventually(
        () => bracketed(prometheus, () => memoryBytes(load.still)),
        ({ least, most }) => least === most,
      );
      assert.ok(still.least > 8e6, `the load holds ${still.least} bytes`);
      assert.equal(await prometheus.valueOf(series('memory_usage_bytes', load.still), still.time), still.least);
      assert.equal(await prometheus.valueOf(series('memory_limit_bytes', load.still)), 64 * 2 ** 20);
      assert.equal(await prometheus.valueOf(series('pids_limit', load.idle)), Number.POSITIVE_INFINITY);
    });

    await step('every query of every board has data', async (inner) => {
      const { layout } = load.top.host;
      const groups = [load.top, load.web, load.leaky, load.still, load.many].map(({ id }) => id);
      const empty: string[] = [];
      const unchecked: string[] = [];
      let asked = 0;
      for (const board of boards) {
        const multi = board.variables.some((each) => each.multi);
        const chosen: Chosen = {
          host: multi ? [instance] : instance,
          cgroup: multi ? groups : load.web.id,
          top: '10',
          level: '/.+',
        };
        for (const variable of board.variables) {
          const choices = await choicesOf(prometheus, variable, chosen);
          for (const value of [chosen[variable.name] ?? []].flat())
            assert.ok(choices.includes(value), `${variable.name}: ${value}`);
        }
        for (const query of queriesOf(board, chosen, span)) {
          asked += 1;
          const found = await hasData(prometheus, query, span);
          const absent = absentHere(layout, query.expr);
          if (absent.length === 0) {
            if (!found) empty.push(`${query.where}: ${query.expr}`);
            continue;
          }
          assert.ok(query.needs, `${query.where} does not say that it needs something`);
          assert.ok(!found, `${query.where}: no place for ${absent.join(', ')}, and yet there is data`);
          unchecked.push(`${query.where} (needs ${query.needs})`);
        }
      }
      inner.diagnostic(
        `${asked} queries have data but those that this host cannot have: ${unchecked.join('; ') || 'none'}`,
      );
      assert.deepEqual(empty, []);
    });

    await step('every rule can be evaluated, records have data and the alerts of the load fire', async () => {
      const { groups } = ruleAnswer.parse(await prometheus.ask('rules'));
      const all = groups.flatMap((group) => group.rules);
      assert.deepEqual(
        all.filter(({ health }) => health !== 'ok'),
        [],
      );
      const { layout } = load.top.host;
      const within = (expr: string) => prometheus.range(expr, span.start, now(), 1);
      for (const { name, type, query } of all) {
        if (absentHere(layout, query).length > 0) continue;
        for (const metric of metricsIn(query)) assert.ok((await within(metric)).length > 0, `${name}: no ${metric}`);
        if (type === 'recording') assert.ok((await within(name)).length > 0, `${name} has no data`);
      }
      const firing = async (name: string, { id }: TestGroup) =>
        (await within(`ALERTS{alertname="${name}",alertstate="firing",cgroup="${id}"}`)).length > 0;
      for (const [name, group, metric] of [
        ['CgroupOomKill', load.leaky, 'cgroup_events_total{kind="oom_kill"'],
        ['CgroupForksRefused', load.many, 'cgroup_pids_limit_hits_total{job="cgctl"'],
      ] as const) {
        const selector = `${metric},cgroup="${group.id}"}`;
        const quiet = async () => {
          if (await firing(name, group)) return undefined;
          const values = (await within(selector)).flatMap((one) => one.values.map(({ value }) => value));
          return `without ${name}, where ${selector} was ${values.join(' ') || 'not there'},`;
        };
        await eventually(quiet, (seen) => seen === undefined);
      }
      assert.ok(!(await firing('CgroupOomKill', load.still)));
    });

    await step('the series of a removed group end at the next scrape, its OOM kills stay', async () => {
      const kills = async () => {
        const [one] = await prometheus.at(`cgroup_events_total{kind="oom_kill",cgroup="${load.leaky.id}"}`);
        return one?.value.value ?? 0;
      };
      await eventually(kills, (count) => count > 0);
      /** What is there of a group; counts of what happened to it stay for a while. */
      const names = async ({ id }: TestGroup, time?: number) =>
        (await prometheus.at(`{__name__=~"cgroup_.+",cgroup="${id}"}`, time)).map(
          ({ metric }) => metric.__name__ ?? '',
        );
      for (const [group, stays] of [
        [load.idle, /^cgroup_events_total$/],
        [load.leaky, /^cgroup_(events|memory_\w+)_total$/],
      ] as const) {
        assert.ok((await names(group)).length > 10);
        removeEverywhere(group.id);
        const gone = now();
        const left = await names(group, await prometheus.scrapeAfter(gone));
        assert.deepEqual(
          left.filter((name) => !stays.test(name)),
          [],
        );
        const [info] = await prometheus.samples(`cgroup_info{cgroup="${group.id}"}[1m]`);
        assert.ok(info?.values.every(({ time }) => time <= gone));
      }
      assert.ok((await kills()) > 0);
    });
  },
  { timeout: TIMEOUT_MS },
);

const ruleAnswer = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.object({ name: z.string(), type: z.string(), query: z.string(), health: z.string() })),
    }),
  ),
});

interface Bracket {
  /** Of a scrape. */
  readonly time: number;
  /** What the kernel said before it, and when Prometheus had it. */
  readonly least: number;
  readonly most: number;
}

async function bracketed(prometheus: Prometheus, read: () => number): Promise<Bracket> {
  const least = read();
  const time = await prometheus.scrapeAfter(now());
  return { time, least, most: read() };
}

/** Asserts that what was scraped lies between what the kernel said before and after. */
async function lies(prometheus: Prometheus, metric: string, read: () => number): Promise<void> {
  const { time, least, most } = await bracketed(prometheus, read);
  const value = await prometheus.valueOf(metric, time);
  assert.ok(least <= value && value <= most, `${least} ≤ ${value} ≤ ${most}: ${metric}`);
}

const series = (name: string, { id }: TestGroup): string => `cgroup_${name}{job="${JOB}",cgroup="${id}"}`;

/** The kernel's own file, in whatever hierarchy the controller is. */
function kernelFile({ id }: TestGroup, controller: string, v1: string, v2: string): string {
  return needsHierarchies(controller) === undefined
    ? join(mountOf(controller), id, v1)
    : join(mountOf('cgroup2'), id, v2);
}

const isOnV1 = (controller: string): boolean => needsHierarchies(controller) === undefined;

function flat(file: string, key: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${key} `));
  assert.ok(line, `${key} in ${file}`);
  return Number(line.split(' ')[1]);
}

function cpuSeconds(group: TestGroup): number {
  const file = kernelFile(group, 'cpuacct', 'cpuacct.usage', 'cpu.stat');
  return isOnV1('cpuacct') ? Number(readFileSync(file, 'utf8')) / 1e9 : flat(file, 'usage_usec') / 1e6;
}

const oomKills = (group: TestGroup): number =>
  flat(kernelFile(group, 'memory', 'memory.oom_control', 'memory.events.local'), 'oom_kill');

const refusedForks = (group: TestGroup): number => flat(kernelFile(group, 'pids', 'pids.events', 'pids.events'), 'max');

const memoryBytes = (group: TestGroup): number =>
  Number(readFileSync(kernelFile(group, 'memory', 'memory.usage_in_bytes', 'memory.current'), 'utf8'));
