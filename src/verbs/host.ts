/** `--host`: the verbs that a service can do, done there. What they need is loaded when it is given. */
import { CgError } from '../errors.ts';
import { excerpt } from '../parse/printable.ts';
import type { Arguments, Context, OptionSpec } from './verb.ts';

export const HOST_OPTIONS: readonly OptionSpec[] = [
  { flags: '--host <url>', help: 'a service’s groups: unix:/path, http://… or https://… (CGCTL_HOST)' },
  { flags: '--token-file <path>', help: 'a file that holds the service’s token (else CGCTL_TOKEN holds it)' },
].map((option) => ({ ...option, group: 'On another machine:' }));

/** Where the service is, and the file of its token. */
export interface There {
  readonly url: string;
  readonly tokenFile: string | undefined;
}

/** Undefined for this machine. @throws CgError USAGE */
export function thereOf({ options }: Arguments, { env }: Context): There | undefined {
  const url = typeof options.host === 'string' ? options.host : env.CGCTL_HOST || undefined;
  const tokenFile = options['token-file'];
  if (url === undefined) return undefined;
  const unix = url.startsWith('unix:/');
  if (!unix && !/^https?:\/\/[^/?#@]+\/?$/.test(url))
    throw new CgError('USAGE', `--host: ${excerpt(url)} is not unix:/path, http://name:port or https://name:port`);
  return { url, tokenFile: typeof tokenFile === 'string' ? tokenFile : undefined };
}

/** The same, as flags for another verb. */
export function flagsOf(there: There | undefined): readonly string[] {
  if (there === undefined) return [];
  return [`--host=${there.url}`, ...(there.tokenFile === undefined ? [] : [`--token-file=${there.tokenFile}`])];
}
