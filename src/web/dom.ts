/** Small helpers to make elements. Text goes in as text: names are chosen by whoever made the group. */

type Attributes = Readonly<Record<string, string>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The element of the page with that id, which must be of that kind. */
export function part<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}

/** Writes only what is new: the browser then has less to lay out. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string | undefined): void {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** An attribute that is there or not. */
export function setFlag(node: Element, name: string, on: boolean): void {
  node.toggleAttribute(name, on);
}

/** A place or width as a share of what is around it, 0 to 1. */
export function setShare(node: HTMLElement, share: number): void {
  const text = Math.min(1, Math.max(0, share)).toFixed(3);
  if (node.style.getPropertyValue('--share') !== text) node.style.setProperty('--share', text);
}
