/** When the live view calls something wrong, and when nearly so. What has no place here is never coloured. */
import type { Alarm } from './controller.ts';

/** Of a limit that ends in reclaim, in kills or in refusals. */
export const FULL: Alarm = { near: 0.75, bad: 0.9 };
/** Of the periods, those in which the quota ran out. */
export const THROTTLED: Alarm = { near: 0.1, bad: 0.25 };
/** Of the time, in which nothing went on. */
export const STALLED: Alarm = { near: 0.03, bad: 0.1 };
/** How often it happened lately. */
export const HAPPENED: Alarm = { near: 1, bad: 1 };
