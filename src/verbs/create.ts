/** `cgctl create`: new groups in every hierarchy that they belong in, with limits from the start. */
import { change } from '../control/change.ts';
import { structureOf } from '../control/plan.ts';
import { type Request, withCreateDefaults } from '../control/spec.ts';
import { CgError } from '../errors.ts';
import { parseCgroupId, ROOT } from '../hierarchy/id.ts';
import { tops } from '../hierarchy/layout.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { systemdRuns } from '../identity/runtime.ts';
import { CHANGE_OPTIONS, consentOptions, lockOptions, tellOutcome } from './changing.ts';
import { knobOptions } from './knobs.ts';
import { insist } from './mistakes.ts';
import { specOf } from './set.ts';
import type { Arguments, Context, OptionSpec, Verb } from './verb.ts';

export const PARENT: OptionSpec = {
  flags: '--parent <path>',
  help: `where names go (CGCTL_PARENT); else ${ROOT}, or /cgctl where systemd runs`,
};

export const create: Verb = {
  name: 'create',
  summary: 'make cgroups, with limits from the start',
  about: `A name without a leading slash is made below --parent. On v1 the group is made in every hierarchy; on v2 the controllers that its
flags need, and those whose figures one expects, are enabled in the groups above. Whatever fails, nothing is left behind.`,
  usage: '<id...>',
  examples: [
    'cgctl create web',
    'cgctl create web db --parent /apps -m 256m --cpus 0.5',
    'cgctl create /batch/night --controllers cpu,memory --cpu-shares 128',
  ],
  options: (registry) => [
    ...CHANGE_OPTIONS,
    PARENT,
    { flags: '--controllers <list>', help: 'only in the hierarchies of these controllers, as cpu,memory' },
    ...knobOptions(registry),
  ],
  check: (args, ctx) => [
    ...newIds(args, ctx).mistakes,
    ...controllersOf(args, ctx).mistakes,
    ...specOf(args, ctx).mistakes,
  ],
  async run(args, io, ctx) {
    const { ids, mistakes: wrongIds } = newIds(args, ctx);
    const { controllers, mistakes: wrongControllers } = controllersOf(args, ctx);
    const spec = specOf(args, ctx);
    insist([...wrongIds, ...wrongControllers, ...spec.mistakes]);
    const host = ctx.host();
    const values = withCreateDefaults(ctx.registry, spec.values);
    const requests = ids.map((id) => ({ id, values, create: true, ...(controllers && { controllers }) }));
    for (const request of requests) refuseExisting(host, ctx, request);
    const outcome = await change(host, ctx.registry, requests, {
      ...consentOptions(args, io),
      lock: lockOptions(args, ctx),
    });
    tellOutcome(outcome, args, io, ctx);
    return 0;
  },
};

/** The ids that groups are made under: a name without a leading slash goes below the parent. */
export function newIds({ positional, options }: Arguments, ctx: Context): { ids: CgroupId[]; mistakes: string[] } {
  const mistakes: string[] = [];
  const attempt = (make: () => CgroupId): CgroupId[] => {
    try {
      return [make()];
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      mistakes.push(error.message);
      return [];
    }
  };
  const [parent] = attempt(() =>
    typeof options.parent === 'string' ? parseCgroupId(options.parent) : defaultParent(ctx),
  );
  const below = parent === undefined || parent === ROOT ? '' : parent;
  const ids = positional.flatMap((text) => attempt(() => newId(text, below)));
  return { ids: [...new Set(ids)], mistakes };
}

function newId(text: string, parent: string): CgroupId {
  if (text === '') throw new CgError('ID_INVALID', 'a cgroup needs a name');
  return parseCgroupId(text.startsWith('/') ? text : `${parent}/${text}`);
}

/**
 * Where groups are made when nobody says so. systemd takes a controller away from the root's children when no unit needs it; it
 * cannot while a child hands it on, which a directory of our own does.
 */
function defaultParent({ env, host }: Context): CgroupId {
  if (env.CGCTL_PARENT) return parseCgroupId(env.CGCTL_PARENT);
  return systemdRuns() ? parseCgroupId('/cgctl') : (tops(host().layout)[0] ?? ROOT);
}

function controllersOf(
  { options }: Arguments,
  { registry, host }: Context,
): { controllers: string[] | undefined; mistakes: string[] } {
  if (typeof options.controllers !== 'string') return { controllers: undefined, mistakes: [] };
  const controllers = options.controllers.split(',');
  const mounted = new Set(host().layout.hierarchies.flatMap((h) => [h.key, ...h.controllers]));
  const unknown = controllers.filter((name) => registry.findController(name) === undefined && !mounted.has(name));
  return { controllers, mistakes: unknown.map((name) => `--controllers: there is no controller "${name}"`) };
}

/** A group that is in some of its hierarchies only is completed; a whole one is somebody's. */
function refuseExisting(host: Host, { registry }: Context, request: Request): void {
  const { id } = request;
  const makes = structureOf(host, registry, [request]).steps.some(
    ({ kind, cgroup }) => kind === 'mkdir' && cgroup === id,
  );
  if (!makes) throw new CgError('EXISTS', `there is a cgroup ${id} already`, { cgroup: id });
}
