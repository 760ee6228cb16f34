/** The results of the matrix for people: one table for terminals, more of them in docs/KERNELS.md. */
import type { Fact, FactKind } from '../contract/support.ts';
import { everywhere, factsOf, type Results, type Where, type WhereResult } from './results.ts';

const HEAD = ['mode', 'kernel', 'knobs covered', 'effects proved', 'rules checked', 'absent by kernel', 'failed'];
const KINDS: readonly FactKind[] = ['knob', 'effect', 'rule'];

/** Mode × (knobs covered, effects proved, rules checked, absent by kernel), in columns. */
export function table(results: Results): string {
  const rows = [HEAD, ...present(results).map(([where, result]) => summary(where, result))];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The same and what is behind it, in Markdown. */
export function document(results: Results): string {
  // Not the whole release: a document that changes with every security update tells nothing.
  const rows = present(results).map(([where, result]) =>
    summary(where, { ...result, kernel: /^\d+\.\d+/.exec(result.kernel)?.[0] ?? '' }),
  );
  const parts = KINDS.map((kind) => `## ${TITLES[kind]}\n\n${breakdown(results, kind)}`);
  return `${markdown(HEAD, rows)}\n\n${parts.join('\n\n')}\n`;
}

const TITLES: Record<FactKind, string> = { knob: 'Knobs', effect: 'Effects', rule: 'Rules' };

/** Of each mode that ran. */
function present(results: Results): [Where, WhereResult][] {
  return everywhere.flatMap((where): [Where, WhereResult][] => {
    const result = results[where];
    return result === undefined ? [] : [[where, result]];
  });
}

function summary(where: Where, result: WhereResult): string[] {
  const facts = combined(result);
  const held = KINDS.map((kind) => facts.filter((fact) => fact.kind === kind && fact.absent === undefined).length);
  const absent = facts.filter((fact) => fact.absent !== undefined).length;
  const failed = result.tests.filter(({ status }) => status === 'fail').length;
  const mode = result.complete ? where : `${where} (in part)`;
  return [mode, result.kernel, ...[...held, absent, failed].map(String)];
}

/** Each thing once: shown by any test, it is there. */
function combined(result: WhereResult): Fact[] {
  const facts = new Map<string, Fact>();
  for (const fact of result.tests.flatMap(factsOf)) {
    const name = `${fact.kind} ${fact.name}`;
    if (fact.absent === undefined || !facts.has(name)) facts.set(name, fact);
  }
  return [...facts.values()];
}

/** Thing × mode, and why it is absent where it is. */
function breakdown(results: Results, kind: FactKind): string {
  const columns = present(results).map(([where, result]) => {
    const facts = combined(result).filter((fact) => fact.kind === kind);
    return { where, facts: new Map(facts.map((fact) => [fact.name, fact])) };
  });
  const names = [...new Set(columns.flatMap(({ facts }) => [...facts.keys()]))].sort();
  const rows = names.map((name) => {
    const found = columns.map(({ facts }) => facts.get(name));
    const reasons = new Set(found.flatMap((fact) => fact?.absent ?? []));
    const marks = found.map((fact) => (fact === undefined ? '' : fact.absent === undefined ? '✓' : 'absent'));
    return [name, ...marks, [...reasons].join('; ')];
  });
  return markdown([kind, ...columns.map(({ where }) => where), 'why absent'], rows);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}
