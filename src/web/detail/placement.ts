/** Where the group may run and where its memory may be: a map of the machine's nodes and their CPUs. */
import { formatCell } from '../../view/format.ts';
import { element } from '../dom.ts';
import type { Description, Facts } from './facts.ts';
import { isRecord, ranges } from './text.ts';

/** Undefined where the kernel does not say: then all may be used. */
type Numbers = ReadonlySet<number> | undefined;

export class Placement {
  readonly node = element('div', { class: 'placement' });
  #shown = '';

  show(facts: Facts, { knobs, stats = {} }: Description): void {
    const { nodes, onlineCpus } = facts.machine;
    const of = (role: string): Numbers => {
      const keys = [...facts.knobs.values()].filter((knob) => knob.role === role).map(({ key }) => key);
      const value = keys.map((key) => knobs[key]?.value).find((found) => found !== undefined);
      return Array.isArray(value) ? new Set(value.map(Number)) : undefined;
    };
    const cpus = of('placement.cpus.effective') ?? of('placement.cpus');
    const memory = of('placement.nodes.effective') ?? of('placement.nodes');
    const asked = of('placement.cpus');
    const held = facts.stats
      .filter(({ label }) => label === 'node')
      .flatMap(({ metric, help }) => {
        const figures = stats[metric];
        return isRecord(figures) ? [{ title: titleOf(help), figures }] : [];
      });
    const shown = JSON.stringify([[...(cpus ?? [])], [...(memory ?? [])], [...(asked ?? [])], held]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const boxes = nodes.map(({ node, cpus: own, memoryBytes }) => {
      const allowed = memory?.has(node) ?? true;
      const cells = own.map((cpu) => {
        const runs = cpus?.has(cpu) ?? true;
        const words = `CPU ${cpu}${runs ? '' : ': not for this group'}`;
        return element(
          'li',
          { title: words, 'data-runs': runs ? 'yes' : 'no', ...(asked?.has(cpu) && { 'data-asked': '' }) },
          String(cpu),
        );
      });
      const parts = held.flatMap(({ title, figures }) => {
        const figure = figures[String(node)];
        return figure === undefined || figure === 0 ? [] : [`${title} ${formatCell(figure, 'bytes')}`];
      });
      return element(
        'section',
        { class: 'node', 'data-memory': allowed ? 'yes' : 'no', 'aria-label': `NUMA node ${node}` },
        element('h3', {}, `Node ${node}`),
        element(
          'span',
          { class: 'capacity' },
          `${formatCell(memoryBytes, 'bytes')}${allowed ? '' : ', not for this group'}`,
        ),
        element('ul', { class: 'cpus' }, ...cells),
        element('p', { class: 'quiet' }, parts.join(' · ')),
      );
    });
    const summary =
      cpus === undefined
        ? `It may use all ${onlineCpus.length} CPUs: no cpuset holds it.`
        : `It runs on CPUs ${ranges([...cpus]) || '(none)'}${memory === undefined ? '' : `, memory comes from nodes ${ranges([...memory]) || '(none)'}`}.`;
    this.node.replaceChildren(element('p', { class: 'quiet' }, summary), element('div', { class: 'nodes' }, ...boxes));
  }

  clear(): void {
    this.#shown = '';
    this.node.replaceChildren();
  }
}

/** Every node's figure has the same words behind it. */
const titleOf = (help: string): string => help.replace(/ on each NUMA node$/, '').toLowerCase();
