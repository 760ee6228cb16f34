/** The metrics that PromQL of ours may name, and where they are to be had. */
import assert from 'node:assert/strict';
import type { Needs } from '../../dashboards/src/grafana.ts';
import { alternatives, type Controller, type Stat } from '../../src/controllers/controller.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';

const PREFIX = 'cgroup_';
/** Of render(), beside the declared stats. */
const EVERYWHERE = ['cgroup_info', 'cgroup_events_total'];
/** Prometheus' own for each target. */
const OF_PROMETHEUS = ['up', 'scrape_duration_seconds', 'scrape_samples_scraped', 'scrape_series_added'];

/** Of the service itself; that they are there is seen where it is scraped (test/prometheus). */
const OWN = /^(cgctl|process|nodejs)_/;

/** Metric names in an expression, by their prefixes; recorded ones, which have colons, are not among them. */
export function metricsIn(expr: string): readonly string[] {
  const bare = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return [
    ...new Set(
      [...bare.matchAll(/(?<![:\w])(?:(?:cgroup_|cgctl_|process_|nodejs_|scrape_)\w+|up)(?![:\w])/g)].map(
        ([name]) => name,
      ),
    ),
  ];
}

/** Where a metric can be had: everywhere where it is undefined. @throws AssertionError for one that is nobody's */
export function needsOf(metric: string): Needs | undefined {
  if (EVERYWHERE.includes(metric) || OF_PROMETHEUS.includes(metric) || OWN.test(metric)) return undefined;
  const entry = metric.startsWith(PREFIX) ? defaultRegistry.findStat(metric.slice(PREFIX.length)) : undefined;
  assert.ok(entry, `there is no metric ${metric}`);
  return needsOfStat(entry.controller, entry.stat);
}

function needsOfStat(controller: Controller, { v1, v2 }: Stat): Needs | undefined {
  const [one, two] = [v1, v2].map((sources) => alternatives(sources).length > 0);
  if (one && two) return undefined;
  if (one) return 'v1';
  return controller.v2 === 'core' || alternatives(v2).every((source) => source.in === 'core') ? 'unified' : 'v2';
}

/** That a query which cannot have data on every host says so. */
export function checkNeeds(expr: string, needs: Needs | undefined, where: string): void {
  const wanted = new Set(metricsIn(expr).flatMap((metric) => needsOf(metric) ?? []));
  assert.deepEqual([...wanted], needs === undefined ? [] : [needs], `${where}: needs`);
}
