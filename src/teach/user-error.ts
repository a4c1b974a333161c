/** What a teaching tool cannot do, told in one line: an error of the user's or of the system's, not of the tool's. */
export class UserError extends Error {
  /** of the command that cannot do it */
  exitCode = 1;
}
