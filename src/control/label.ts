import type { KnobEntry } from '../controllers/registry.ts';

/** What to call a knob in a message: its flag as people type it, else its key. */
export function label({ knob }: KnobEntry): string {
  return knob.flag?.split(', ').at(-1) ?? knob.key;
}
