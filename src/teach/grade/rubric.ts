/** What an assignment is graded by: lines with points, each of parts that are checked one by one. */
import type { Finding } from './failure.js';
import type { Run } from './run.js';
import type { Deviation } from './text-match.js';

export interface Assignment {
  name: string;
  /** how the student's program is started, as shown in the usage */
  command: string;
  /** the port that a program takes which does not look at its command line: two such runs come one after the other */
  usualPort?: number;
  /** arguments that the grader puts after the command, unless a check has others */
  args?: string[];
  /** What `posix-select init` lays out; it may be left out where nothing is. */
  skeleton?: Skeleton;
  lines: Line[];
}

/** The files and commands of an assignment that is laid out. */
export interface Skeleton {
  /** what is to be written, and the program at the other end, which is given; as in Python, without `.py` */
  file: string;
  given?: string;
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
  /** Costs no points, unless a teacher gives it some: it is shown as a note. */
  note?: boolean;
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
 * @returns the evidence that it does; without it, what the run has last seen to be right
 * @throws Failure (by `run.fail`), when it does not; UserError, when that cannot be seen here
 */
export type Check = (run: Run) => Promise<string | undefined>;

/** @throws TypeError when one of the parts is none */
export function line(title: string, ...parts: Part[]): Line {
  if (typeof title !== 'string' || title === '') throw new TypeError(`line(title, …): ${NO_TITLE}`);
  if (parts.length === 0) throw new TypeError(`line("${title}") has no part: line(title, part(1, check))`);
  for (const one of parts)
    if (typeof one?.check !== 'function')
      throw new TypeError(`line("${title}", …): put each check into a part: line(title, part(1, check))`);
  return { title, points: parts.reduce((sum, { points }) => sum + points, 0), parts };
}

const NO_TITLE = 'the title comes first, as a string';

/** Extra credit. */
export function extra(title: string, ...parts: Part[]): Line {
  return { ...line(title, ...parts), extra: true };
}

/** What the assignment does not ask for, and is worth knowing. */
export function note(title: string, check: Check, ...more: never[]): Line {
  if (typeof check !== 'function' || more.length > 0)
    throw new TypeError(`note("${title}", …) takes one check, without part() around it`);
  return { ...line(title, part(0, check)), note: true };
}

/** @param why what the report says instead of points */
export function byTeacher(title: string, points: number, why = 'left to the teacher'): Line {
  if (typeof title !== 'string') throw new TypeError(`byTeacher(title, points): ${NO_TITLE}`);
  mustBePoints(points, `byTeacher("${title}", points)`);
  return { title, points, parts: [], teacher: why };
}

/** @throws TypeError for what is no check, or more than one */
export function part(points: number, check: Check, ...more: never[]): Part {
  mustBePoints(points, 'part(points, check)');
  if (more.length > 0)
    throw new TypeError(
      `part(${points}, …) takes one check, and was given ${more.length + 1}: make a part of each`,
    );
  if (typeof check === 'function') return { points, check };
  const given: unknown = check;
  if (!(given instanceof Promise))
    throw new TypeError(`part(${points}, check): a check is a function, and this is ${kindOf(given)}`);
  given.catch(() => {}); // it was called without a run
  throw new TypeError(
    `part(${points}, check()): the check was called. Without its parentheses: part(${points}, check)`,
  );
}

function mustBePoints(points: unknown, where: string): void {
  if (typeof points !== 'number' || !Number.isFinite(points) || points < 0)
    throw new TypeError(`${where}: points are a number from 0, and this is ${kindOf(points)}`);
}

/** A value for a teacher to recognize: `the number 5`, `an object`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return `the number ${value}`;
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** What came of a part: the evidence, why its points are lost, or why it could not be graded. */
export type PartResult = { points: number } & (
  | { evidence: string; deviations: Cost[] }
  | { finding: Finding }
  | { ungraded: string }
);

/** A small difference, and the points that it costs: none where it has cost some in a line above. */
export type Cost = Deviation & { cost: number };

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
  /** that the grading took */
  seconds: number;
}

/** Whether all points that could be graded were reached; the extra ones need not be. */
export function isFull({ lines }: Result): boolean {
  return lines.every(({ line, score, graded }) => line.extra || line.note || score === graded);
}
