/** Where in time the page stands, and the way to other moments. */
import { clock } from '../view/format.ts';
import { part, setAttribute, setText } from './dom.ts';

export interface TimelineActions {
  go(time: number): void;
  step(by: number): void;
  live(): void;
}

export class Timeline {
  readonly #root = part('past', HTMLElement);
  readonly #slider = part('moment', HTMLInputElement);
  readonly #clock = part('clock', HTMLElement);
  #moments: readonly number[] = [];

  constructor(actions: TimelineActions) {
    this.#slider.addEventListener('input', () => {
      const nearest = this.#nearest(Number(this.#slider.value));
      if (nearest !== undefined) actions.go(nearest);
    });
    part('earlier', HTMLButtonElement).addEventListener('click', () => actions.step(-1));
    part('later', HTMLButtonElement).addEventListener('click', () => actions.step(1));
    part('live', HTMLButtonElement).addEventListener('click', () => actions.live());
  }

  /** @param time where the page stands; undefined: live. @param now of the newest figures */
  show(moments: readonly number[], time: number | undefined, now: number): void {
    this.#moments = moments;
    this.#root.hidden = time === undefined;
    const [first, last] = [moments[0], moments.at(-1)];
    if (time === undefined || first === undefined || last === undefined) return;
    setAttribute(this.#slider, 'min', String(first));
    setAttribute(this.#slider, 'max', String(last));
    this.#slider.value = String(time);
    const text = `${clock(time)} · ${agoText((now - time) / 1000)}`;
    setText(this.#clock, text);
    setAttribute(this.#slider, 'aria-valuetext', text);
  }

  #nearest(time: number): number | undefined {
    return this.#moments.reduce<number | undefined>(
      (best, moment) => (best === undefined || Math.abs(moment - time) < Math.abs(best - time) ? moment : best),
      undefined,
    );
  }
}

function agoText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s ago` : `${Math.floor(whole / 60)} min ${whole % 60} s ago`;
}
