/** The ids that a command line names, looked up in a service. */
import * as z from 'zod';
import { CgError } from '../../errors.ts';
import { parseCgroupId } from '../../hierarchy/id.ts';
import type { CgroupId } from '../../hierarchy/types.ts';
import { containerAt } from '../../identity/runtime.ts';
import { excerpt } from '../../parse/printable.ts';
import { checked } from './answers.ts';
import type { Service } from './service.ts';

const LISTED = 20;

const groups = z.object({ cgroups: z.array(z.object({ id: z.string() })) });

/** Paths are taken as they are; the ends of paths and container ids are looked for. @throws CgError ID_INVALID, NOT_FOUND, AMBIGUOUS */
export async function targetsThere(service: Service, texts: readonly string[]): Promise<CgroupId[]> {
  const wanted = texts.map((text) => parseCgroupId(text.startsWith('/') ? text : `/${text}`));
  if (texts.every((text) => text.startsWith('/'))) return [...new Set(wanted)];
  const { cgroups } = checked(groups, await service.get('/api/v1/cgroups?limit=100000'));
  const all = cgroups.map(({ id }) => parseCgroupId(id));
  const found = texts.map((text, i) => {
    const suffix = wanted[i] ?? parseCgroupId('/');
    if (text.startsWith('/')) return suffix;
    const isStart = /^[0-9a-f]{4,64}$/.test(text);
    const matches = all.filter((id) => id.endsWith(suffix) || (isStart && containerAt(id)?.id.startsWith(text)));
    const [only, ...others] = matches;
    if (only === undefined) throw new CgError('NOT_FOUND', `there is no cgroup ${excerpt(text)} at ${service.url}`);
    if (others.length === 0) return only;
    const candidates = matches.slice(0, LISTED);
    throw new CgError('AMBIGUOUS', `${excerpt(text)} may be any of ${candidates.join(', ')}`, {
      candidates,
      total: matches.length,
    });
  });
  return [...new Set(found)];
}
