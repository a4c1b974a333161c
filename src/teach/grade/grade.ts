/** `posix-select grade`: runs a student's program and scores it by the assignment's rubric. */
import { kill, pid } from 'node:process';
import { print } from '../../loop/terminal.js';
import { pageWidth } from '../text.js';
import { check50, github, gradescope, text } from './report.js';
import { type Assignment, grade, isFull } from './rubric.js';
import { Run } from './run.js';
import { killAll } from './submission.js';

const FORMS = { gradescope, github, check50 };

export interface GradeOptions {
  json?: keyof typeof FORMS;
  port?: number;
  /** seconds for each answer */
  timeout: number;
}

/** How a command must look that is wrong; undefined when it is right. */
export function rightCommand(
  { command: example }: Assignment,
  command: string[],
  port?: number,
): string | undefined {
  const hasPort = command.some((arg) => arg.includes('{port}'));
  return hasPort || port !== undefined || !example.includes('{port}') ? undefined : example;
}

/** The command without `-p {port}`: its options are under test. */
function withoutPort(command: string[]): string[] {
  const at = command.indexOf('{port}');
  return at < 0 ? command : command.toSpliced(at - 1, 2);
}

/** @returns 0 when all points that could be graded were reached, else 1 */
export async function gradeCommand(
  assignment: Assignment,
  command: string[],
  options: GradeOptions,
): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      killAll();
      kill(pid, signal);
    });
  const { more } = assignment;
  const own = more ? withoutPort(command) : command;
  const result = await grade(assignment, () => new Run({ ...options, command: own, more }));
  const { json } = options;
  print(
    json ? JSON.stringify(FORMS[json](result, command), null, 2) : text(result, pageWidth(process.stdout)),
  );
  return isFull(result) ? 0 : 1;
}
