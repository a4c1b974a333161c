/** Why points are lost, for the student to read. */
export interface Finding {
  expected: string;
  seen: string;
  /** where to look for the mistake; never the solution */
  hint: string;
}

export class Lost extends Error {
  /** @param line what was missing on stdout: it may yet come when the program ends */
  constructor(
    readonly finding: Finding,
    readonly line?: RegExp,
  ) {
    super(finding.expected);
  }
}

/** The program is not even there to be graded: all is lost. */
export class NotStarted extends Lost {}
