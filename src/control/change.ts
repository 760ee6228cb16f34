/** The one way in which values change: locked, planned, consented to, applied whole or undone, remembered. */
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import type { Note, Outcome, Plan } from '../protocol/plan.ts';
import { applySteps, type Journal, undo } from './apply.ts';
import { remember } from './asked.ts';
import { type LockOptions, withLock } from './lock.ts';
import { plan, planValues, structureOf } from './plan.ts';
import type { Request } from './spec.ts';

export interface ChangeOptions {
  /** Only plan. */
  readonly dryRun?: boolean;
  /** Go on where cgctl would refuse (a limit below usage, a group that somebody else manages). */
  readonly force?: boolean;
  /** Consent to what cannot be undone. */
  readonly yes?: boolean;
  /** Asked when consent is needed and `yes` is not given. */
  confirm?(question: string): Promise<boolean>;
  /** What the caller knows about a group's owner. */
  annotate?(id: CgroupId): readonly Note[];
  readonly lock: LockOptions;
}

/**
 * Brings the requests about as one change.
 * @throws CgError VALUE (every mistake at once), ABSENT, REFUSED, CONSENT, LOCKED; KERNEL, VANISHED or PERMISSION when the kernel refused and all was
 *   put back; ROLLBACK when putting back failed in part
 */
export async function change(
  host: Host,
  registry: Registry,
  requests: readonly Request[],
  options: ChangeOptions,
): Promise<Outcome> {
  if (options.dryRun) {
    const whole = annotated(plan(host, registry, requests), requests, options);
    return { steps: whole.steps, notes: whole.notes, dryRun: true };
  }
  return withLock(options.lock, async () => {
    const whole = annotated(plan(host, registry, requests), requests, options);
    await consent(whole, options);
    const journal: Journal = [];
    const structure = structureOf(host, registry, requests);
    applySteps(host, registry, structure.steps, journal);
    const values = structure.steps.length === 0 ? whole : replanned(host, registry, requests, journal);
    applySteps(
      host,
      registry,
      values.steps.filter((s) => s.kind === 'write' && s.knob !== undefined),
      journal,
    );
    const forgotten = Object.entries(values.asked).filter(
      ([id, asked]) => Object.keys(asked).length > 0 && !remember(host, registry, id as CgroupId, asked),
    );
    const notes: Note[] = forgotten.map(([cgroup]) => ({
      level: 'info',
      cgroup,
      text: 'what was asked for could not be kept on the group (no extended attributes)',
    }));
    return { steps: journal, notes: [...whole.notes, ...notes], dryRun: false };
  });
}

/** Once directories and controllers are there, the values are planned anew from what the kernel really has. */
function replanned(host: Host, registry: Registry, requests: readonly Request[], journal: Journal): Plan {
  try {
    return planValues(host, registry, requests);
  } catch (error) {
    const left = undo(host, journal);
    if (left.length === 0 || !(error instanceof CgError)) throw error;
    throw new CgError(
      'ROLLBACK',
      `${error.message}; putting things back left: ${left.join('; ')}`,
      { left },
      { cause: error },
    );
  }
}

function annotated(whole: Plan, requests: readonly Request[], { annotate }: ChangeOptions): Plan {
  return { ...whole, notes: [...whole.notes, ...requests.flatMap(({ id }) => annotate?.(id) ?? [])] };
}

async function consent(whole: Plan, { force, yes, confirm }: ChangeOptions): Promise<void> {
  const refusals = whole.notes.filter((note) => note.level === 'refusal');
  if (refusals.length > 0 && force !== true)
    throw new CgError('REFUSED', `${refusals.map((note) => note.text).join('\n')}\n--force does it all the same`, {
      refusals,
    });
  const lasting = whole.steps.filter((step) => step.irreversible);
  if (lasting.length === 0 || yes === true) return;
  const list = lasting.map((step) => `"${step.text}" to ${step.path}`).join(', ');
  if (!(await confirm?.(`This cannot be undone: ${list}. Go on?`)))
    throw new CgError('CONSENT', `this cannot be undone: ${list}`, { steps: lasting });
}
