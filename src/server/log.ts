/** The service's log: JSON lines on the error stream. What cgroups are called is made printable by whoever logs it. */
import { type Logger, pino } from 'pino';

export function openLog(): Logger {
  return pino({ base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
}
