/** One chart: stacks, lines, areas, limits and bands over the time axis that all charts share. */
import uPlot from 'uplot';
import type { ChartInfo, PartInfo } from '../../protocol/chart.ts';
import { ABSENT, clock, formatCell } from '../../view/format.ts';
import { element, setAttribute, setText } from '../dom.ts';
import { AXIS_WIDTH, type Mark, RIGHT, type Weight } from './marks.ts';
import { type Past, stacked } from './past.ts';

const PLOT_HEIGHT = 74;
const TIMES_HEIGHT = 22;
/** A limit is drawn where it is not further above the figures than this; else its value is in the legend. */
const NEAR_LIMIT = 2.5;
const BAND_ALPHA = 0.35;
/** How often what is drawn is said in words. */
const WORDS_MS = 5_000;
/** What the axis shows at least, so that next to nothing looks like it. */
const LEAST = { cores: 0.1, bytes: 2 ** 20, 'bytes/s': 64 * 2 ** 10, count: 4, ratio: 0.02 } as const;
const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** What is drawn. */
export interface View {
  readonly past: Past;
  /** The time axis, in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly marks: readonly Mark[];
  /** Colours of marks. */
  readonly weights: Readonly<Record<Weight, string>>;
  /** Figures of which only the present is known: by setting. */
  readonly levels: ReadonlyMap<string, readonly Level[]>;
  /** By metric, the labels of which there are figures of their own. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

/** A setting for each device. */
export interface Level {
  readonly label: string;
  readonly value: number;
}

/** Something that is drawn as one line of the legend. */
interface Piece {
  readonly part: PartInfo;
  readonly title: string;
  /** Undefined where only the present is known. */
  readonly figures: readonly number[] | undefined;
  readonly level?: number;
  /** Known from time to time only. */
  readonly sparse?: boolean;
}

interface Entry {
  readonly node: HTMLElement;
  readonly swatch: HTMLElement;
  readonly value: HTMLElement;
}

/** What the page’s style says of colours: asked for once, for each asking has the browser work the style out. */
interface Palette {
  readonly entries: readonly string[];
  readonly ink: string;
  readonly line: string;
}

export class Chart {
  readonly node: HTMLElement;
  readonly #info: ChartInfo;
  readonly #legend = element('ul', { class: 'legend' });
  readonly #host = element('div', { class: 'plot' });
  readonly #sync: string;
  readonly #moved: (at: number | undefined) => void;
  #plot: uPlot | undefined;
  #signature = '';
  #view: View | undefined;
  #pieces: readonly Piece[] = [];
  #entries: readonly Entry[] = [];
  #palette: Palette | undefined;
  #cursor: number | undefined;
  #top = 1;
  #width = 0;
  #worded = 0;

  /** @param moved the cursor of this chart, or of one in step with it, is at that time of the past's */
  constructor(info: ChartInfo, sync: string, moved: (at: number | undefined) => void) {
    this.#info = info;
    this.#sync = sync;
    this.#moved = moved;
    const heading = element('h3', {}, info.title);
    this.node = element(
      'figure',
      { class: 'chart', 'data-chart': info.name },
      element('figcaption', {}, heading, this.#legend),
      this.#host,
    );
    this.node.hidden = true;
  }

  /** Metrics of it of which nothing is known. */
  missing(past: Past): readonly string[] {
    return this.#info.parts.flatMap(({ metric, as }) => {
      if (metric === undefined || as === 'limit') return [];
      return past.of({ metric }).every(Number.isNaN) ? [metric] : [];
    });
  }

  /** Takes in what is to be seen. @returns whether there is something */
  take(view: View): boolean {
    this.#view = view;
    this.#pieces = piecesOf(this.#info, view);
    const measured = this.#pieces.some(({ part, figures }) => part.as !== 'limit' && figures !== undefined);
    this.node.hidden = !measured;
    if (!measured) this.#destroy();
    return measured;
  }

  /** @param last it bears the times */
  draw(width: number, last: boolean): void {
    const signature = JSON.stringify([last, ...this.#pieces.map(({ part, title }) => [part.as, title])]);
    if (signature !== this.#signature) {
      this.#destroy();
      this.#signature = signature;
      this.#entries = this.#pieces.map((piece, at) => entryOf(piece, at, this.#info));
      this.#legend.replaceChildren(...this.#entries.map(({ node }) => node));
    }
    this.#plotAll(width, last);
    this.#tell();
    this.#describe();
  }

  /** Figures of that place in the past's times, or the latest. */
  showAt(at: number | undefined): void {
    this.#cursor = at;
    this.#tellFigures();
  }

  /** Puts the cursor there, or takes it away. */
  point(time: number | undefined): void {
    const left = time === undefined ? -10 : (this.#plot?.valToPos(time / 1000, 'x') ?? -10);
    this.#plot?.setCursor({ left, top: left < 0 ? left : 0 }, false);
  }

  /** Colours have changed. */
  redraw(): void {
    this.#palette = undefined;
    this.#plot?.redraw(false, true);
  }

  clear(): void {
    this.#destroy();
    this.node.hidden = true;
  }

  /** In words, for those who do not see it. */
  #describe(): void {
    if (Date.now() - this.#worded < WORDS_MS) return;
    this.#worded = Date.now();
    const words = this.#pieces.map(({ title, figures = [] }) => {
      const known = figures.filter((figure) => !Number.isNaN(figure));
      const last = known.at(-1);
      if (last === undefined) return title;
      const most = Math.max(...known);
      return `${title} now ${this.#text(last)}, at most ${this.#text(most)}`;
    });
    setAttribute(this.#host, 'role', 'img');
    setAttribute(this.#host, 'aria-label', `${this.#info.title} over time: ${words.join('; ')}`);
  }

  #destroy(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#palette = undefined;
    this.#signature = '';
    this.#worded = 0;
  }

  #colours(): Palette {
    this.#palette ??= {
      entries: this.#entries.map(({ swatch }) => getComputedStyle(swatch).color),
      ink: getComputedStyle(this.#legend).color,
      line: getComputedStyle(this.node).borderTopColor,
    };
    return this.#palette;
  }

  #plotAll(width: number, last: boolean): void {
    const view = this.#view;
    if (view === undefined) return;
    const drawn = drawnFigures(this.#pieces);
    this.#top = topOf(this.#pieces, drawn, LEAST[this.#info.show]);
    const data = [view.past.times.map((time) => time / 1000), ...drawn.map(nullable)] as uPlot.AlignedData;
    const size = { width, height: PLOT_HEIGHT + (last ? TIMES_HEIGHT : 4) };
    if (this.#plot === undefined) this.#plot = new uPlot(this.#options(size, last), data, this.#host);
    else {
      if (this.#width !== width) this.#plot.setSize(size);
      this.#plot.setData(data, true);
    }
    this.#width = width;
  }

  #options(size: { readonly width: number; readonly height: number }, last: boolean): uPlot.Options {
    const { show } = this.#info;
    const colour = (at: number) => () => this.#colours().entries[at] ?? '';
    const stacks = this.#pieces.flatMap(({ part }, at) => (part.as === 'stack' ? [at + 1] : []));
    const ink = () => this.#colours().ink;
    const line = () => this.#colours().line;
    const font = `11px ${getComputedStyle(this.node).fontFamily}`;
    const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    return {
      ...size,
      padding: [6, RIGHT, last ? 0 : 4, 0],
      legend: { show: false },
      cursor: { sync: { key: this.#sync }, drag: { x: false, y: false }, y: false, points: { show: false } },
      scales: {
        x: { range: () => [(this.#view?.from ?? 0) / 1000, (this.#view?.to ?? 1) / 1000] },
        y: { range: () => [0, this.#top] },
      },
      axes: [
        {
          ...axis,
          size: last ? TIMES_HEIGHT : 0,
          gap: 4,
          space: 70,
          values: (_, times) => times.map((time) => (last ? momentText(time, times) : '')),
        },
        {
          ...axis,
          size: AXIS_WIDTH,
          gap: 5,
          space: 22,
          ...(show.startsWith('bytes') && { incrs: BINARY_STEPS }),
          values: (_, values) => values.map((value) => formatCell(value, show)),
        },
      ],
      series: [{}, ...this.#pieces.map((piece, at) => seriesOf(piece, colour(at)))],
      bands: stacks.slice(1).map((upper, at) => ({ series: [upper, stacks[at] ?? 0] })),
      hooks: {
        drawClear: [(plot) => this.#drawBands(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
        setCursor: [({ cursor: { idx, left = -1 } }) => this.#moved(left < 0 ? undefined : (idx ?? undefined))],
      },
    };
  }

  /** Shades behind all else. */
  #drawBands({ ctx, bbox }: uPlot): void {
    const times = this.#view?.past.times ?? [];
    for (const [at, { part, figures = [] }] of this.#pieces.entries()) {
      if (part.as !== 'band') continue;
      ctx.save();
      ctx.fillStyle = this.#colours().entries[at] ?? '';
      for (const [i, figure] of figures.entries()) {
        if (!(figure > 0)) continue;
        const [left, right] = [times[i - 1] ?? times[i] ?? 0, times[i] ?? 0].map((time) => this.#x(time, bbox));
        if (left === undefined || right === undefined || right <= bbox.left) continue;
        ctx.globalAlpha = BAND_ALPHA * (0.3 + 0.7 * Math.min(1, figure));
        const from = Math.max(bbox.left, left);
        ctx.fillRect(from, bbox.top, Math.max(1, right - from), bbox.height);
      }
      ctx.restore();
    }
  }

  #drawMarks({ ctx, bbox }: uPlot): void {
    ctx.save();
    for (const { event, weight } of this.#view?.marks ?? []) {
      const x = Math.round(this.#x(event.time, bbox)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const grave = weight === 'grave';
      ctx.strokeStyle = this.#view?.weights[weight] ?? '';
      ctx.lineWidth = (grave ? 2 : 1) * devicePixelRatio;
      ctx.setLineDash(grave ? [] : [2 * devicePixelRatio, 2 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  #x(time: number, { left, width }: uPlot.BBox): number {
    const { from, to } = this.#view ?? { from: 0, to: 1 };
    return left + ((time - from) / (to - from)) * width;
  }

  #tell(): void {
    this.#tellFigures();
    for (const [at, { part, figures, level }] of this.#pieces.entries()) {
      const latest = figures === undefined ? level : figures.findLast((figure) => !Number.isNaN(figure));
      const entry = this.#entries[at];
      if (entry === undefined) continue;
      setAttribute(entry.node, 'data-latest', latest === undefined ? '' : String(latest));
      const hidden = part.as === 'limit' && latest === Number.POSITIVE_INFINITY;
      entry.node.hidden = hidden || (part.as === 'band' && !(figures ?? []).some((figure) => figure > 0));
    }
  }

  #tellFigures(): void {
    for (const [at, { part, figures, level, sparse = false }] of this.#pieces.entries()) {
      const entry = this.#entries[at];
      if (entry === undefined) continue;
      const figure = figures === undefined ? level : figureAt(figures, this.#cursor, sparse);
      const beyond = part.as === 'limit' && figure !== undefined && Number.isFinite(figure) && figure > this.#top;
      setText(entry.value, `${this.#text(figure ?? Number.NaN, part)}${beyond ? ' ↑' : ''}`);
      setAttribute(entry.value, 'title', beyond ? 'above what the chart shows' : undefined);
    }
  }

  #text(figure: number, part?: PartInfo): string {
    if (Number.isNaN(figure)) return ABSENT;
    if (figure === Number.POSITIVE_INFINITY) return formatCell('max', this.#info.show);
    return formatCell(figure, part?.as === 'band' ? 'ratio' : this.#info.show);
  }
}

function piecesOf({ parts }: ChartInfo, { past, levels, labels }: View): readonly Piece[] {
  return parts.flatMap((part): Piece[] => {
    const { title, metric, knob } = part;
    if (knob !== undefined) {
      const known = (levels.get(knob) ?? []).filter(({ value }) => Number.isFinite(value));
      return known.map(({ label, value }) => ({ part, title: `${title} ${label}`, figures: undefined, level: value }));
    }
    const figures = past.of(part);
    if (metric === undefined || figures.every(Number.isNaN)) return [];
    const own = (labels.get(metric) ?? [])
      .map((label) => ({ label, figures: past.of({ metric: keyOf(metric, label) }) }))
      .filter(({ figures }) => figures.some((figure) => figure > 0));
    // One device’s figures are the sum.
    const single = own.length < 2 ? [] : own;
    return [
      { part, title, figures },
      ...single.map(({ label, figures }) => ({ part, title: `${title} ${label}`, figures, sparse: true })),
    ];
  });
}

/** The past has a label's figures under this name. */
export const keyOf = (metric: string, label: string): string => `${metric} ${label}`;

/** @param at the latest where not given. @param sparse what is known from time to time holds until the next time */
function figureAt(figures: readonly number[], at = figures.length - 1, sparse: boolean): number | undefined {
  return sparse ? figures.slice(0, at + 1).findLast((figure) => !Number.isNaN(figure)) : figures[at];
}

function entryOf({ part, title }: Piece, at: number, info: ChartInfo): Entry {
  const swatch = element('span', {
    class: 'swatch',
    'data-as': part.as,
    'data-hue': part.like ?? info.name,
    'data-shade': part.as === 'stack' || part.as === 'line' ? String(shadeOf(info, part, at)) : '0',
  });
  const value = element('span', { class: 'value' });
  const source = part.metric ?? part.knob ?? '';
  const node = element(
    'li',
    { 'data-metric': source, 'data-part': part.as, title: source },
    swatch,
    `${title} `,
    value,
  );
  return { node, swatch, value };
}

/** Parts of one colour on a chart are told apart by how strong it is. */
function shadeOf({ parts }: ChartInfo, part: PartInfo, at: number): number {
  const alike = parts.filter(({ as, like }) => as === part.as && like === part.like);
  return alike.length < 2 ? 0 : (alike.indexOf(part) + Math.max(0, at - parts.length)) % 4;
}

/** What stands on the canvas: stacks as sums, levels as lines from end to end. */
function drawnFigures(pieces: readonly Piece[]): readonly (readonly number[])[] {
  const length = pieces.find(({ figures }) => figures !== undefined)?.figures?.length ?? 0;
  const sums = stacked(pieces.flatMap(({ part, figures }) => (part.as === 'stack' && figures ? [figures] : [])));
  let next = 0;
  return pieces.map(({ part, figures, level = Number.NaN }) => {
    if (part.as === 'stack') return sums[next++] ?? [];
    if (part.as === 'band') return new Array<number>(length).fill(Number.NaN);
    return figures ?? new Array<number>(length).fill(level);
  });
}

/** The upper end of the axis. */
function topOf(pieces: readonly Piece[], drawn: readonly (readonly number[])[], least: number): number {
  const highest = (limits: boolean) =>
    drawn.flatMap((figures, at) =>
      (pieces[at]?.part.as === 'limit') === limits ? figures.filter(Number.isFinite) : [],
    );
  const measured = Math.max(least, ...highest(false));
  const near = highest(true).filter((limit) => limit <= measured * NEAR_LIMIT);
  return Math.max(measured, ...near) * 1.12;
}

/** A limit is what it is until it is another one. */
const steps = uPlot.paths.stepped?.({ align: 1 });

function seriesOf({ part: { as }, sparse = false }: Piece, colour: () => string): uPlot.Series {
  const common = { points: { show: false }, spanGaps: sparse };
  switch (as) {
    case 'stack':
      return { ...common, stroke: colour, fill: colour, width: 1 };
    case 'area':
      return { ...common, fill: colour, width: 0 };
    case 'line':
      return { ...common, stroke: colour, width: 1.5 };
    case 'limit':
      return { ...common, stroke: colour, width: 1.5, dash: [5, 3], ...(steps !== undefined && { paths: steps }) };
    case 'band':
      return { ...common, show: false };
  }
}

const nullable = (figures: readonly number[]): (number | null)[] =>
  figures.map((figure) => (Number.isFinite(figure) ? figure : null));

/** `14:03` of seconds since the epoch, or `14:03:20` where that is not enough. */
function momentText(seconds: number, [first = 0, second = 60]: readonly number[]): string {
  return clock(seconds * 1000).slice(0, second - first < 60 ? 8 : 5);
}
