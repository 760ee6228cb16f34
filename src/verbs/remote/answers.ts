/** Answers of the service, checked: it may be another version, or something else altogether. */
import * as z from 'zod';
import { CgError } from '../../errors.ts';
import type { Outcome, Plan } from '../../protocol/plan.ts';

/** @throws CgError UNREACHABLE where it is not what this version knows */
export function checked<T extends z.ZodType>(schema: T, answer: unknown): z.output<T> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new CgError('UNREACHABLE', `the service answers as this version does not expect: ${where}: ${issue?.message}`);
}

const text = z.string();

const step = z.looseObject({
  kind: z.enum(['mkdir', 'rmdir', 'enable', 'write', 'action', 'attach']),
  cgroup: text,
  hierarchy: text,
  path: text,
  why: text,
  text: text.exactOptional(),
  was: text.exactOptional(),
  knob: text.exactOptional(),
  irreversible: z.boolean().exactOptional(),
  adjusted: text.exactOptional(),
});
const note = z.object({ level: z.enum(['info', 'warning', 'refusal']), cgroup: text.exactOptional(), text });

export const outcome: z.ZodType<Outcome> = z.object({
  steps: z.array(step),
  notes: z.array(note),
  dryRun: z.boolean(),
});
export const plan: z.ZodType<Plan> = z.object({
  steps: z.array(step),
  notes: z.array(note),
  asked: z.record(text, z.record(text, text)),
});

export const info = z.object({
  host: text,
  machine: z.object({ mode: text, kernel: text, onlineCpus: z.array(z.number()) }),
});

export const processes = z.object({
  total: z.number(),
  processes: z.array(z.object({ pid: z.number(), state: text, rssBytes: z.number(), command: text })),
});

export const group = z.looseObject({
  knobs: z.record(
    text,
    z.looseObject({
      asked: z.unknown().optional(),
      value: z.unknown().optional(),
      absent: text.optional(),
      flag: text.optional(),
      files: z.array(text),
    }),
  ),
});
