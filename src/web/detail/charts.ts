/** The charts of one group above one axis of time, with one cursor. */
import type { ChartInfo } from '../../protocol/chart.ts';
import { clock } from '../../view/format.ts';
import { element, setText } from '../dom.ts';
import { Chart, type View } from './chart.ts';
import type { Marks } from './marks.ts';
import type { Past } from './past.ts';

const SYNC = 'detail';
/** Minutes; the last one is as far as the past goes. */
const WINDOWS = [1, 2, 5, 15];

/** What is to be drawn, beside what this part knows itself. */
type Seen = Pick<View, 'past' | 'levels' | 'labels'>;

export class Charts {
  readonly node: HTMLElement;
  readonly #body = element('div', { class: 'charts' });
  readonly #lacking = element('p', { class: 'quiet lacking' });
  readonly #time = element('output', { class: 'moment' });
  readonly #marks: Marks;
  #charts: readonly Chart[] = [];
  #infos: readonly ChartInfo[] | undefined;
  #view: Seen | undefined;
  /** Undefined: what is known fills it. */
  #minutes: number | undefined;
  #pinned: number | undefined;
  #weights: View['weights'] | undefined;

  constructor(marks: Marks) {
    this.#marks = marks;
    const choices = WINDOWS.map((minutes) => element('option', { value: String(minutes) }, `${minutes} min`));
    const all = element('option', { value: '' }, 'all');
    const range = element('select', { 'aria-label': 'Time shown' }, all, ...choices);
    range.addEventListener('change', () => {
      this.#minutes = range.value === '' ? undefined : Number(range.value);
      this.draw();
    });
    this.node = element(
      'section',
      { 'aria-label': 'Charts' },
      element('div', { class: 'chart-tools' }, this.#time, range),
      this.#body,
      marks.strip,
      this.#lacking,
    );
    new ResizeObserver(() => this.draw()).observe(this.#body);
    // Colours on a canvas do not follow the page’s theme by themselves.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#weights = undefined;
      for (const chart of this.#charts) chart.redraw();
      this.draw();
    });
  }

  /** @param lacking figures that the group has not, and why */
  show(infos: readonly ChartInfo[], view: Seen): void {
    if (infos !== this.#infos) {
      this.#infos = infos;
      for (const chart of this.#charts) chart.clear();
      this.#charts = infos.map((info) => new Chart(info, SYNC, (at) => this.#moved(at)));
      this.#body.replaceChildren(...this.#charts.map(({ node }) => node));
    }
    this.#view = view;
    this.draw();
  }

  /** Says of charts that are not there why not. */
  showLacking(lacking: Readonly<Record<string, string>>, past: Past): void {
    const words = (this.#infos ?? []).flatMap(({ title, parts }, at) => {
      const missing = this.#charts[at]?.missing(past) ?? [];
      const measured = parts.filter(({ metric, as }) => metric !== undefined && as !== 'limit');
      const why = missing.map((metric) => lacking[metric]).find((reason) => reason !== undefined);
      if (why === undefined) return [];
      const some = missing.length < measured.length;
      const named = parts.filter(
        ({ metric }) => metric !== undefined && lacking[metric] !== undefined && missing.includes(metric),
      );
      return [`${some ? `${title} without ${named.map((part) => part.title).join(', ')}` : `no ${title}`}: ${why}`];
    });
    setText(this.#lacking, words.join(' · '));
  }

  /** @param time in milliseconds since the epoch; undefined for the latest */
  pin(time: number | undefined): void {
    this.#pinned = time;
    if (time === undefined) for (const chart of this.#charts) chart.point(undefined);
    this.#moved(undefined);
    this.draw();
  }

  clear(): void {
    for (const chart of this.#charts) chart.clear();
    this.#view = undefined;
    this.#pinned = undefined;
    setText(this.#lacking, '');
    setText(this.#time, '');
  }

  draw(): void {
    const view = this.#view;
    const width = this.#body.clientWidth;
    if (view === undefined || width === 0) return;
    const to = view.past.last ?? Date.now();
    const known = (to - (view.past.times[0] ?? to)) / 60_000;
    const minutes = this.#minutes ?? WINDOWS.find((length) => length >= known) ?? WINDOWS.at(-1) ?? known;
    const from = to - minutes * 60_000;
    this.#weights ??= this.#marks.colours();
    const whole = { ...view, from, to, marks: this.#marks.marks, weights: this.#weights };
    const shown = this.#charts.filter((chart) => chart.take(whole));
    for (const chart of shown) chart.draw(width, chart === shown.at(-1));
    this.#marks.place(from, to, width);
    if (this.#pinned !== undefined) {
      const time = Math.min(to, Math.max(from, this.#pinned));
      for (const chart of shown) chart.point(time);
      this.#tell(nearest(view.past.times, time));
    }
  }

  /** By the mouse. A cursor that leaves goes back to where it was put. */
  #moved(at: number | undefined): void {
    if (at === undefined && this.#pinned !== undefined) return;
    this.#tell(at);
  }

  #tell(at: number | undefined): void {
    const time = at === undefined ? undefined : this.#view?.past.times[at];
    setText(this.#time, time === undefined ? '' : clock(time));
    for (const chart of this.#charts) chart.showAt(at);
  }
}

/** The place of the last time that is not after that one. */
const nearest = (times: readonly number[], time: number): number =>
  Math.max(
    0,
    times.findLastIndex((known) => known <= time),
  );
