/** What clients may have done: the same pipeline that the verbs use, on behalf of whoever asked. */
import { change } from '../control/change.ts';
import { freeze, thaw } from '../control/freeze.ts';
import { kill } from '../control/kill.ts';
import { withLock } from '../control/lock.ts';
import { planRemove, remove } from '../control/remove.ts';
import { machineOf, parseSpec, withCreateDefaults } from '../control/spec.ts';
import type { Source } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { isAbsent, pick } from '../hierarchy/locate.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { chartsOf } from '../monitor/charts.ts';
import { lockOptions } from '../verbs/changing.ts';
import { get } from '../verbs/get.ts';
import { info } from '../verbs/info.ts';
import { ownerNotes } from '../verbs/owners.ts';
import type { Context, Output, Verb } from '../verbs/verb.ts';
import { processesOf } from './processes.ts';

/** Who asks, and until when. */
export interface Caller {
  readonly who: string;
  /** The client went away. */
  readonly signal: AbortSignal;
}

/** A change as a client asks for it. */
export interface ChangeBody {
  /** By flag (`cpu-shares`) or key (`cpu.shares`): a text as on the command line, or JSON. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly yes: boolean;
}

export class Actions {
  readonly #host: Host;
  readonly #registry: Registry;
  readonly #env: Context['env'];

  constructor(host: Host, registry: Registry, env: Context['env']) {
    this.#host = host;
    this.#registry = registry;
    this.#env = env;
  }

  /** `cgctl info --json` */
  machine(caller: Caller): Promise<Record<string, unknown>> {
    return this.#answer(info, [], caller);
  }

  /** `cgctl get <id> --all --json` */
  describe(id: CgroupId, caller: Caller): Promise<Record<string, unknown>> {
    return this.#answer(get, [id], caller);
  }

  /** Of the figures that charts are drawn from, those that the group lacks, and why. */
  lacking(id: CgroupId): Readonly<Record<string, string>> {
    const drawn = chartsOf(this.#registry).flatMap(({ parts }) => parts.flatMap(({ metric }) => metric ?? []));
    const reasons = drawn.flatMap((metric) => {
      const entry = this.#registry.findStat(metric);
      const found = entry && pick<Source>(this.#host.reader, id, entry.controller, entry.stat);
      return found !== undefined && isAbsent(found) ? [[metric, found.absent] as const] : [];
    });
    return Object.fromEntries(reasons);
  }

  processes(id: CgroupId, limit: number) {
    return processesOf(this.#host, id, limit);
  }

  /** @param create make the group where it is missing */
  async set(id: CgroupId, body: ChangeBody, caller: Caller, { create = false } = {}) {
    const { values, mistakes } = parseSpec(this.#registry, body.values, machineOf(this.#host));
    if (mistakes.length > 0) throw new CgError('VALUE', mistakes.join('\n'), { mistakes });
    if (values.size === 0 && !create) throw new CgError('USAGE', 'nothing to set: "values" is empty');
    const request = create ? { id, create, values: withCreateDefaults(this.#registry, values) } : { id, values };
    const { dryRun, force, yes } = body;
    return await change(this.#host, this.#registry, [request], {
      dryRun,
      force,
      yes,
      annotate: (group) => ownerNotes(this.#host, this.#registry, group, values.keys()),
      lock: this.#lock(caller),
    });
  }

  freeze(id: CgroupId, caller: Caller) {
    return withLock(this.#lock(caller), () => freeze(this.#host, this.#registry, id, { signal: caller.signal }));
  }

  thaw(id: CgroupId, caller: Caller) {
    return withLock(this.#lock(caller), () => thaw(this.#host, this.#registry, id, { signal: caller.signal }));
  }

  /** Takes no lock: a kill waits for nobody. @param name of the signal; default KILL */
  async kill(
    id: CgroupId,
    { signal: name = 'KILL', force }: { signal?: string | undefined; force: boolean },
    caller: Caller,
  ) {
    return await kill(this.#host, this.#registry, id, { signal: name, force, abort: caller.signal });
  }

  async remove(
    id: CgroupId,
    { dryRun, ...options }: { recursive: boolean; force: boolean; dryRun: boolean },
    caller: Caller,
  ) {
    if (dryRun) return planRemove(this.#host, id, options);
    const abort = caller.signal;
    return await withLock(this.#lock(caller), () => remove(this.#host, this.#registry, id, { ...options, abort }));
  }

  #lock(caller: Caller) {
    return lockOptions({ positional: [], rest: [], options: {} }, this.#context(caller));
  }

  #context({ who, signal }: Caller): Context {
    return { env: this.#env, registry: this.#registry, who, signal, host: () => this.#host };
  }

  /** Runs a verb and returns the JSON document that it prints. */
  async #answer(verb: Verb, positional: readonly string[], caller: Caller): Promise<Record<string, unknown>> {
    const pieces: string[] = [];
    const out: Output = { write: (text) => void pieces.push(text), isTTY: false, columns: 80 };
    const streams = { out, err: { ...out, write: () => undefined }, confirm: async () => false };
    await verb.run({ positional, rest: [], options: { json: true, all: true } }, streams, this.#context(caller));
    return JSON.parse(pieces.join(''));
  }
}
