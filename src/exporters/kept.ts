/** What was made of a path, kept for as long as there are not far more paths than groups. */
export class Kept<T> {
  readonly #made = new Map<string, T>();

  get(key: string, make: () => T): T {
    const found = this.#made.get(key);
    return found ?? this.set(key, make());
  }

  set(key: string, made: T): T {
    this.#made.set(key, made);
    return made;
  }

  trim(groups: number): void {
    if (this.#made.size > 2 * groups) this.#made.clear();
  }
}
