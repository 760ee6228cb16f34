/** What is made of something that never changes, once for as long as it is there. */
import type { Row } from '../protocol/snapshot.ts';

/** The same function, which remembers what it made of what. */
export function onceFor<Of extends object, Made>(make: (of: Of) => Made): (of: Of) => Made {
  const made = new WeakMap<Of, { readonly made: Made }>();
  return (of) => {
    let known = made.get(of);
    if (known === undefined) {
      known = { made: make(of) };
      made.set(of, known);
    }
    return known.made;
  };
}

/** Rows by path. */
export const indexOf = onceFor((rows: readonly Row[]): ReadonlyMap<string, number> => {
  return new Map(rows.map(({ id }, at) => [id, at]));
});
