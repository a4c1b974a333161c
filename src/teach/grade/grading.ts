/** Grades a program: a run for each part, several side by side; one mistake costs its points once. */
import { availableParallelism } from 'node:os';
import { OSError } from '../../posix/errors.js';
import { UserError } from '../user-error.js';
import { checkFault, described, evidenceOf } from './check-fault.js';
import { Failure, NotGraded } from './failure.js';
import { HINTS } from './hints.js';
import { endOrphans } from './members.js';
import type { Assignment, Cost, Line, LineResult, Part, PartResult, Result } from './rubric.js';
import type { Run } from './run.js';
import { compare, type Deviation } from './text-match.js';

export interface GradingOptions {
  /** Is called for each line, in their order, as soon as it is decided. */
  onLine?: (result: LineResult) => void;
  /** How many runs go side by side. */
  sideBySide?: number;
}

/** What a run has shown of a part. */
type Outcome = { part: Part; notes: string[] } & (
  | { evidence: string; deviations: Deviation[] }
  | { failure: Failure }
  | { ungraded: string }
);

/** Most of a run is waiting. */
const RUNS_PER_PROCESSOR = 2;

/** What a small difference costs, at most: part of one line. */
const DEVIATION_POINTS = 1;

/** A port or the like that two runs cannot have at the same time. */
const COLLISION = /EADDRINUSE|address (is )?already in use/i;

/** @throws NotGraded; OSError when the machine has no descriptors left */
export async function grade(
  assignment: Assignment,
  begin: () => Run,
  { onLine, sideBySide = RUNS_PER_PROCESSOR * availableParallelism() }: GradingOptions = {},
): Promise<Result> {
  const startMs = performance.now();
  const account = new Account();
  const lines: LineResult[] = [];
  const notes = new Set<string>();
  const parts = assignment.lines.flatMap(({ parts }) => parts);
  const outcomes = new Map<Part, Outcome>();
  const tellDecided = () => {
    for (const line of assignment.lines.slice(lines.length)) {
      if (!line.parts.every((part) => outcomes.has(part))) return;
      const found = line.parts.map((part) => outcomes.get(part) as Outcome);
      for (const note of found.flatMap(({ notes }) => notes)) notes.add(note);
      lines.push(account.settle(line, found));
      const result = lines.at(-1) as LineResult;
      onLine?.(result);
    }
  };
  const gradePart = async (part: Part, gently: boolean) => {
    const { outcome, run } = await runPart(part, begin(), { gently, where: placeIn(assignment, part) });
    outcomes.set(part, outcome);
    tellDecided();
    return run;
  };

  tellDecided();
  const [first, ...others] = parts;
  if (first) {
    const run = await gradePart(first, true);
    const outcome = outcomes.get(first);
    // What never starts need not be started again, and what takes a port of its own cannot run twice at a time.
    if (!run.hasStarted && outcome && 'failure' in outcome) {
      for (const part of others) outcomes.set(part, { part, notes: [], failure: outcome.failure });
      tellDecided();
    } else {
      const limit = run.deviations.some(({ key }) => key === 'port') ? 1 : sideBySide;
      await inParallel(others, limit, (part) => gradePart(part, false));
      const collided = others.filter((part) => hasCollided(outcomes.get(part)));
      if (limit > 1) for (const part of collided) await gradePart(part, false);
    }
  }
  for (const name of await endOrphans()) notes.add(`it left a process behind: ${name}`);
  const noted = lines
    .filter(({ line }) => line.note)
    .flatMap(({ line, parts }) =>
      parts.flatMap((part) => ('finding' in part ? `${line.title}: ${part.finding.seen}` : [])),
    );
  return {
    assignment,
    lines: lines.filter(({ line }) => !line.note),
    notes: [...new Set([...noted, ...notes])],
    seconds: (performance.now() - startMs) / 1000,
  };
}

const hasCollided = (outcome?: Outcome) =>
  outcome !== undefined && 'failure' in outcome && COLLISION.test(outcome.failure.cause ?? '');

/** Where one fails, those that have begun come to their end, and no other begins. */
async function inParallel<T>(items: T[], limit: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const next = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift())
      await work(item).catch((err) => {
        queue.length = 0;
        throw err;
      });
  };
  const ends = await Promise.allSettled(Array.from({ length: limit }, next));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

/** A part as a teacher finds it: its line's title, and its number where there are several. */
function placeIn({ lines }: Assignment, part: Part): string {
  const line = lines.find(({ parts }) => parts.includes(part));
  const number = (line?.parts.indexOf(part) ?? 0) + 1;
  return `"${line?.title}", part ${number}`;
}

interface PartOptions {
  gently: boolean;
  /** its line and its number, for the teacher */
  where: string;
}

async function runPart(
  part: Part,
  run: Run,
  { gently, where }: PartOptions,
): Promise<{ outcome: Outcome; run: Run }> {
  const { notes } = run;
  let outcome: Outcome;
  let failure: Failure | undefined;
  try {
    const evidence = await evidenceOf(part.check, run, where);
    outcome = { part, notes, evidence, deviations: run.deviations };
  } catch (err) {
    if (err instanceof Failure) failure = err;
    else if (err instanceof NotGraded || err instanceof OSError) throw await afterEnd(run, err);
    else if (!(err instanceof UserError)) throw await afterEnd(run, checkFault(where, described(err)));
    outcome = failure ? { part, notes, failure } : { part, notes, ungraded: (err as Error).message };
  }
  const missing = failure?.details.missing;
  await run.end(gently || missing !== undefined);
  if (failure && missing !== undefined && run.wasStarted && isPrinted(run.program.lines, missing))
    outcome = { part, notes, evidence: '', deviations: [heldBack(missing)] };
  return { outcome, run };
}

async function afterEnd(run: Run, err: unknown): Promise<unknown> {
  await run.end(false);
  return err;
}

const isPrinted = (lines: string[], text: string) => lines.some((line) => compare(text, line) === 'same');

/** Printed in the end, but too late. */
const heldBack = (expected: string): Deviation => ({
  expected,
  seen: 'it was printed only when the program ended: until then its output was held back in a buffer',
  what: HINTS.heldBack,
  key: 'held back',
  costsAll: true,
});

/** What has cost points so far. */
class Account {
  readonly #deviations = new Set<string>();
  readonly #causes = new Set<string>();

  settle(line: Line, outcomes: Outcome[]): LineResult {
    const parts = outcomes.map((outcome) => this.#result(outcome, line));
    const sum = (some: PartResult[]) => some.reduce((total, { points }) => total + points, 0);
    const reached = parts.flatMap((part) => ('evidence' in part ? part : []));
    const costs = reached
      .flatMap(({ deviations }) => deviations)
      .reduce((total, { cost }) => total + cost, 0);
    const graded = sum(parts.filter((part) => !('ungraded' in part)));
    return { line, score: sum(reached) - costs, graded, parts };
  }

  #result(outcome: Outcome, line: Line): PartResult {
    const { points } = outcome.part;
    if ('ungraded' in outcome) return { points, ungraded: outcome.ungraded };
    if ('failure' in outcome) return this.#failed(outcome.failure, points, line);
    let left = points;
    const deviations = outcome.deviations.map((deviation): Cost => {
      const part = deviation.costsAll ? points : Math.min(DEVIATION_POINTS, line.points / 2);
      const cost = this.#deviations.has(deviation.key) ? 0 : Math.min(part, left);
      this.#deviations.add(deviation.key);
      left -= cost;
      return { ...deviation, cost };
    });
    return { points, evidence: outcome.evidence, deviations };
  }

  #failed({ finding, cause, details: { reached } }: Failure, points: number, line: Line): PartResult {
    if (cause !== undefined && reached !== undefined && this.#causes.has(cause))
      return { points, evidence: `${reached}; then not reached: it ended as above`, deviations: [] };
    // A note is for what has ended a program and has cost no points.
    if (line.note && (cause === undefined || this.#causes.has(cause))) return { points, ungraded: '' };
    if (cause !== undefined && !line.note) this.#causes.add(cause);
    return { points, finding };
  }
}
