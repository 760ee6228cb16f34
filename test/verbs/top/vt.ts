/** As much of a terminal as the view needs: what is on its screen after a text was written to it. */
import assert from 'node:assert/strict';
import { characterWidth } from '../../../src/verbs/width.ts';

export class Vt {
  readonly #columns: number;
  readonly #cells: string[][];
  #row = 0;
  #column = 0;
  #look = '';
  cursor = true;
  /** Sequences that it does not know. */
  readonly unknown: string[] = [];

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#cells = Array.from({ length: rows }, () => this.#blank());
  }

  write(text: string): void {
    for (const [part] of text.matchAll(/\x1b\[([?\d;]*)([A-Za-z])|[\s\S]/gu)) {
      if (part.length > 1 && part.startsWith('\x1b')) this.#obey(part);
      else this.#put(part);
    }
  }

  /** Every cell with its look. */
  get cells(): readonly (readonly string[])[] {
    return this.#cells;
  }

  /** Lines without colours and blanks at their ends. */
  get lines(): string[] {
    return this.#cells.map((row) =>
      row
        .map((cell) => cell.split('\n')[0])
        .join('')
        .trimEnd(),
    );
  }

  get position(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  #obey(sequence: string): void {
    const [, given = '', last = ''] = /^\x1b\[([?\d;]*)([A-Za-z])$/.exec(sequence) ?? [];
    const [first = '', second = ''] = given.split(';');
    if (last === 'H') {
      [this.#row, this.#column] = [Number(first || 1) - 1, Number(second || 1) - 1];
      assert.ok(this.#row < this.#cells.length && this.#column < this.#columns, `${given} is outside`);
    } else if (last === 'm')
      this.#look = /^(?:0|)$/.test(given) ? '' : `${this.#look};${given}`.replace(/^.*;0(?=;|$)/, '');
    else if (last === 'J' && given === '2') for (const row of this.#cells.keys()) this.#clear(row);
    else if (last === 'K' && given === '2') this.#clear(this.#row);
    else if (given === '?25') this.cursor = last === 'h';
    else if (!['?2026', '?1049', '?7'].includes(given)) this.unknown.push(sequence);
  }

  #put(character: string): void {
    const width = character < ' ' ? 0 : characterWidth(character);
    if (width === 0) {
      if (character < ' ') this.unknown.push(character);
      return;
    }
    const row = this.#cells[this.#row];
    assert.ok(row);
    // Without wrapping, what is too much overwrites the last column.
    const at = Math.min(this.#column, this.#columns - width);
    row[at] = `${character}\n${this.#look}`;
    if (width === 2) row[at + 1] = '\n';
    this.#column = Math.min(at + width, this.#columns - 1);
  }

  #clear(row: number): void {
    this.#cells[row] = this.#blank();
  }

  #blank(): string[] {
    return new Array<string>(this.#columns).fill(' \n');
  }
}
