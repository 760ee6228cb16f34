/** A service's groups, as the view follows them. */
import type { Live } from '../../client/index.ts';
import type { Registry } from '../../controllers/registry.ts';
import { formatValue, valueFromJson } from '../../controllers/types.ts';
import { CgError } from '../../errors.ts';
import type { ColumnInfo } from '../../protocol/column.ts';
import type { Detail, KnobText } from '../top/detail.ts';
import type { Listener, Machine, Source } from '../top/source.ts';
import { checked, group, info, processes } from './answers.ts';
import { groupPath, type Service } from './service.ts';

/** Processes that a pane lists. */
const LISTED = 20;

export class RemoteSource implements Source {
  readonly machine: Machine;
  readonly columns: readonly ColumnInfo[];
  readonly #service: Service;
  readonly #registry: Registry;
  #live: Live | undefined;

  /** @throws CgError UNREACHABLE, AUTH */
  static async open(service: Service, registry: Registry): Promise<RemoteSource> {
    const { host, machine } = checked(info, await service.get('/api/v1/info'));
    const title = `${host} · ${machine.mode} · ${machine.kernel}`;
    const columns = await columnsOf(service);
    return new RemoteSource(service, registry, { title, cpus: machine.onlineCpus.length }, columns);
  }

  private constructor(service: Service, registry: Registry, machine: Machine, columns: readonly ColumnInfo[]) {
    this.#service = service;
    this.#registry = registry;
    this.machine = machine;
    this.columns = columns;
  }

  follow(intervalMs: number, listener: Listener): void {
    this.#live = this.#service.client.live(
      { intervalMs },
      {
        table: (table) => listener.table(table),
        event: (event) => listener.event(event),
        problem: ({ message }) => listener.trouble(message),
        state: (state) => {
          if (state.kind === 'lost') listener.trouble('connection lost, trying again');
          if (state.kind === 'locked') listener.trouble('the service wants a token');
        },
      },
    );
  }

  async detail(id: string): Promise<Detail> {
    try {
      const [about, members] = await Promise.all([
        this.#service.get(groupPath(id)),
        this.#service.get(`/api/v1/processes?${new URLSearchParams({ cgroup: id, limit: String(LISTED) })}`),
      ]);
      return { id, knobs: this.#knobs(checked(group, about).knobs), ...checked(processes, members) };
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      return { id, knobs: [], processes: [], total: 0, problem: error.message };
    }
  }

  async close(): Promise<void> {
    this.#live?.close();
  }

  #knobs(knobs: ReturnType<typeof group.parse>['knobs']): readonly KnobText[] {
    return Object.entries(knobs).flatMap(([key, { asked, value, absent }]) => {
      const kernel = knobText(this.#registry, key, value);
      return absent !== undefined || kernel === undefined
        ? []
        : [{ key, asked: knobText(this.#registry, key, asked), kernel }];
    });
  }
}

/** A setting's JSON as one would give it; of settings that this version does not know, the JSON. */
export function knobText(registry: Registry, key: string, json: unknown): string | undefined {
  if (json === undefined) return undefined;
  const type = registry.findKnob(key)?.knob.type;
  const parsed = type && valueFromJson(type, undefined, json, (_, text) => [text]);
  return type !== undefined && parsed !== undefined && 'value' in parsed
    ? formatValue(type, parsed.value)
    : JSON.stringify(json);
}

/** What the service's view has: it says so first. */
function columnsOf({ client }: Service): Promise<readonly ColumnInfo[]> {
  return new Promise((resolve, reject) => {
    const live = client.live(
      { events: false },
      {
        hello({ columns }) {
          resolve(columns);
          setImmediate(() => live.close());
        },
        state({ kind }) {
          if (kind !== 'lost' && kind !== 'locked') return;
          reject(
            kind === 'locked'
              ? new CgError('AUTH', 'the service wants a token')
              : new CgError('UNREACHABLE', 'the service’s stream cannot be reached'),
          );
          setImmediate(() => live.close());
        },
      },
    );
  });
}
