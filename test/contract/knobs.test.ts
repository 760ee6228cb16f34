/**
 * Every declared knob on this kernel: legal values and the edges of its range are set and read back, through the product and in
 * the kernel's own text; past them there is a clear error and nothing has changed; then everything is put back. What the kernel
 * lacks is reported absent, never zero. The cases come from the declarations; HINTS has what those cannot know.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { change } from '../../src/control/change.ts';
import { describeKnobs, type KnobState } from '../../src/control/describe.ts';
import { machineOf, parseSpec } from '../../src/control/spec.ts';
import type { Dialect, Slot, ValueType } from '../../src/controllers/controller.ts';
import { flagName } from '../../src/controllers/derive.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import type { KnobEntry } from '../../src/controllers/registry.ts';
import { describeType, formatValue } from '../../src/controllers/types.ts';
import { CgError } from '../../src/errors.ts';
import { ROOT } from '../../src/hierarchy/id.ts';
import { isAbsent, keysOf, type Picked, pick } from '../../src/hierarchy/locate.ts';
import type { CgroupId, Host } from '../../src/hierarchy/types.ts';
import { contents } from '../control/support.ts';
import { realKernel, temporary } from '../support/host.ts';
import { loopDisk } from './disk.ts';
import { type Given, type TestGroup, testGroup } from './group.ts';
import { covers, kernelMode, seenAbsent } from './support.ts';

/** A value as people give it, and in the kernel's words where those are not the same. */
type Sample = string | { readonly given: string; readonly kernel: string };

interface Hint {
  /** Set beforehand, since the kernel or the product wants it there. */
  readonly first?: Given;
  /** Legal values, edges included; where there are none, the type has them. */
  readonly samples?: (host: Host, dialect: Dialect) => readonly Sample[];
  /** The file's text, or its one line, when it holds such a value: wherever a file holds more than the value as it is. */
  readonly text?: Readonly<Partial<Record<Dialect, (kernel: string, key: string, file: string) => string>>>;
  /** Refused before anything is written, beside what the type refuses; each with a word of the reason. */
  readonly refused?: readonly (readonly [given: string, reason: RegExp])[];
  /** Refused by the kernel, with what its errno means there. */
  readonly byKernel?: readonly (readonly [given: string, reason: RegExp, only?: Dialect])[];
  /** What undoes it, where that is not the value from before; null where nothing does. */
  readonly back?: string | null;
  /** Another file shows what was written to a file that cannot be read. */
  readonly shownBy?: string;
  /** Concerns other groups too: on a machine in use it is only read. */
  readonly wide?: true;
}

const MiB = 2 ** 20;
const LIMIT_V1 = '9223372036854771712';

const device =
  (field: string) =>
  (kernel: string, key: string): string =>
    `${key} ${['rbps', 'wbps', 'riops', 'wiops'].map((name) => `${name}=${name === field ? kernel : 'max'}`).join(' ')}`;
const keyed = (kernel: string, key: string): string => `${key} ${kernel}`;
const alone = (kernel: string): string => kernel;
const bfqOrWeight = (kernel: string, _key: string, file: string): string =>
  `default ${file === 'io.bfq.weight' ? kernel : 1 + Math.floor(((Math.max(Number(kernel), 10) - 10) * 9999) / 990)}`;
const throttle = (field: string): Hint => ({
  samples: (_, dialect) => [dialect === 'v1' ? '1' : '2', '1048576', '4294967294', { given: '0', kernel: 'max' }],
  text: { v1: keyed, v2: device(field) },
  byKernel: [['1', /from 2 on/, 'v2']],
  back: '0',
});
const MODEL = 'ctrl=user,model=linear,rbps=1000000000,rseqiops=9,rrandiops=8,wbps=7000000,wseqiops=6,wrandiops=5';
const cpus = (): Hint => ({
  samples: (host) => ['0', String(host.topology().onlineCpus.at(-1)), list(host.topology().onlineCpus)],
  refused: [['0-', /not a list/]],
  byKernel: [['1023', /a list of existing CPUs|beyond the kernel’s own count|not a subset/]],
});

const HINTS: Readonly<Record<string, Hint>> = {
  'cpu.shares': {
    samples: () => ['2', '262144', { given: '0', kernel: '1024' }, '512'],
    text: { v1: alone, v2: (shares) => ({ 2: '1', 512: '59', 1024: '100', 262144: '10000' })[shares] ?? '' },
  },
  'cpu.nice': { samples: () => ['-20', '19', '5'] },
  'cpu.period': { text: { v1: alone, v2: (period) => `max ${period}` } },
  'cpu.quota': {
    samples: () => ['1000', '17592186044415', 'max', '50000', { given: '0', kernel: 'max' }],
    text: { v1: (quota) => (quota === 'max' ? '-1' : quota), v2: (quota) => `${quota} 100000` },
  },
  'cpu.burst': {
    first: { 'cpu-quota': '50000' },
    samples: () => ['0', '50000', '7000'],
    refused: [['50001', /above --cpu-quota/]],
  },
  'cpu.rt_period': { samples: () => ['1', '17592186044415', '2000000'] },
  'cpu.rt_runtime': {
    samples: () => ['0', '10000'],
    byKernel: [['2000000', /exceed the parent’s/]],
  },
  'memory.max': {
    samples: () => ['64m', { given: '4097', kernel: '4096' }, 'max', { given: '0', kernel: 'max' }],
    back: 'max',
  },
  'memory.swap': {
    first: { memory: '64m', 'memory-swap': 'max' },
    samples: () => [
      { given: '64m', kernel: '67108864' },
      '96m',
      { given: '0', kernel: '134217728' },
      { given: 'max', kernel: 'max' },
    ],
    text: {
      v1: (total) => (total === 'max' ? LIMIT_V1 : total),
      v2: (total) => (total === 'max' ? 'max' : String(Number(total) - 64 * MiB)),
    },
    refused: [['32m', /below/]],
  },
  // recent kernels take it and ignore it
  'memory.kmem': { samples: () => [{ given: '64m', kernel: 'max' }] },
  'memory.oom_kill_disable': { text: { v1: (flag) => `oom_kill_disable ${flag}` } },
  'cpuset.cpus': cpus(),
  'cpuset.cpus_exclusive': cpus(),
  'cpuset.mems': {
    samples: (host) => ['0', list(host.topology().nodes.map(({ node }) => node))],
    byKernel: [['63', /a list of existing nodes|beyond the kernel’s own count|not a subset/]],
  },
  'cpuset.effective_cpus': { first: { 'cpuset-cpus': '0' } },
  'cpuset.effective_mems': { first: { 'cpuset-mems': '0' } },
  'cpuset.cpu_exclusive': { wide: true },
  'cpuset.mem_exclusive': { wide: true },
  'cpuset.memory_pressure_enabled': { wide: true },
  // how far it may go depends on the machine's levels
  'cpuset.sched_relax_domain_level': { samples: () => ['-1', '0', '1'] },
  'cpuset.partition': { first: { 'cpuset-cpus': '1' }, samples: () => ['root', 'isolated', 'member'] },
  'pids.max': { samples: () => ['1', '4194304', 'max', { given: '0', kernel: 'max' }, '100'] },
  'freezer.state': { text: { v1: (state) => state.toUpperCase(), v2: (state) => (state === 'frozen' ? '1' : '0') } },
  'devices.deny': { samples: () => [{ given: 'a', kernel: '' }], back: null, shownBy: 'devices.list' },
  'devices.allow': {
    first: { 'device-deny': 'a' },
    samples: () => ['c 1:3 rwm', 'b *:* r', 'c 5:* m'],
    refused: [['c 1:3 q', /text such as/]],
    back: null,
    shownBy: 'devices.list',
  },
  // INT_MAX is the kernel's "no limit"
  'core.max_depth': { samples: () => ['0', '1', { given: '2147483647', kernel: 'max' }, '3', 'max'] },
  'core.max_descendants': { samples: () => ['0', '1', { given: '2147483647', kernel: 'max' }, '3', 'max'] },
  'core.type': { back: null },
  'core.release_agent': { wide: true, samples: () => ['/bin/true'], refused: [['true', /text such as/]] },
  'net_cls.classid': {
    samples: () => [
      { given: '10:1', kernel: '1048577' },
      { given: 'ffff:ffff', kernel: '4294967295' },
      { given: '0x100002', kernel: '1048578' },
      { given: '0', kernel: '0' },
    ],
    text: { v1: alone },
    refused: [
      ['4294967296', /32 bits/],
      ['web', /text such as/],
    ],
    back: '0',
  },
  'net_prio.ifpriomap': { back: '0', byKernel: [['nosuchdev:1', /no such network interface/]] },
  'io.blkio_weight': {
    samples: () => ['1', '1000', '10', '500', { given: '0', kernel: '100' }],
    text: { v1: alone, v2: bfqOrWeight },
  },
  'io.blkio_weight_device': { samples: () => ['1', '1000', '300'], back: '0' },
  'io.weight': { text: { v2: (weight) => `default ${weight}` } },
  'io.read_bps': throttle('rbps'),
  'io.write_bps': throttle('wbps'),
  'io.read_iops': throttle('riops'),
  'io.write_iops': throttle('wiops'),
  'io.latency': { text: { v2: (target, key) => `${key} target=${target}` }, back: '0' },
  'io.cost_qos': {
    wide: true,
    samples: () => ['enable=1,ctrl=user,rpct=12.5,rlat=75000,wpct=10,wlat=80000,min=50,max=150', 'enable=0'],
    text: {
      v2: (qos, key) =>
        qos === 'enable=0'
          ? `${key} enable=0 ctrl=user rpct=12.50 rlat=75000 wpct=10.00 wlat=80000 min=50.00 max=150.00`
          : `${key} enable=1 ctrl=user rpct=12.50 rlat=75000 wpct=10.00 wlat=80000 min=50.00 max=150.00`,
    },
    refused: [['enable=2', /0\.\.1/]],
    back: null,
  },
  'io.cost_model': {
    wide: true,
    samples: () => [MODEL],
    text: { v2: (model, key) => `${key} ${model.replaceAll(',', ' ')}` },
    refused: [['ctrl=nobody', /one of auto, user/]],
    back: null,
  },
};

for (const entry of defaultRegistry.allKnobs()) realKernel(entry.knob.key, (t) => contract(t, entry));

async function contract(t: TestContext, entry: KnobEntry): Promise<void> {
  const { key, scope, type, flag } = entry.knob;
  const hint = HINTS[key] ?? {};
  const group = await testGroup(t);
  const bench = new Bench(t, group, entry, scope === 'root' ? ROOT : group.id);
  const lacking = bench.lacks();
  if (lacking !== undefined) return bench.absent(lacking);
  if (hint.first) await group.set(hint.first);
  if (flag === undefined) return bench.readOnly();
  if (hint.wide && kernelMode === 'host') return bench.readHere();
  const mapKey = type.kind === 'map' ? keyFor(t, bench, type.key, key) : '';
  if (mapKey === undefined) return bench.withoutKeys();
  await bench.sets(hint, mapKey);
  covers(t, 'knob', key);
}

/** One knob of one group. */
class Bench {
  readonly host: Host;
  readonly found: Picked<Slot>;

  constructor(
    readonly t: TestContext,
    readonly group: TestGroup,
    readonly entry: KnobEntry,
    readonly id: CgroupId,
  ) {
    this.host = group.host;
    let found = this.#pick();
    if (isAbsent(found) && found.enable !== undefined) {
      const { unified } = this.host.layout;
      assert.ok(unified);
      writeFileSync(this.host.reader.path(unified, ROOT, 'cgroup.subtree_control'), `+${found.enable}`);
      found = this.#pick();
    }
    this.found = found;
  }

  #pick(): Picked<Slot> {
    return pick<Slot>(this.host.reader, this.id, this.entry.controller, this.entry.knob);
  }

  lacks(): string | undefined {
    return isAbsent(this.found) ? this.found.absent : undefined;
  }

  /** The slot that serves the knob here. */
  get slot(): Slot {
    assert.ok(!isAbsent(this.found));
    return this.found.slot;
  }

  get dialect(): Dialect {
    assert.ok(!isAbsent(this.found));
    return this.found.dialect;
  }

  state(): KnobState {
    const [state] = describeKnobs(this.host, defaultRegistry, this.id, [this.entry.knob.key]);
    assert.ok(state);
    return state;
  }

  /** Through the product, as from a command line. */
  async set(given: string | readonly string[]): Promise<void> {
    const name = flagName(this.entry.knob.flag ?? '').long || this.entry.knob.key;
    const { values, mistakes } = parseSpec(defaultRegistry, { [name]: given }, machineOf(this.host));
    if (mistakes.length > 0) throw new CgError('VALUE', mistakes.join('\n'));
    const lock = { dir: temporary(this.t), timeout: 30, who: 'test' };
    await change(this.host, defaultRegistry, [{ id: this.id, values }], { lock, yes: true, force: true });
  }

  async absent(reason: string): Promise<void> {
    const { key, flag, type } = this.entry.knob;
    const { value, absent } = this.state();
    assert.equal(value, undefined, 'what is absent has no value');
    assert.equal(absent, reason);
    if (flag !== undefined) {
      const given = type.kind === 'map' ? `${EXAMPLE_KEYS[type.key]}:${exampleOf(type.value)}` : exampleOf(type);
      await assert.rejects(this.set(given), (error) => error instanceof CgError && error.message.includes(reason));
    }
    seenAbsent(this.t, 'knob', key, reason);
  }

  /** What has no flag is read, and refused by name. */
  async readOnly(): Promise<void> {
    const { key, type } = this.entry.knob;
    const text = this.text(this.slot.file);
    const { value, absent } = this.state();
    assert.notEqual(value, undefined, absent);
    if (value !== undefined && type.kind !== 'enum') assert.equal(normal(type, formatValue(type, value)), text.trim());
    await assert.rejects(this.set('1'), new RegExp(`${key} can only be read`));
    covers(this.t, 'knob', key);
  }

  readHere(): void {
    const { value, absent } = this.state();
    assert.notEqual(value, undefined, absent);
    covers(this.t, 'knob', `${this.entry.knob.key} (read only: it concerns the whole machine)`);
  }

  /** The file is there, but the machine has nothing that it could name. */
  async withoutKeys(): Promise<void> {
    const { key, type } = this.entry.knob;
    assert.ok(type.kind === 'map');
    const before = this.#contents();
    assert.deepEqual(this.state().value, new Map());
    await assert.rejects(
      this.set(`nosuch:${exampleOf(type.value)}`),
      (error) => error instanceof CgError && error.code === 'KERNEL' && /no such/.test(error.message),
    );
    this.#same(before, 'the refusal');
    seenAbsent(this.t, 'knob', key, 'the machine has no such resource');
  }

  async sets(hint: Hint, mapKey: string): Promise<void> {
    const { type } = this.entry.knob;
    const at = this.#contents();
    const { value: before } = this.state();
    const one = type.kind === 'map' ? type.value : type;
    const samples = hint.samples?.(this.host, this.dialect) ?? samplesOf(one);
    if (samples === undefined) assert.fail(`${this.entry.knob.key} has no case: its type, ${one.kind}, needs a hint`);
    const tried = [...samples, ...(hint.byKernel ?? []).map(([given]) => given)];
    if (one.kind === 'int') assert.ok(tried.includes(String(one.min)), 'the declared lower edge is among the cases');
    const worded = (text: string): string | string[] => (type.kind === 'map' ? [`${mapKey}:${text}`] : text);
    const whole = (text: string): string | string[] => (type.kind === 'rules' ? [text] : worded(text));
    for (const sample of samples) {
      const given = typeof sample === 'string' ? sample : sample.given;
      await this.set(whole(given));
      this.#holds(given, typeof sample === 'string' ? normal(one, sample) : sample.kernel, hint, mapKey);
    }

    const settled = this.#contents();
    const bounds = [...refusedBy(one), ...(hint.refused ?? [])];
    for (const [given, reason] of bounds) await this.#refuses(whole(given), given, reason, settled);
    for (const [given, reason, only] of hint.byKernel ?? []) {
      if (only !== undefined && only !== this.dialect) continue;
      const answer = given.includes(':') ? [given] : whole(given);
      await this.#refuses(answer, given, reason, settled, 'KERNEL');
    }

    if (hint.back === null) return;
    const back = before === undefined || type.kind === 'map' ? undefined : formatValue(type, before);
    const own = before instanceof Map && type.kind === 'map' ? before.get(mapKey) : undefined;
    const was = own === undefined || type.kind !== 'map' ? 'max' : formatValue(type.value, own);
    await this.set(whole(hint.back ?? back ?? was));
    this.#same(at, 'putting it back');
  }

  /** The product and the kernel both say so. */
  #holds(given: string, kernel: string, hint: Hint, mapKey: string): void {
    const { type } = this.entry.knob;
    const { asked, value, absent } = this.state();
    const shown = this.slot.encode === undefined || asked === undefined ? value : asked;
    if (type.kind === 'rules') {
      assert.ok(this.slot.file.endsWith('deny') || (Array.isArray(shown) && shown.includes(given)), String(shown));
    } else {
      assert.notEqual(shown, undefined, absent);
      if (shown !== undefined) this.#shows(shown, given, kernel, mapKey);
    }
    const file = hint.shownBy ?? this.slot.file.replace('{key}', mapKey);
    const lines = this.text(file).split('\n');
    const { kind } = this.slot.shape ?? { kind: 'scalar' };
    const taken = kind === 'keyed' && type.kind === 'map' && kernel === 'max';
    if (taken) assert.ok(!lines.some((line) => line.startsWith(`${mapKey} `)), `${file} still has ${mapKey}`);
    else {
      const line = this.#line(hint, kernel, mapKey);
      assert.ok(lines.includes(line), `${file} has ${JSON.stringify(lines)}, wanted ${line}`);
    }
  }

  #shows(shown: NonNullable<KnobState['value']>, given: string, kernel: string, mapKey: string): void {
    const { type } = this.entry.knob;
    if (type.kind !== 'map') {
      const text = normal(type, formatValue(type, shown));
      assert.ok(text === kernel || text === normal(type, given), `${text} is shown for ${given}`);
      return;
    }
    assert.ok(shown instanceof Map);
    const item = shown.get(mapKey);
    if (kernel === 'max' && item === undefined) return;
    assert.notEqual(item, undefined, `${mapKey} is shown`);
    if (item === undefined) return;
    const text = formatValue(type.value, item);
    if (type.value.kind === 'record')
      for (const field of given.split(',')) assert.ok(text.split(',').includes(field), text);
    else assert.equal(normal(type.value, text), kernel);
  }

  /** The line that the kernel is to have. What is not the value as it is must be written down in a hint: the declaration is on trial. */
  #line(hint: Hint, kernel: string, mapKey: string): string {
    const worded = hint.text?.[this.dialect];
    if (worded) return worded(kernel, mapKey, this.slot.file);
    const { kind } = this.slot.shape ?? { kind: 'scalar' };
    const plain =
      kind === 'scalar' || kind === 'files' || kind === 'append' || (kind === 'keyed' && !fielded(this.slot));
    if (!plain || this.slot.encode !== undefined)
      assert.fail(`no hint says what ${this.slot.file} holds for ${kernel}`);
    if (kind === 'keyed') return `${mapKey} ${kernel}`;
    if (kernel !== 'max' || this.dialect === 'v2' || !/limit_in_bytes$/.test(this.slot.file)) return kernel;
    // LONG_MAX floored to a page
    return mapKey === '2MB' ? '9223372036852678656' : LIMIT_V1;
  }

  async #refuses(
    words: string | string[],
    given: string,
    reason: RegExp,
    before: ReadonlyMap<string, string>,
    code?: string,
  ): Promise<void> {
    const flag = flagName(this.entry.knob.flag ?? '').long;
    await assert.rejects(this.set(words), (error) => {
      assert.ok(error instanceof CgError, String(error));
      assert.ok(code === undefined || error.code === code, `${error.code}: ${error.message}`);
      assert.match(error.message, reason, `refused ${given}`);
      const named = code === undefined ? `--${flag}` : this.slot.file;
      assert.ok(error.message.includes(named), `${error.message} names ${named}`);
      return true;
    });
    this.#same(before, given);
  }

  /** The group's files, byte by byte; of the root, whose files are many and busy, the knob's own. */
  #contents(): ReadonlyMap<string, string> {
    if (this.id === ROOT) return new Map([[this.slot.file, this.text(this.slot.file)]]);
    // until it is written, hugetlb shows its number for no limit
    return new Map(
      [...contents(this.id)]
        .filter(([path]) => !/blkio.*io_serv/.test(path))
        .map(([path, text]) => [path, /hugetlb/.test(path) ? text.replace(/^922337203\d{10}$/m, 'max') : text]),
    );
  }

  /** Names the files that differ; all of them are too many to print. */
  #same(before: ReadonlyMap<string, string>, after: string): void {
    const now = this.#contents();
    const changed = [...before].filter(([path, text]) => now.get(path) !== text);
    const list = changed.map(([path, text]) => `${path}: ${text.trim()} → ${now.get(path)?.trim()}`);
    assert.deepEqual(list, [], `after ${after} nothing is different`);
  }

  text(file: string): string {
    assert.ok(!isAbsent(this.found));
    const [hierarchy] = this.found.hierarchies;
    assert.ok(hierarchy);
    return readFileSync(this.host.reader.path(hierarchy, this.id, file), 'utf8').replace(/\n$/, '');
  }
}

const EXAMPLE_KEYS = { device: '7:0', pagesize: '2MB', interface: 'lo', resource: 'nosuch' } as const;

/** A key of a map that this machine has. */
function keyFor(
  t: TestContext,
  { host, id, slot, found }: Bench,
  kind: keyof typeof EXAMPLE_KEYS,
  knob: string,
): string | undefined {
  switch (kind) {
    case 'device': {
      const disk = loopDisk(t);
      if (/weight_device/.test(knob)) disk.schedule('bfq');
      return disk.majMin;
    }
    case 'pagesize': {
      const [home] = isAbsent(found) ? [] : found.hierarchies;
      const sizes = home ? keysOf(host.reader.files(home, id), slot.file) : [];
      return sizes.find((size) => size.endsWith('KB')) ?? sizes.find((size) => size.endsWith('MB'));
    }
    case 'interface':
      return 'lo';
    case 'resource':
      return undefined;
  }
}

/** Edges, something between, and no limit, as people give them. */
function samplesOf(type: ValueType): readonly Sample[] | undefined {
  const none = 'unlimited' in type && type.unlimited ? ['max'] : [];
  switch (type.kind) {
    case 'int': {
      const edges = [type.min, type.min + 1, ...(type.max < Number.MAX_SAFE_INTEGER ? [type.max] : [])];
      return [...edges.map(String), ...none];
    }
    case 'bytes':
      return [String(type.min ?? 0), '64m', ...none];
    case 'decimal':
      return [type.min, type.max, (type.min + type.max) / 2].map((n) => ({ given: String(n), kernel: n.toFixed(2) }));
    case 'bool':
      return ['true', 'false', 'true'];
    case 'enum':
      return type.values;
    default:
      return undefined;
  }
}

/** Past the range, or no value at all. */
function refusedBy(type: ValueType): (readonly [string, RegExp])[] {
  const range = new RegExp(describeType(type).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  switch (type.kind) {
    case 'int':
      return [...(type.max < Number.MAX_SAFE_INTEGER ? [[String(type.max + 1), range] as const] : []), ['1.5', range]];
    case 'decimal':
      return [[String(type.max + 1), range]];
    case 'bytes':
      return [
        ['8388608t', /2\^63-1/],
        ['64q', /a size/],
      ];
    case 'bool':
      return [['2', /true or false/]];
    case 'enum':
      return [['nosuch', /one of/]];
    case 'list':
      return [['1-0', /runs backwards/]];
    default:
      return [];
  }
}

/** Any legal text. */
function exampleOf(type: ValueType): string {
  if (type.kind === 'text' || type.kind === 'rules' || type.kind === 'map') return type.example;
  if (type.kind === 'list') return '0';
  if (type.kind === 'record')
    return Object.entries(type.fields).map(([name, field]) => `${name}=${exampleOf(field)}`)[0] ?? '';
  const [sample] = samplesOf(type) ?? [];
  return typeof sample === 'string' ? sample : (sample?.given ?? '');
}

/** A value's text in the kernel's words. */
function normal(type: ValueType, text: string): string {
  if (type.kind === 'bool') return text === 'true' ? '1' : '0';
  const size = type.kind === 'bytes' ? /^(\d+)([kmgt])$/.exec(text) : null;
  return size ? String(Number(size[1]) * 1024 ** ('kmgt'.indexOf(size[2] ?? '') + 1)) : text;
}

/** Whether a line of the file holds more than a key and its value. */
const fielded = ({ shape }: Slot): boolean =>
  shape?.kind === 'keyed' && (shape.field !== undefined || shape.fields === true);

/** The kernel's list format. */
function list(numbers: readonly number[]): string {
  const [first, last] = [numbers[0], numbers.at(-1)];
  return first === last ? String(first) : `${first}-${last}`;
}
