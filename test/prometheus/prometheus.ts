/** The real Prometheus, scraping a service of the test's own: gone with its data when the test ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import * as z from 'zod';
import { eventually } from '../contract/group.ts';
import { atEnd, temporary } from '../support/host.ts';

export const JOB = 'cgctl';

/** The reason why there is none, or undefined. */
export function needsPrometheus(): string | undefined {
  return spawnSync('prometheus', ['--version']).error === undefined ? undefined : 'no prometheus';
}

const point = z.tuple([z.number(), z.string()]).transform(([time, value]) => ({ time, value: numberOf(value) }));
const labels = z.record(z.string(), z.string());
const vector = z.array(z.object({ metric: labels, value: point }));
const matrix = z.array(z.object({ metric: labels, values: z.array(point) }));

export type Series = z.output<typeof matrix>[number];

export class Prometheus {
  constructor(private readonly url: string) {}

  /** Values at a time (now), a series each. */
  async at(expr: string, time?: number): Promise<z.output<typeof vector>> {
    const params = { query: expr, ...(time !== undefined && { time: time.toFixed(3) }) };
    return z.object({ result: vector }).parse(await this.ask('query', params)).result;
  }

  /** The value of the one series that the expression has. */
  async valueOf(expr: string, time?: number): Promise<number> {
    const [one, ...more] = await this.at(expr, time);
    assert.ok(
      one !== undefined && more.length === 0,
      `${expr} has ${more.length + (one === undefined ? 0 : 1)} series`,
    );
    return one.value.value;
  }

  /** All samples of a range selector, `metric[5m]`. */
  async samples(expr: string): Promise<Series[]> {
    return z.object({ result: matrix }).parse(await this.ask('query', { query: expr })).result;
  }

  async range(expr: string, start: number, end: number, step: number): Promise<Series[]> {
    const params = { query: expr, start: start.toFixed(3), end: end.toFixed(3), step: String(step) };
    return z.object({ result: matrix }).parse(await this.ask('query_range', params)).result;
  }

  /** When the first good scrape after a time began, in s; all its samples have that time. */
  async scrapeAfter(time: number): Promise<number> {
    // Prometheus moves a scrape's time by up to 2 ms, to keep intervals even.
    const [series] = await eventually(
      () => this.samples(`up{job="${JOB}"}[1m]`),
      ([ups]) => ups?.values.some((up) => up.value === 1 && up.time > time + 0.01) ?? false,
    );
    const first = series?.values.find((up) => up.value === 1 && up.time > time + 0.01);
    assert.ok(first);
    return first.time;
  }

  /** The `data` of an answer of /api/v1/. */
  async ask(path: string, params: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(params)}`);
    const answer = z
      .object({ status: z.string(), error: z.string().optional(), data: z.unknown() })
      .parse(await response.json());
    assert.equal(answer.status, 'success', `${path} ${JSON.stringify(params)}: ${answer.error}`);
    return answer.data;
  }
}

/** Starts scraping a target (HOST:PORT) each second, with the rules of those files. */
export async function startPrometheus(
  t: TestContext,
  target: string,
  ruleFiles: readonly string[],
): Promise<Prometheus> {
  let child: ChildProcess | undefined;
  // Before its folder, so that it does not write into what is being removed.
  atEnd(t, () => {
    child?.kill('SIGKILL');
    child?.unref();
  });
  const folder = temporary(t);
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '5s' },
      rule_files: ruleFiles,
      scrape_configs: [{ job_name: JOB, static_configs: [{ targets: [target] }] }],
    }),
  );
  child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', '--', 'prometheus', `--config.file=${config}`, `--storage.tsdb.path=${folder}/data`],
      ...['--web.listen-address=127.0.0.1:0', '--log.format=json', '--query.lookback-delta=1m'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  return new Prometheus(`http://${await addressOf(child)}`);
}

/** Infinity is `+Inf`. */
function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

/** The address that it chose, once it answers. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  assert.ok(stderr);
  const said: string[] = [];
  let address: string | undefined;
  for await (const line of createInterface({ input: stderr })) {
    said.push(line);
    const { msg, address: at } = z
      .object({ msg: z.string().optional(), address: z.string().optional() })
      .parse(JSON.parse(line));
    if (msg === 'Listening on') address = at;
    if (msg?.startsWith('Server is ready') && address !== undefined) {
      // Read on, so that it is never blocked.
      stderr.resume();
      return address;
    }
  }
  throw new Error(`prometheus did not start:\n${said.join('\n')}`);
}
