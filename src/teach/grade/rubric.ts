/** What an assignment is graded by: lines with points, each of parts that are checked one by one. */
import { UserError } from '../user-error.js';
import { type Finding, Lost, NotStarted } from './failure.js';
import { hasLine, type Run } from './run.js';

export interface Assignment {
  name: string;
  /** how the student's program is started, as shown in the usage */
  command: string;
  /** arguments that the grader puts after the command, unless a check has others */
  more?: string[];
  /** What `posix-select init` lays out. */
  skeleton: Skeleton;
  lines: Line[];
}

/** The files and commands of an assignment that is laid out. */
export interface Skeleton {
  /** what is to be written, and the program at the other end, which is given: in Python, without `.py` */
  file: string;
  given: string;
  /** arguments when the student runs it, and when it is graded */
  run: string;
  grade: string;
}

export interface Line {
  title: string;
  /** the sum of the parts' points, or what the teacher may give */
  points: number;
  parts: Part[];
  /** Not in the sum of the assignment's points. */
  extra?: boolean;
  /** Why no program can grade it. */
  teacher?: string;
}

export interface Part {
  points: number;
  check: Check;
}

/**
 * Looks whether the student's program does what it should.
 *
 * @returns the evidence that it does
 * @throws Lost, when it does not; UserError, when that cannot be seen here
 */
export type Check = (run: Run) => Promise<string>;

export function line(title: string, ...parts: Part[]): Line {
  return { title, points: parts.reduce((sum, { points }) => sum + points, 0), parts };
}

export function extra(title: string, ...parts: Part[]): Line {
  return { ...line(title, ...parts), extra: true };
}

export function byTeacher(title: string, points: number, why: string): Line {
  return { title, points, parts: [], teacher: why };
}

export function part(points: number, check: Check): Part {
  return { points, check };
}

/** What came of a part: the evidence, why its points are lost, or why it could not be graded. */
export type PartResult = { points: number } & (
  | { evidence: string }
  | { finding: Finding }
  | { ungraded: string }
);

export interface LineResult {
  line: Line;
  /** points reached */
  score: number;
  /** points that could be graded */
  graded: number;
  parts: PartResult[];
}

export interface Result {
  assignment: Assignment;
  lines: LineResult[];
  /** What costs no points and is worth knowing: that it had to be killed, what it left behind. */
  notes: string[];
  /** seconds that the grading took */
  seconds: number;
}

/** Grades a program. Each part has a run of its own, so that no mistake costs points twice. */
export async function grade(assignment: Assignment, begin: () => Run): Promise<Result> {
  const start = performance.now();
  const notes = new Set<string>();
  let notStarted: Finding | undefined;
  let hasStarted = false;

  async function gradePart({ points, check }: Part): Promise<PartResult> {
    if (notStarted) return { points, finding: notStarted };
    const run = begin();
    let result: PartResult;
    let missing: RegExp | undefined;
    try {
      result = { points, evidence: await check(run) };
    } catch (err) {
      if (err instanceof UserError) result = { points, ungraded: err.message };
      else if (err instanceof Lost) result = { points, finding: err.finding };
      else throw err;
      if (err instanceof NotStarted && !hasStarted) notStarted = err.finding;
      if (err instanceof Lost) missing = err.line;
    } finally {
      // Once it has been seen how it takes Ctrl-C, there is no need to wait for that again.
      for (const note of await run.end(notes.size === 0)) notes.add(note);
    }
    hasStarted = true;
    if ('finding' in result && missing && hasLine(run.stdout, missing))
      result.finding = heldBack(result.finding);
    return result;
  }

  const lines: LineResult[] = [];
  for (const line of assignment.lines) {
    const parts: PartResult[] = [];
    for (const part of line.parts) parts.push(await gradePart(part));
    const sum = (some: PartResult[]) => some.reduce((total, { points }) => total + points, 0);
    const score = sum(parts.filter((part) => 'evidence' in part));
    lines.push({ line, score, graded: sum(parts.filter((part) => !('ungraded' in part))), parts });
  }
  return { assignment, lines, notes: [...notes], seconds: (performance.now() - start) / 1000 };
}

function heldBack({ expected }: Finding): Finding {
  return {
    expected,
    seen: 'it was printed only when the program ended: until then its output was held back in a buffer',
    hint: 'flush stdout after each line',
  };
}

/** Whether all points that could be graded were reached; the extra ones need not be. */
export function isFull({ lines }: Result): boolean {
  return lines.every(({ line, score, graded }) => line.extra || score === graded);
}
