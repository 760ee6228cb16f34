/** What the contract tests found in each mode, as kept in dist/kernels/results.json. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ABSENT, type Fact, type FactKind } from '../contract/support.ts';
import { projectRoot } from '../support/files.ts';
import { type Mode, modeNames } from './lab/modes.ts';

/** A way in which the contract is tested: on this machine, or in an emulated mode. */
export type Where = 'host' | Mode;

export const everywhere: readonly Where[] = ['host', ...modeNames];

export interface TestResult {
  /** Below test/contract: `cpu.test.ts`. */
  readonly file: string;
  readonly name: string;
  readonly status: 'pass' | 'fail' | 'skip';
  /** The error, or why it did not run. */
  readonly reason?: string;
  readonly ms: number;
  readonly facts: readonly Fact[];
}

export interface WhereResult {
  /** The kernel's release. */
  readonly kernel: string;
  /** Every file of the contract ran to its end. */
  readonly complete: boolean;
  /** From the start to the first test, and to the end. */
  readonly bootSeconds: number;
  readonly seconds: number;
  readonly tests: readonly TestResult[];
}

export type Results = Partial<Record<Where, WhereResult>>;

/** What lab/reporter.mjs says of a test. */
export interface TestReport {
  readonly file: string;
  readonly path: readonly string[];
  readonly ms: number;
  readonly skip?: string;
  readonly error?: string;
}

/** A line of lab/reporter.mjs. */
export type Report =
  | { readonly begun: string; readonly clock: number }
  | { readonly fact: Fact }
  | { readonly absent: string }
  | { readonly ended: number }
  | TestReport;

export const resultsFile = join(projectRoot, 'dist/kernels/results.json');

export function readResults(): Results {
  return existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Results) : {};
}

/** Set the results of one mode, keeping the others'. */
export function writeResult(where: Where, result: WhereResult): void {
  mkdirSync(dirname(resultsFile), { recursive: true });
  writeFileSync(`${resultsFile}.new`, `${JSON.stringify({ ...readResults(), [where]: result }, null, 1)}\n`);
  renameSync(`${resultsFile}.new`, resultsFile);
}

/** A line of a job as a report; undefined for what anything else printed. */
export function parseReport(line: string): Report | undefined {
  const start = line.indexOf('\x1e');
  return start < 0 ? undefined : (JSON.parse(line.slice(start + 1)) as Report);
}

/** A test file's name below test/contract. */
export function nameOf(file: string): string {
  return file.replace(/^test\/contract\//, '');
}

/** @param strict a skip for any other reason than an absence is a failure */
export function toResult({ file, path, ms, skip, error }: TestReport, strict: boolean): TestResult {
  const base = {
    file: nameOf(file),
    name: path.join(' › '),
    ms,
    facts: [],
  };
  if (error !== undefined) return { ...base, status: 'fail', reason: error };
  if (skip === undefined) return { ...base, status: 'pass' };
  const skipped: TestResult = { ...base, status: 'skip', reason: skip };
  if (skip.startsWith(ABSENT)) return withAbsence(skipped, skip.slice(ABSENT.length));
  if (!strict) return skipped;
  return { ...base, status: 'fail', reason: `skipped, not because the kernel lacks something: ${skip || 'no reason'}` };
}

export function withFact(result: TestResult, fact: Fact): TestResult {
  return { ...result, facts: [...result.facts, fact] };
}

/** What the test is about is not there. */
export function withAbsence(result: TestResult, absent: string): TestResult {
  return withFact(result, { kind: kindOf(result), name: result.name, absent });
}

/** What a test showed: what it reported, else its own name. */
export function factsOf(result: TestResult): readonly Fact[] {
  const { name, status, facts } = result;
  if (status === 'fail') return [];
  return facts.length > 0 || status === 'skip' ? facts : [{ kind: kindOf(result), name }];
}

function kindOf({ file }: TestResult): FactKind {
  return file.startsWith('rules.') ? 'rule' : 'effect';
}
