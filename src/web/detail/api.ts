/** What the pane asks the service for, and what it is told. */
import type { ChartInfo } from '../../protocol/chart.ts';
import type { CgroupEvent } from '../../protocol/event.ts';
import type { Outcome } from '../../protocol/plan.ts';
import type { Access } from './access.ts';
import type { ControllerInfo, Description, Facts, Machine, Processes, Series } from './facts.ts';

export type Get = (path: string) => Promise<Response>;

/** The service says no. */
export class ServiceError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What to do about it. */
    readonly advice: string | undefined,
  ) {
    super(message);
  }
}

export class Api {
  readonly #get: Get;
  readonly #access: Access;
  #facts: Promise<Facts> | undefined;

  constructor(get: Get, access: Access) {
    this.#get = get;
    this.#access = access;
  }

  /** Asked for once; again where that failed. */
  facts(): Promise<Facts> {
    this.#facts ??= this.#askFacts().catch((error: unknown) => {
      this.#facts = undefined;
      throw error;
    });
    return this.#facts;
  }

  /** The service may be another one from now on. */
  forgetFacts(): void {
    this.#facts = undefined;
  }

  describe(id: string): Promise<Description> {
    return this.#ask(pathOf(id));
  }

  async past(id: string, metrics: readonly string[], from: number): Promise<readonly Series[]> {
    const words = new URLSearchParams([['cgroup', id], ...metrics.map((metric) => ['metric', metric])]);
    words.set('from', String(from));
    const { series } = await this.#ask<{ series: readonly Series[] }>(`/api/v1/history?${words}`);
    return series;
  }

  async events(id: string): Promise<readonly CgroupEvent[]> {
    const words = new URLSearchParams({ cgroup: id, limit: '1000' });
    const { events } = await this.#ask<{ events: readonly CgroupEvent[] }>(`/api/v1/events?${words}`);
    return events;
  }

  processes(id: string, limit: number): Promise<Processes> {
    return this.#ask(`/api/v1/processes?${new URLSearchParams({ cgroup: id, limit: String(limit) })}`);
  }

  set(id: string, body: object): Promise<Outcome> {
    return this.post(id, 'set', body);
  }

  /** A change, with the write token: it is asked for where there is none, or where it was a wrong one. */
  async post<T>(id: string, action: string, body: object): Promise<T> {
    for (let wrong = false; ; wrong = true) {
      const token = await this.#access.token(wrong);
      const response = await fetch(`${pathOf(id)}/${action}`, {
        method: 'POST',
        cache: 'no-store',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (response.status !== 401) return answerOf(response);
      this.#access.forget();
    }
  }

  async #askFacts(): Promise<Facts> {
    const [info, declared] = await Promise.all([
      this.#ask<{ writes: boolean; machine: Machine }>('/api/v1/info'),
      this.#ask<{ controllers: readonly ControllerInfo[]; charts: readonly ChartInfo[] }>('/api/v1/controllers'),
    ]);
    const { controllers, charts } = declared;
    const knobs = new Map(controllers.flatMap(({ knobs }) => knobs.map((knob) => [knob.key, knob] as const)));
    return { ...info, controllers, charts, knobs, stats: controllers.flatMap(({ stats }) => stats) };
  }

  async #ask<T>(path: string): Promise<T> {
    return answerOf(await this.#get(path));
  }
}

const pathOf = (id: string): string => `/api/v1/cgroups/${encodeURIComponent(id)}`;

async function answerOf<T>(response: Response): Promise<T> {
  if (response.ok) return response.json();
  const told: { error?: { code?: string; message?: string; advice?: string } } = await response
    .json()
    .catch(() => ({}));
  const { code = 'INTERNAL', message = `${response.status} ${response.statusText}`, advice } = told.error ?? {};
  throw new ServiceError(response.status, code, message, advice);
}
