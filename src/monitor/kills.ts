/**
 * Joins the two accounts of an OOM kill: the group's counter, which says that it happened, and the kernel's log, which says to
 * whom. Either may come first, or alone: the log is silent about many kills' groups, and counters go with their group.
 */
import type { OomVictim } from '../parse/kmsg.ts';
import type { CgroupEvent } from '../protocol/event.ts';

/** What a counter told. */
export interface Kill {
  readonly kind: string;
  readonly cgroup: string;
  readonly generation?: string;
  readonly count: number;
}

/** What the log told. */
export interface Victim extends OomVictim {
  /** Where it was; undefined where the log does not say and nobody saw. */
  readonly cgroup?: string;
  /** The group whose limit was hit. */
  readonly limited?: string;
}

export interface KillTellers {
  /** A kill, with those of its victims that are known. */
  tell(kill: Kill, victims: readonly Victim[]): void;
  /** The log has a victim of which no counter spoke in all that time. @see Kills.isOpen */
  believe(cgroup: string, victim: Victim): void;
}

/** How long a kill waits for its victims' names: the kernel logs each at once, but may be held up on a machine that is very busy. */
const HOLD_MS = 500;
/** How long a victim waits for a counter to speak of it, before it is taken at the log's word. */
const PATIENCE_MS = 200;
/** Victims that are remembered, at most. */
const MOST = 1000;

interface Pending {
  readonly kill: Kill;
  readonly victims: Victim[];
  timer: NodeJS.Timeout | undefined;
}

export class Kills {
  readonly #tellers: KillTellers;
  readonly #pending = new Set<Pending>();
  /** By group: kills that were told without their victims' names. */
  readonly #unnamed = new Map<string, number>();
  /** Victims whose group is known and has not spoken. */
  readonly #early = new Map<Victim, NodeJS.Timeout>();
  /** Victims of nobody knows where. */
  #strays: Victim[] = [];

  constructor(tellers: KillTellers) {
    this.#tellers = tellers;
  }

  /** A counter grew. @param hold whether names may follow */
  counted(kill: Kill, hold: boolean): void {
    const pending: Pending = { kill, victims: [], timer: undefined };
    for (const [victim, timer] of this.#early) {
      if (victim.cgroup !== kill.cgroup || pending.victims.length === kill.count) continue;
      clearTimeout(timer);
      this.#early.delete(victim);
      pending.victims.push(victim);
    }
    if (!hold || pending.victims.length === kill.count) {
      this.#conclude(pending);
      return;
    }
    this.#pending.add(pending);
    pending.timer = setTimeout(() => this.#conclude(pending), HOLD_MS);
  }

  /** The log named somebody. */
  named(victim: Victim): void {
    const { cgroup } = victim;
    if (cgroup === undefined) {
      this.#nameless(victim);
      return;
    }
    for (const pending of this.#pending) {
      if (pending.kill.cgroup !== cgroup) continue;
      pending.victims.push(victim);
      if (pending.victims.length === pending.kill.count) this.#conclude(pending);
      return;
    }
    const unnamed = this.#unnamed.get(cgroup) ?? 0;
    if (unnamed > 1) this.#unnamed.set(cgroup, unnamed - 1);
    else this.#unnamed.delete(cgroup);
    if (unnamed > 0) return;
    if (this.#early.size < MOST)
      this.#early.set(
        victim,
        setTimeout(() => this.#believe(victim, cgroup), PATIENCE_MS),
      );
  }

  /** A victim of nobody knows where: if one kill alone waits for a name, it is that one's. */
  #nameless(victim: Victim): void {
    const [pending, ...others] = this.#pending;
    if (pending !== undefined && others.length === 0) {
      pending.victims.push(victim);
      if (pending.victims.length === pending.kill.count) this.#conclude(pending);
      return;
    }
    this.#strays.push(victim);
    if (this.#strays.length > MOST) this.#strays.shift();
  }

  /** Victims that no group can be given for, for kills that no group accounts for. */
  takeStrays(count: number): readonly Victim[] {
    return this.#strays.splice(0, count);
  }

  /** All kills are accounted for: strays are victims of groups that did not know their names. */
  balanced(): void {
    this.#strays = [];
    this.#unnamed.clear();
  }

  /** Whether still no counter has spoken of the victim. */
  isOpen(victim: Victim): boolean {
    return this.#early.has(victim);
  }

  close(): void {
    for (const pending of this.#pending) this.#conclude(pending);
    for (const timer of this.#early.values()) clearTimeout(timer);
    this.#early.clear();
  }

  #conclude(pending: Pending): void {
    clearTimeout(pending.timer);
    this.#pending.delete(pending);
    const { kill, victims } = pending;
    // A lone kill is the lone stray's.
    if (victims.length === 0 && kill.count === this.#strays.length && this.#pending.size === 0)
      victims.push(...this.takeStrays(kill.count));
    const unnamed = kill.count - victims.length;
    if (unnamed > 0) this.#unnamed.set(kill.cgroup, (this.#unnamed.get(kill.cgroup) ?? 0) + unnamed);
    this.#tellers.tell(kill, victims);
  }

  #believe(victim: Victim, cgroup: string): void {
    this.#tellers.believe(cgroup, victim);
    this.#early.delete(victim);
  }
}

/** A kill as it is told. @param ancestor whose limit it was, where that is known */
export function killed(
  { kind, cgroup, generation, count }: Kill,
  victims: readonly Victim[],
  ancestor: string | undefined,
  beside: NonNullable<CgroupEvent['details']> = {},
): Omit<CgroupEvent, 'seq' | 'time'> {
  const [victim] = victims;
  const details = {
    ...(victim && { victim: victim.command, victim_pid: victim.pid, victim_anon_bytes: victim.anonBytes }),
    ...beside,
  };
  const names = victims.map(({ pid, command }) => `pid ${pid} (${command})`).join(', ');
  const where = cgroup.startsWith('/') ? cgroup : 'a group that is gone';
  const whose = ancestor === undefined || ancestor === cgroup ? '' : ` by the limit of ${ancestor}`;
  return {
    kind,
    cgroup,
    ...(generation !== undefined && { generation }),
    count,
    ...(ancestor !== undefined && { ancestor }),
    text: `${kind}${count > 1 ? ` × ${count}` : ''} in ${where}${whose}${names === '' ? '' : `: ${names}`}`,
    ...(Object.keys(details).length > 0 && { details }),
  };
}
