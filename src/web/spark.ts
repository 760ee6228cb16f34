/** The last minute as a small area. */
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 60;
const HEIGHT = 20;

export class Spark {
  readonly node = document.createElementNS(SVG, 'svg');
  readonly #area = document.createElementNS(SVG, 'path');
  readonly #line = document.createElementNS(SVG, 'path');

  constructor() {
    this.node.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.node.setAttribute('preserveAspectRatio', 'none');
    this.node.setAttribute('aria-hidden', 'true');
    this.node.classList.add('spark');
    this.#area.classList.add('area');
    this.#line.classList.add('line');
    this.node.append(this.#area, this.#line);
  }

  /** @param trail oldest first; the newest stands at the right edge. @param top the value at the upper edge, at least */
  draw(trail: readonly number[], length: number, top = 0): void {
    let highest = top;
    for (const value of trail) if (Number.isFinite(value) && value > highest) highest = value;
    const step = WIDTH / (length - 1);
    const start = WIDTH - (trail.length - 1) * step;
    const points = trail.flatMap((value, at) => {
      if (!Number.isFinite(value)) return [];
      const y = highest > 0 ? HEIGHT - 1 - (value / highest) * (HEIGHT - 2) : HEIGHT - 1;
      return [`${(start + at * step).toFixed(1)} ${y.toFixed(1)}`];
    });
    const line = points.length > 1 ? `M${points.join('L')}` : '';
    this.#line.setAttribute('d', line);
    const first = points[0]?.split(' ')[0];
    this.#area.setAttribute('d', line === '' ? '' : `${line}V${HEIGHT}H${first}Z`);
  }
}
