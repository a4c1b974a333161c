/** How a check fails, and why there may be no mark at all. */
import { UserError } from '../user-error.js';

/** Why points are lost, for the student to read. */
export interface Finding {
  expected: string;
  seen: string;
  /** where to look for the mistake; never the solution */
  hint: string;
}

/** What else is known of a failure. */
export interface Details {
  /** The text that was missing on stdout: it may have been held back, or have gone to stderr. */
  missing?: string;
  /** What was seen to be right before the failure: these points are kept if the fault has cost points elsewhere. */
  reached?: string;
  /** The check is about how the program ends: that it has ended explains nothing. */
  isAboutEnd?: boolean;
  /** What was seen says already what the program was doing. */
  isDiagnosed?: boolean;
}

/** A check that has failed: what `run.fail` throws. */
export class Failure extends Error {
  /** How the program had ended; a fault that ends it in several checks costs points once. */
  override cause?: string;

  constructor(
    readonly finding: Finding,
    readonly details: Details = {},
  ) {
    super(finding.expected);
  }
}

/** The exit code of a grader that could grade nothing: neither the student's merit nor fault. */
export const NOT_GRADED = 3;

/** The machine's fault, or the teacher's: nothing is graded. One line, and exit code 3. */
export class NotGraded extends UserError {
  override exitCode = NOT_GRADED;
}
