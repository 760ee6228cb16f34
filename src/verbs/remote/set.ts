/** `cgctl set` through a service. */
import { CgError } from '../../errors.ts';
import type { Outcome } from '../../protocol/plan.ts';
import { tellOutcome } from '../changing.ts';
import type { There } from '../host.ts';
import { givenKnobs } from '../knobs.ts';
import { insist } from '../mistakes.ts';
import type { Arguments, Context, Streams } from '../verb.ts';
import { checked, outcome } from './answers.ts';
import { groupPath, Service } from './service.ts';
import { targetsThere } from './targets.ts';

/** Each group is a change of its own: the service knows no other. What was done before one failed stays, and is told. */
export async function setThere(there: There, args: Arguments, io: Streams, ctx: Context): Promise<number> {
  const values = givenKnobs(ctx.registry, args);
  insist(Object.keys(values).length === 0 ? ['nothing to set: give at least one flag'] : []);
  const service = new Service(there, ctx);
  const { 'dry-run': dryRun, force, yes } = args.options;
  const body = { values, dryRun: dryRun === true, force: force === true, yes: yes === true };
  for (const id of await targetsThere(service, args.positional))
    tellOutcome(await consented(service, id, body, io), args, io, ctx);
  return 0;
}

/** What cannot be undone is asked about, where there is somebody to ask. */
async function consented(service: Service, id: string, body: object, io: Streams): Promise<Outcome> {
  const change = async (more: object) =>
    checked(outcome, await service.change('patch', groupPath(id), { ...body, ...more }));
  try {
    return await change({});
  } catch (error) {
    if (!(error instanceof CgError) || error.code !== 'CONSENT' || !(await io.confirm(`${error.message}. Go on?`)))
      throw error;
    return change({ yes: true });
  }
}
