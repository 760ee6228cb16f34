/** Every setting of the service, declared once: the YAML file's schema, the flags and the CGCTL_ variables are made from it. */
import * as z from 'zod';
import { defaultRegistry } from '../controllers/index.ts';
import { CgError } from '../errors.ts';
import { parseThreshold } from '../monitor/thresholds.ts';
import { isGlob } from '../parse/pattern.ts';
import { isLocal, parseAddress } from './listen.ts';

/** What a setting's declaration says beside its type. */
interface About {
  /** The flag's placeholder, for settings that are not switches. */
  readonly value?: string;
  /** Takes effect only when the service starts again. */
  readonly restart?: boolean;
  /** Never shown. */
  readonly secret?: boolean;
}

const about = new WeakMap<z.ZodType, About & { readonly help: string }>();

function setting<T extends z.ZodType>(type: T, help: string, rest: About = {}): T {
  about.set(type, { help, ...rest });
  return type;
}

const address = z.string().refine((text) => parseAddress(text) !== undefined, {
  error: 'not an address: use HOST:PORT, [IPV6]:PORT or unix:/absolute/path',
});
const hostName = z
  .string()
  .regex(/^[a-z0-9._-]+$|^\[[0-9a-f:.]+\]$/i, 'not a host name (write it without scheme and port)');
const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  error: 'not an origin: use scheme://host[:port] without a path',
});
const path = z.string().startsWith('/', 'not an absolute path');
const token = z.string().regex(/^[\x21-\x7e]{16,1024}$/, 'a token is 16 to 1024 printable characters without blanks');
const seconds = (min: number, max: number) => z.number().min(min).max(max);
const whole = (min: number, max: number) => z.number().int().min(min).max(max);

const pattern = z.string().refine(isGlob, 'no pattern of paths: begin with / or *, and use at most 1000 characters');
const controllerName = z.string().refine((name) => defaultRegistry.findController(name) !== undefined, {
  error: `no controller; there are ${defaultRegistry.controllers.map(({ name }) => name).join(', ')}`,
});

const threshold = z.string().superRefine((text, context) => {
  try {
    parseThreshold(defaultRegistry, text);
  } catch (error) {
    if (!(error instanceof CgError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

const GROUPS = ['all', 'leaves', 'rollup'] as const;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export const schema = z
  .strictObject({
    listen: setting(
      z.array(address).min(1).default(['127.0.0.1:9753']),
      'where to listen: HOST:PORT or unix:/path; several are allowed',
      { value: '<address>', restart: true },
    ),
    allowHosts: setting(
      z.array(hostName).default([]),
      'further names under which the service may be addressed (the Host header)',
      { value: '<name>' },
    ),
    allowOrigins: setting(z.array(origin).default([]), 'further web origins that may open streams and write', {
      value: '<origin>',
    }),
    readToken: setting(token.optional(), 'token needed to read (prefer the file: command lines are public)', {
      value: '<token>',
      secret: true,
    }),
    readTokenFile: setting(path.optional(), 'file with the token needed to read; required off loopback', {
      value: '<path>',
    }),
    writeToken: setting(token.optional(), 'token needed to write (prefer the file: command lines are public)', {
      value: '<token>',
      secret: true,
    }),
    writeTokenFile: setting(path.optional(), 'file with the token needed to write', { value: '<path>' }),
    enableWrites: setting(z.boolean().default(false), 'let clients that have the write token change cgroups'),
    interval: setting(seconds(0.1, 10).default(1), 'seconds between frames of the live view', { value: '<seconds>' }),
    freshness: setting(
      seconds(0, 60).default(0.9),
      'a scrape reads the kernel again when the last look is older than so many seconds',
      { value: '<seconds>' },
    ),
    thresholds: setting(
      z.array(threshold).default([]),
      'what else is told as an event, as "/docker/*: memory.usage >= 90%": see cgctl events --help',
      { value: '<rule>', restart: true },
    ),
    budget: z
      .strictObject({
        descriptors: setting(whole(0, 1_000_000).default(4_096), 'most kernel files that are kept open', {
          value: '<count>',
          restart: true,
        }),
      })
      .prefault({}),
    history: z
      .strictObject({
        tick: setting(
          seconds(0, 3600).default(10),
          'seconds between looks while nobody watches, so that the page shows the past; 0 is none',
          { value: '<seconds>', restart: true },
        ),
        megabytes: setting(
          whole(1, 4_096).default(32),
          'memory for the past, in MiB; where it is short, old figures are coarser',
          { value: '<count>', restart: true },
        ),
      })
      .prefault({}),
    limit: z
      .strictObject({
        connections: setting(whole(1, 100_000).default(1_000), 'most open connections, for each listening address', {
          value: '<count>',
          restart: true,
        }),
        streams: setting(whole(1, 10_000).default(250), 'most clients of the live stream', { value: '<count>' }),
        scrapes: setting(whole(1, 1_000).default(8), 'most scrapes of /metrics at a time', { value: '<count>' }),
        writesPerMinute: setting(
          whole(1, 1_000_000).default(120),
          'most changes that a client address may ask for in a minute',
          { value: '<count>', restart: true },
        ),
      })
      .prefault({}),
    metrics: z
      .strictObject({
        include: setting(
          z.array(pattern).default([]),
          'export only groups whose paths match: * and ? within a name, ** across them, /a/** with /a itself',
          { value: '<pattern>' },
        ),
        exclude: setting(z.array(pattern).default([]), 'do not export groups whose paths match', {
          value: '<pattern>',
        }),
        depth: setting(
          whole(0, 4_096).optional(),
          'export groups down to so many levels below the root; the last level’s figures hold what is below',
          { value: '<levels>' },
        ),
        groups: setting(
          z.enum(GROUPS).default('all'),
          'which groups of those: all, leaves (without children), rollup (with nothing below them that is exported); sums over the last two count nothing twice',
          { value: '<which>' },
        ),
        collect: setting(z.array(controllerName).default([]), 'export figures of these controllers only', {
          value: '<controller>',
        }),
        skip: setting(z.array(controllerName).default([]), 'do not export figures of these controllers', {
          value: '<controller>',
        }),
        perCpu: setting(z.boolean().default(false), 'export figures of single CPUs'),
        perDevice: setting(
          z.boolean().default(true),
          'export figures of single block devices (false: their sum, without the label)',
        ),
        network: setting(z.boolean().default(true), 'export cAdvisor’s figures of network interfaces'),
        processes: setting(
          z.boolean().default(false),
          'export cAdvisor’s figures of descriptors and sockets, which cost a look at every process',
        ),
        series: setting(
          whole(0, 100_000_000).default(1_000_000),
          'most series of one exposition; the deepest groups are left out beyond it, and cgctl_dropped_series says how many series',
          { value: '<count>' },
        ),
        keepGone: setting(
          seconds(0, 86_400).default(900),
          'seconds for which OOM kills and other events of a group that is gone stay',
          { value: '<seconds>' },
        ),
      })
      .prefault({}),
    logLevel: setting(z.enum(LEVELS).default('info'), `how much is logged: ${LEVELS.join(', ')}`, { value: '<level>' }),
    insecure: setting(z.boolean().default(false), 'allow an address off loopback without TLS', { restart: true }),
    tls: z
      .strictObject({
        cert: setting(path.optional(), 'certificate chain for TLS (PEM)', { value: '<path>', restart: true }),
        key: setting(path.optional(), 'private key for TLS (PEM)', { value: '<path>', restart: true }),
      })
      .prefault({}),
    cgroupRoot: setting(
      path.optional(),
      'where the host’s cgroups are mounted, when not where this process sees them',
      { value: '<path>', restart: true },
    ),
  })
  .superRefine((settings, context) => {
    const wrong = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const name of ['readToken', 'writeToken'] as const) {
      if (settings[name] !== undefined && settings[`${name}File`] !== undefined)
        wrong([name], `give ${name} or ${name}File, not both`);
    }
    if ((settings.tls.cert === undefined) !== (settings.tls.key === undefined))
      wrong(['tls'], 'tls needs both cert and key');
    if (settings.enableWrites && settings.writeToken === undefined && settings.writeTokenFile === undefined) {
      wrong(['enableWrites'], 'writing needs a token: give writeTokenFile or writeToken');
    }
    const open = settings.listen.find((text) => {
      const parsed = parseAddress(text);
      return parsed !== undefined && !isLocal(parsed);
    });
    if (open === undefined) return;
    if (settings.readToken === undefined && settings.readTokenFile === undefined) {
      wrong(['listen'], `${open} is off loopback: give readTokenFile or readToken`);
    }
    if (settings.tls.cert === undefined && !settings.insecure) {
      wrong(['listen'], `${open} is off loopback: give tls.cert and tls.key, or insecure: true`);
    }
  });

export type Settings = z.output<typeof schema>;

/** One setting as the command line, the environment and the reload see it. */
export interface SettingSpec extends About {
  /** Its place in the file: `['tls', 'cert']`. */
  readonly path: readonly string[];
  readonly kind: 'list' | 'bool' | 'number' | 'text';
  /** Without dashes: `tls-cert`. */
  readonly flag: string;
  /** `CGCTL_TLS_CERT`. */
  readonly variable: string;
  readonly help: string;
}

export const settings: readonly SettingSpec[] = specsOf(schema);

function specsOf(object: z.ZodObject, above: readonly string[] = []): SettingSpec[] {
  return Object.entries(object.shape).flatMap(([name, type]) => {
    const path = [...above, name];
    const words = about.get(type);
    if (words !== undefined) return [{ ...words, path, kind: kindOf(type), ...namesOf(path) }];
    const inner = bare(type);
    return inner instanceof z.ZodObject ? specsOf(inner, path) : [];
  });
}

function namesOf(path: readonly string[]): { flag: string; variable: string } {
  const flag = path.map((word) => word.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join('-');
  return { flag, variable: `CGCTL_${flag.replaceAll('-', '_').toUpperCase()}` };
}

function kindOf(type: z.core.$ZodType): SettingSpec['kind'] {
  const inner = bare(type);
  if (inner instanceof z.ZodArray) return 'list';
  if (inner instanceof z.ZodBoolean) return 'bool';
  return inner instanceof z.ZodNumber ? 'number' : 'text';
}

/** The type without its default. */
function bare(type: z.core.$ZodType): z.core.$ZodType {
  const wrapped = type instanceof z.ZodDefault || type instanceof z.ZodOptional || type instanceof z.ZodPrefault;
  return wrapped ? bare(type.unwrap()) : type;
}
