/** What is shown as a file, and its address for somebody else. */
import { type Shown, toCsv, toJson } from '../view/export.ts';
import { element, part, setText } from './dom.ts';

const TOLD_MS = 2_000;

/** Offers the table as a file. @param kind `csv` or `json` */
export function save(kind: string, shown: Shown): void {
  const [text, type] = kind === 'json' ? [toJson(shown), 'application/json'] : [toCsv(shown), 'text/csv'];
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const time = new Date(shown.figures.table.time).toISOString().slice(0, 19).replaceAll(':', '-');
  element('a', { href: address, download: `cgroups-${time}.${kind}` }).click();
  // The browser has taken it up by the next task.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

/** Copies the page's address; where the browser does not allow that, it is shown. */
export async function share(button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    const words = button.textContent;
    setText(button, 'Copied');
    setTimeout(() => setText(button, words), TOLD_MS);
  } catch (error) {
    // There is no clipboard without TLS, or it is not allowed.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    const address = part('address', HTMLInputElement);
    address.value = location.href;
    part('link', HTMLDialogElement).showModal();
    address.select();
  }
}
