/** A key for everything. */

/** Controls that have a use of their own for some keys. */
const BUTTONS = 'button, summary, [type=checkbox]';
const FIELDS = 'input:not([type=checkbox]), textarea, select';

/** @param acts by key; what stands nowhere is the browser's. @param isOff while something else has the keys */
export function listen(acts: (key: string) => (() => void) | undefined, isOff: () => boolean): void {
  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isOff()) return;
    if (target instanceof Element) {
      // A focused button does what it says, a field takes what is typed.
      if (target.matches(BUTTONS) && [' ', 'Enter'].includes(key)) return;
      if (target.matches(FIELDS)) return;
    }
    const act = acts(key);
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}
