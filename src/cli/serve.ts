/** `cgctl serve`: the service, until it is told to stop. It stands with the command line, since the service runs verbs. */
import { existsSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import { openHost } from '../hierarchy/host.ts';
import { walk } from '../hierarchy/tree.ts';
import type { Host } from '../hierarchy/types.ts';
import { nativeProblem } from '../native.ts';
import { packageRoot, packageVersion } from '../package.ts';
import { printable } from '../parse/printable.ts';
import type { LiveConfig } from '../server/live.ts';
import { settings } from '../server/settings.ts';
import { align, plural, style } from '../verbs/output.ts';
import { GLOBAL_OPTIONS } from '../verbs/parser.ts';
import type { Arguments, Context, OptionSpec, Streams, Verb } from '../verbs/verb.ts';

const DEFAULT_FILE = '/etc/cgctl/cgctl.yaml';

export const serve: Verb = {
  name: 'serve',
  summary: 'show this machine’s cgroups live in the browser, to Prometheus, and as JSON',
  about: `The live view is at /, metrics at /metrics, the API at /api/v1, health at /healthz. Each setting is a flag, a variable
(CGCTL_LOG_LEVEL for --log-level) and a line of the YAML file (logLevel; tls: cert for --tls-cert), the first of these that is given
counting. The file is read again when it changes; a mistake in it leaves the old settings in force. Off loopback a read token and TLS
are needed. Changing cgroups is off until --enable-writes and a write token are given.`,
  usage: '',
  examples: [
    'cgctl serve',
    'cgctl serve --listen 127.0.0.1:9753 --listen unix:/run/cgctl/cgctl.sock',
    'cgctl serve --enable-writes --write-token-file /etc/cgctl/write-token',
  ],
  options: () => [
    { flags: '--config <path>', help: `the YAML file (CGCTL_CONFIG); else ${DEFAULT_FILE}, where it is there` },
    ...settings
      .map(optionOf)
      .filter(({ flags }) => !GLOBAL_OPTIONS.some((global) => global.flags.startsWith(flags.replace(/<.*/, '')))),
  ],
  async run(args, io, ctx) {
    const { keepYoungGeneration } = await import('../server/heap.ts');
    keepYoungGeneration();
    const [{ LiveConfig }, { startService }, { openLog }] = await Promise.all([
      import('../server/live.ts'),
      import('../server/server.ts'),
      import('../server/log.ts'),
    ]);
    const log = openLog();
    const live = new LiveConfig({ flags: args.options, env: ctx.env, file: configFile(args, ctx) }, log);
    const host = hostOf(live, ctx);
    const webRoot = join(packageRoot(), 'dist/web');
    const service = await startService({
      host,
      registry: ctx.registry,
      live,
      log,
      env: ctx.env,
      version: packageVersion(),
      webRoot,
    });
    try {
      welcome(service.urls, host, live, io, ctx);
      await aborted(ctx.signal);
    } finally {
      await service.close();
    }
    return 0;
  },
};

function optionOf({ flag, value, help, kind }: (typeof settings)[number]): OptionSpec {
  return { flags: `--${flag}${value === undefined ? '' : ` ${value}`}`, help, repeat: kind === 'list' };
}

function configFile({ options }: Arguments, { env }: Context): string | undefined {
  if (typeof options.config === 'string') return options.config;
  return env.CGCTL_CONFIG || (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

/** The flag and the variable have been heeded already; the file may say it too. */
function hostOf(live: LiveConfig, ctx: Context): Host {
  const { cgroupRoot } = live.current;
  return cgroupRoot === undefined ? ctx.host() : openHost({ cgroupRoot });
}

/** Where to look, what was found, and what is lacking. */
function welcome(urls: readonly string[], host: Host, live: LiveConfig, io: Streams, { env }: Context): void {
  const { bold, dim, yellow } = style(io.out, env);
  const { mode, hierarchies } = host.layout;
  const groups = [...walk(host.reader)].length;
  const { enableWrites } = live.current;
  const rows = [
    ...urls.map((url, i) => [i === 0 ? 'serving' : '', bold(printable(url))]),
    ['host', `${printable(hostname())}, kernel ${release()}`],
    [
      'cgroups',
      `${mode}: ${plural(groups, 'group')} in ${plural(hierarchies.length, 'hierarchy', 'hierarchies')} (${hierarchies.map(({ key }) => key).join(' ')})`,
    ],
    ['changes', enableWrites ? 'possible with the write token' : dim('off (--enable-writes)')],
  ];
  for (const line of align(rows)) io.out.write(`${line}\n`);
  const missing = nativeProblem();
  if (missing !== undefined) io.err.write(`${yellow('warning:')} ${missing}: OOM events on v1 are not seen at once\n`);
  if (process.getuid?.() !== 0)
    io.err.write(`${yellow('warning:')} not root: read-only, and some figures may be missing\n`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
