/** The service's figures about itself, beside those of the cgroups. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as PromRegistry } from 'prom-client';
import { alternatives } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { errnoOf } from '../errors.ts';
import type { Family, Single } from '../exporters/exposition.ts';
import type { Labels } from '../exporters/parts.ts';
import type { EventStatus } from '../monitor/events.ts';
import type { SamplerStatus } from '../monitor/sampler.ts';
import type { Snapshot } from '../protocol/snapshot.ts';

/** The longest that Node's timers take. */
const NEVER_MS = 2 ** 31 - 1;

export interface Sources {
  readonly version: string;
  readonly registry: Registry;
  sampler(): SamplerStatus;
  events(): EventStatus;
  streams(): number;
  /** Whether the configuration file, as it is now, is in force. */
  configured(): boolean;
}

export class ServiceMetrics {
  readonly #registers = [new PromRegistry()] as [PromRegistry];
  readonly #controllers: readonly { readonly name: string; reads(file: string): boolean }[];
  readonly requests = new Counter({
    name: 'cgctl_http_requests_total',
    help: 'Requests that were answered',
    labelNames: ['method', 'code'],
    registers: this.#registers,
  });
  readonly scrapes = new Histogram({
    name: 'cgctl_scrape_seconds',
    help: 'Time to answer a scrape of /metrics, sampling included',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: this.#registers,
  });
  readonly changes = new Counter({
    name: 'cgctl_changes_total',
    help: 'Changes that clients asked for, by what came of them (ok or the error code)',
    labelNames: ['action', 'result'],
    registers: this.#registers,
  });
  readonly frames = new Counter({
    name: 'cgctl_stream_frames_total',
    help: 'Snapshots sent to clients of the stream',
    registers: this.#registers,
  });
  readonly dropped = new Counter({
    name: 'cgctl_stream_frames_dropped_total',
    help: 'Snapshots left out for clients that read too slowly',
    registers: this.#registers,
  });

  constructor({ version, registry, sampler, events, streams, configured }: Sources) {
    this.#controllers = registry.controllers.map(({ name }) => ({ name, reads: readerOf(name, registry) }));
    const registers = this.#registers;
    // The delays' distribution wakes the process a hundred times a second, whoever asks: a lag that is looked at on demand will do.
    collectDefaultMetrics({ register: registers[0], eventLoopMonitoringPrecision: NEVER_MS });
    for (const part of ['', 'min_', 'max_', 'mean_', 'stddev_', 'p50_', 'p90_', 'p99_'])
      registers[0].removeSingleMetric(`nodejs_eventloop_lag_${part}seconds`);
    new Gauge({
      name: 'nodejs_eventloop_lag_seconds',
      help: 'Lag of event loop in seconds.',
      registers,
      async collect() {
        const asked = performance.now();
        await immediate();
        this.set((performance.now() - asked) / 1000);
      },
    });
    // Gauges that are called like counters, of what other gauges say by type.
    for (const what of ['handles', 'requests', 'resources'])
      registers[0].removeSingleMetric(`nodejs_active_${what}_total`);
    registers[0].removeSingleMetric('process_open_fds');
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge('process_open_fds', 'Number of open file descriptors.', openDescriptors);
    const counter = (name: string, help: string, value: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    new Gauge({ name: 'cgctl_build_info', help: 'The version; always 1', labelNames: ['version'], registers }).set(
      { version },
      1,
    );
    gauge('cgctl_sample_rows', 'Groups in the last snapshot', () => sampler().rows);
    gauge('cgctl_descriptors_open', 'Kernel files that are kept open', () => sampler().descriptors);
    gauge('cgctl_descriptors_limit', 'Kernel files that are kept open at most', () => sampler().budget);
    gauge('cgctl_sampler_lag_seconds', 'How late the last snapshot was for the stream', () => sampler().lagSeconds);
    gauge('cgctl_stream_clients', 'Clients of the stream', streams);
    gauge('cgctl_config_ok', 'Whether the configuration file as it is now is in force (1) or was refused (0)', () =>
      Number(configured()),
    );
    counter('cgctl_snapshots_total', 'Looks at the whole tree', () => sampler().snapshots);
    counter('cgctl_events_total', 'Events of all groups that the service saw', () => events().events);
    counter(
      'cgctl_events_forgotten_total',
      'Events that are kept no longer, so that nobody can ask for them',
      () => events().dropped,
    );
    new Counter({
      name: 'cgctl_read_errors_total',
      help: 'Kernel files that could not be read though they were there, or were not understood',
      labelNames: ['file'],
      registers,
      collect() {
        this.reset();
        for (const [file, count] of sampler().errors) this.inc({ file }, count);
      },
    });
    new Gauge({
      name: 'cgctl_watches',
      help: 'Files that are watched for events, by how: those that are polled have no watch',
      labelNames: ['mechanism'],
      registers,
      collect() {
        const { eventfds, modified, polled, triggers } = events();
        this.set({ mechanism: 'eventfd' }, eventfds);
        this.set({ mechanism: 'inotify' }, modified);
        this.set({ mechanism: 'poll' }, polled);
        this.set({ mechanism: 'trigger' }, triggers);
      },
    });
    new Gauge({
      name: 'cgctl_watches_limit',
      help: 'How many watches this user may have on the whole machine (fs.inotify.max_user_watches)',
      labelNames: ['mechanism'],
      registers,
      collect() {
        const limit = inotifyLimit();
        if (limit !== undefined) this.set({ mechanism: 'inotify' }, limit);
      },
    });
  }

  /** What is known now, with what is to be said of a look at the tree. */
  async families(snapshot: Snapshot): Promise<Family[]> {
    const known = await this.#registers[0].getMetricsAsJSON();
    const own = known.map(({ name, help, type, values }): Family => {
      const kind = KINDS[String(type)] ?? 'gauge';
      return { name, kind, help, singles: values.map(single) };
    });
    return [...own, ...this.#sampling(snapshot)];
  }

  #sampling({ durationSeconds, monotonic, errors, controllerSeconds }: Snapshot): Family[] {
    const failed = [...errors.keys()];
    const gauge = (name: string, help: string, singles: readonly Single[]): Family => ({
      name,
      kind: 'gauge',
      help,
      singles,
    });
    return [
      gauge('cgctl_sample_duration_seconds', 'How long the look at the tree took that these figures are from', [
        { labels: {}, value: durationSeconds },
      ]),
      gauge('cgctl_sample_age_seconds', 'How old that look is', [
        { labels: {}, value: Math.max(0, performance.now() / 1000 - monotonic) },
      ]),
      gauge(
        'cgctl_controller_success',
        'Whether all files of a controller could be read and understood at that look',
        this.#controllers.map(({ name, reads }) => ({
          labels: { controller: name },
          value: Number(!failed.some(reads)),
        })),
      ),
      gauge(
        'cgctl_controller_duration_seconds',
        'How much of that look was spent on reading the files of a controller',
        [...(controllerSeconds ?? [])].map(([controller, value]) => ({ labels: { controller }, value })),
      ),
    ];
  }
}

const KINDS: Readonly<Record<string, Family['kind']>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
};

/** Prom-client names the parts of histograms and summaries beside their values. */
function single(value: { value: number; labels: object; metricName?: string }): Single {
  const labels: Labels = Object.fromEntries(Object.entries(value.labels).map(([name, text]) => [name, String(text)]));
  return { labels, value: value.value, ...(value.metricName !== undefined && { name: value.metricName }) };
}

/** Whether a controller's stats are read from a file of that name. */
function readerOf(controller: string, registry: Registry): (file: string) => boolean {
  const files = registry
    .allStats()
    .filter((entry) => entry.controller.name === controller)
    .flatMap(({ stat: { v1, v2 } }) =>
      [...alternatives(v1), ...alternatives(v2)].map(({ file }) => file.split('{key}')),
    );
  return (file) =>
    files.some(([start = '', end]) =>
      end === undefined ? file === start : file.startsWith(start) && file.endsWith(end),
    );
}

function inotifyLimit(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8'));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Listing thousands takes 10 ms; since Linux 6.2 the directory's size is their number (proc_pid_fd(5)). */
function openDescriptors(): number {
  return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length - 1;
}
