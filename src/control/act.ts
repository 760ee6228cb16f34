/** Declared actions: done once, with nothing to read back and nothing to undo. */
import type { ActionSlot } from '../controllers/controller.ts';
import type { ActionEntry } from '../controllers/registry.ts';
import { encodeDefault, parseValue } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import { pick } from '../hierarchy/locate.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import type { PlanStep } from '../protocol/plan.ts';
import { type LockOptions, withLock } from './lock.ts';
import { refusal, writerOf } from './refusal.ts';
import { machineOf } from './spec.ts';

export interface ActOptions {
  /** Only plan. */
  readonly dryRun?: boolean;
  /** Consent to what loses data. */
  readonly yes?: boolean;
  confirm?(question: string): Promise<boolean>;
  readonly lock: LockOptions;
}

/**
 * What doing an action writes: one step for each hierarchy that has its file.
 * @param given the value, for actions that take one
 * @throws CgError ABSENT where this host or group lacks the action, VALUE, NOT_FOUND
 */
export function planAction(host: Host, entry: ActionEntry, id: CgroupId, given: string | undefined): PlanStep[] {
  const { controller, action } = entry;
  if (host.reader.places(id).length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { cgroup: id });
  const found = pick<ActionSlot>(host.reader, id, controller, action);
  if ('absent' in found)
    throw new CgError('ABSENT', `${action.key}: ${found.absent}`, { action: action.key, cgroup: id });
  const { slot, hierarchies } = found;
  const text = textOf(host, entry, slot, given);
  return hierarchies.map((h) => ({
    kind: 'action',
    cgroup: id,
    hierarchy: h.key,
    file: slot.file,
    path: host.reader.path(h, id, slot.file),
    text,
    why: action.help,
    irreversible: true,
  }));
}

/**
 * Do an action on one group.
 * @throws CgError as {@link planAction}; CONSENT for a destructive one, LOCKED, KERNEL, VANISHED, PERMISSION
 */
export async function act(
  host: Host,
  entry: ActionEntry,
  id: CgroupId,
  given: string | undefined,
  options: ActOptions,
): Promise<readonly PlanStep[]> {
  const { action } = entry;
  const steps = planAction(host, entry, id, given);
  if (options.dryRun) return steps;
  const question = `${action.key} on ${id} cannot be undone: ${action.help}`;
  if (action.destructive && !options.yes && !(await options.confirm?.(`${question}. Go on?`)))
    throw new CgError('CONSENT', question, { action: action.key, cgroup: id });
  return withLock(options.lock, async () => {
    for (const step of steps) perform(host, entry, id, step);
    return steps;
  });
}

function perform(host: Host, { action }: ActionEntry, id: CgroupId, step: PlanStep): void {
  const h = host.layout.hierarchies.find(({ key }) => key === step.hierarchy);
  const { file = '', text = '' } = step;
  const refused = h && writerOf(host).write(h, id, file, text);
  if (refused === undefined) return;
  const words = [action.v1, action.v2].find((slot) => slot?.file === file)?.errno;
  throw refusal(refused, { id, kind: 'action', what: `writing "${text}"`, words });
}

function textOf(host: Host, { action }: ActionEntry, { write }: ActionSlot, given: string | undefined): string {
  const wrong = (what: string) => new CgError('VALUE', `${action.key} ${what}`, { action: action.key });
  if (typeof write === 'string') {
    if (given !== undefined) throw wrong('takes no value');
    return write;
  }
  if (given === undefined) throw wrong('needs a value');
  const parsed = parseValue(write, undefined, given, machineOf(host).resolveKey);
  if ('value' in parsed) return encodeDefault(write, parsed.value);
  throw wrong('mistake' in parsed ? `: ${parsed.mistake}` : 'takes no relative value');
}
