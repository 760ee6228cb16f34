/** `cgctl info`: what this machine's kernel offers and lacks, and where. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Controller } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { errnoOf } from '../errors.ts';
import { hierarchiesOf } from '../hierarchy/locate.ts';
import type { CgroupId, Hierarchy, Host } from '../hierarchy/types.ts';
import { systemdRuns } from '../identity/runtime.ts';
import { native, nativeProblem } from '../native.ts';
import { formatCpuList } from '../parse/cpulist.ts';
import { printable } from '../parse/printable.ts';
import { type ProcController, parseProcCgroups, parseSwaps } from '../parse/procfs.ts';
import { formatSize } from '../parse/size.ts';
import { flagOrKey } from './knobs.ts';
import { offerOf, sample } from './offer.ts';
import { align, style, table, writeJson } from './output.ts';
import type { Context, Streams, Verb } from './verb.ts';

export const info: Verb = {
  name: 'info',
  summary: 'show the mode, hierarchies, controllers, NUMA nodes, disks and swap of this machine',
  about:
    'OFFERS counts the settings that the kernel has, LACKS names those that are declared for it and missing. --json says why.',
  usage: '',
  examples: ['cgctl info', 'cgctl info --json'],
  options: () => [],
  async run(args, io, ctx) {
    const facts = gather(ctx.host(), ctx.registry);
    if (args.options.json) writeJson(io.out, facts);
    else print(facts, io, ctx);
    return 0;
  },
};

type Facts = ReturnType<typeof gather>;

function gather(host: Host, registry: Registry) {
  const { layout } = host;
  const { onlineCpus, nodes } = host.topology();
  const groups = sample(host);
  const kernel = parseProcCgroups(readIfThere('/proc/cgroups'));
  return {
    mode: layout.mode,
    kernel: release(),
    systemd: systemdRuns(),
    addon: native() === undefined ? { loaded: false, why: nativeProblem() } : { loaded: true },
    pageSize: host.pageSize,
    hierarchies: layout.hierarchies.map(({ key, dialect, mountPoint, root, controllers, readOnly }) => ({
      key,
      dialect,
      mountPoint,
      root,
      controllers,
      readOnly,
    })),
    controllers: registry.controllers.map((controller) => controllerFacts(host, controller, groups, kernel)),
    onlineCpus,
    nodes,
    disks: host.devices.disks(),
    swap: parseSwaps(readIfThere('/proc/swaps')),
  };
}

/** Files that a kernel may be built without. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}

function controllerFacts(
  host: Host,
  controller: Controller,
  groups: readonly CgroupId[],
  kernel: readonly ProcController[],
) {
  const places = placesOf(host, controller);
  const offers: string[] = [];
  const lacks: Record<string, string> = {};
  const unsure: Record<string, string> = {};
  for (const knob of controller.knobs) {
    const offer = offerOf(host, groups, controller, knob);
    if ('unsure' in offer) unsure[flagOrKey(knob)] = offer.unsure;
    else if ('place' in offer) offers.push(flagOrKey(knob));
    else lacks[flagOrKey(knob)] = offer.lacks;
  }
  const { name, summary } = controller;
  if (places.length === 0)
    return { name, summary, places: [], absent: whyAbsent(host, controller, kernel), offers, lacks, unsure };
  return { name, summary, places: places.map(({ key }) => key), offers, lacks, unsure };
}

function placesOf({ layout }: Host, controller: Controller): readonly Hierarchy[] {
  return (['v1', 'v2'] as const).flatMap((dialect) => {
    const owner = controller[dialect];
    return owner === undefined ? [] : hierarchiesOf(layout, dialect, owner);
  });
}

function whyAbsent({ layout }: Host, { name, v1, unsupported }: Controller, kernel: readonly ProcController[]): string {
  const known = kernel.find((line) => line.name === (v1 ?? name));
  if (known?.enabled === false) return 'switched off at boot (cgroup_disable=)';
  const dialect = layout.mode === 'v2' ? 'v2' : 'v1';
  const why = unsupported?.[dialect];
  if (why !== undefined) return why;
  return known === undefined ? 'this kernel is built without it' : 'its hierarchy is not mounted';
}

function print(facts: Facts, { out }: Streams, { env }: Context): void {
  const { bold, dim, yellow } = style(out, env);
  const { addon, hierarchies, controllers, nodes, disks, swap } = facts;
  const section = (title: string, text: string) => out.write(`\n${bold(title)}\n${text}`);
  const lines = (rows: readonly (readonly string[])[], none: string) =>
    rows.length === 0
      ? `  ${dim(none)}\n`
      : align(rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]))
          .map((line) => `${line}\n`)
          .join('');

  const summary = [
    ['mode', facts.mode],
    ['kernel', facts.kernel],
    ['systemd', facts.systemd ? 'runs' : 'does not run'],
    ['addon', addon.loaded ? 'loaded' : yellow(`not loaded: ${addon.why}`)],
    ['CPUs', `${facts.onlineCpus.length} online (${formatCpuList(facts.onlineCpus)})`],
    ['page size', formatSize(facts.pageSize)],
  ];
  for (const line of align(summary)) out.write(`${line}\n`);

  const mounts = hierarchies.map(({ key, dialect, mountPoint, root, controllers, readOnly }) => [
    key,
    dialect,
    printable(mountPoint) +
      (root === '/' ? '' : ` (shows ${printable(root)})`) +
      (readOnly ? yellow(' read-only') : ''),
    dialect === 'v2' ? controllers.join(' ') : '',
  ]);
  section('Hierarchies', lines(mounts, 'none'));

  const columns = [
    { title: '  NAME' },
    { title: 'WHERE' },
    { title: 'OFFERS', right: true },
    { title: 'UNSURE', right: true },
    { title: 'LACKS' },
  ];
  const rows = controllers.map(({ name, places, absent, offers, unsure, lacks }) => [
    `  ${name}`,
    absent === undefined ? places.join(' ') : dim('absent'),
    absent === undefined ? String(offers.length) : '',
    absent === undefined ? String(Object.keys(unsure).length) : '',
    absent === undefined ? dim(Object.keys(lacks).join(' ')) : dim(absent),
  ]);
  section('Controllers', table(columns, rows, dim));

  const numa = nodes.map(({ node, cpus, memoryBytes, distances }) => [
    `node ${node}`,
    `CPUs ${formatCpuList(cpus) || 'none'}`,
    formatSize(memoryBytes),
    dim(`distances ${distances.join(' ')}`),
  ]);
  section('NUMA', lines(numa, 'not told by this kernel'));
  section(
    'Disks',
    lines(
      disks.map(({ name, majMin, scheduler }) => [printable(name), majMin, dim(scheduler ?? 'no scheduler')]),
      'none',
    ),
  );
  section(
    'Swap',
    lines(
      swap.map(({ file, type, size, used }) => [printable(file), type, formatSize(size), `${formatSize(used)} used`]),
      'none',
    ),
  );
}
