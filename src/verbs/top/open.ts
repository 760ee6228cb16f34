import type { There } from '../host.ts';
import type { Context } from '../verb.ts';
import type { Source } from './source.ts';

/** This machine's groups, or a service's. @throws CgError UNREACHABLE, AUTH, NO_CGROUPS */
export async function openSource(there: There | undefined, ctx: Context): Promise<Source> {
  if (there === undefined) {
    const { LocalSource } = await import('./local.ts');
    return new LocalSource(ctx.host(), ctx.registry);
  }
  const [{ RemoteSource }, { Service }] = await Promise.all([
    import('../remote/source.ts'),
    import('../remote/service.ts'),
  ]);
  return RemoteSource.open(new Service(there, ctx), ctx.registry);
}
