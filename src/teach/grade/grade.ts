/** `posix-select grade`: runs a student's program and scores it by the assignment's rubric. */
import { resolve } from 'node:path';
import { print, warn } from '../../loop/terminal.js';
import { OSError } from '../../posix/errors.js';
import { pageWidth } from '../text.js';
import { unhandled } from './check-fault.js';
import { mindSignals } from './ending.js';
import { NOT_GRADED, NotGraded } from './failure.js';
import { check50, github, gradescope } from './forms.js';
import { grade } from './grading.js';
import { findIsolation } from './isolation.js';
import { Output } from './output.js';
import { readPoints, withPoints } from './points.js';
import { mustBeFree } from './ports.js';
import { text, Writer } from './report.js';
import { type Assignment, isFull, type Result } from './rubric.js';
import { Run } from './run.js';
import { Spinner } from './spinner.js';

const FORMS = { gradescope, github, check50 };

export interface GradeOptions {
  json?: keyof typeof FORMS;
  /** a file for the result, instead of stdout */
  output?: string;
  /** a file for the report as text, too */
  report?: string;
  /** a file for the report as a page, with a recording of each line that lost points */
  page?: string;
  port?: number;
  /** for each answer, when nothing moves */
  timeout: number;
  /** runs the submission as this user */
  user?: string;
  /** grades only this line, by its number */
  only?: number;
  /** a file with the teacher's points */
  points?: string;
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

/** @returns 0 when all points that could be graded were reached, 1 when not, 3 when nothing could be graded */
export async function gradeCommand(
  assignment: Assignment,
  command: string[],
  options: GradeOptions,
): Promise<number> {
  protect();
  try {
    const output = options.output === undefined ? undefined : new Output(options.output);
    const result = await gradeOnce(assignment, command, options);
    const { json } = options;
    const whole = json
      ? JSON.stringify(FORMS[json](result, command), null, 2)
      : text(result, pageWidth(process.stdout));
    if (options.report !== undefined)
      new Output(options.report).write(`${text(result, pageWidth(process.stdout))}\n`);
    if (output?.write(`${whole}\n`))
      warn(`${options.output} had been replaced meanwhile: it was written anew`);
    if (!output && !(process.stdout.isTTY && !json)) print(whole);
    return isFull(result) ? 0 : 1;
  } catch (err) {
    const isOwn = err instanceof NotGraded || (err instanceof OSError && err.code !== 'EPIPE');
    if (!isOwn) throw err;
    warn(err.message);
    return NOT_GRADED;
  }
}

/** From what a submission may do to its grader, as far as it can reach it; and from a check that awaits nothing. */
function protect(): void {
  process.on('SIGUSR1', () => {}); // Node would open its inspector
  const end = (why: string) => {
    warn(why);
    process.exit(NOT_GRADED);
  };
  process.on('unhandledRejection', (err, promise) => end(unhandled(err, promise)));
  process.on('uncaughtException', (err) => end(unhandled(err)));
  mindSignals();
}

/** On a terminal each line is shown as soon as it is decided. */
async function gradeOnce(assignment: Assignment, command: string[], options: GradeOptions): Promise<Result> {
  const { port, timeout, only, output, json } = options;
  if (port !== undefined) await mustBeFree(port);
  const isolation = findIsolation(options.user);
  if (output !== undefined && isolation.hasNamespace) isolation.readOnly.push(resolve(output));
  const { args, usualPort } = assignment;
  const own = args ? withoutPort(command) : command;
  const wanted = onlyLine(
    options.points ? withPoints(assignment, await readPoints(options.points)) : assignment,
    only,
  );
  const isLive = process.stdout.isTTY && !json && output === undefined;
  const spinner = isLive ? new Spinner(process.stdout) : undefined;
  const writer = new Writer({ columns: pageWidth(process.stdout), isTerminal: true });
  const begin = (wrapper: string[] = []) =>
    new Run({ command: [...wrapper, ...own], port, usualPort, args, timeoutS: timeout, isolation });
  const result = await grade(wanted, () => begin(), {
    sideBySide: port === undefined ? undefined : 1,
    onLine: (line) => !line.line.note && spinner?.above(writer.line(line)),
  }).finally(() => spinner?.stop());
  if (isolation.warning) result.notes.push(isolation.warning);
  if (options.page !== undefined) {
    const { writePage } = await import('./evidence.js');
    await writePage(options.page, result, begin);
  }
  if (isLive) {
    print(['', ...writer.notes(result), ...writer.head(result)].join('\n'));
    print(isFull(result) ? 'All points. What is next: read your loop once more, and hand it in.' : '');
  }
  return result;
}

/** @throws NotGraded when there is no such line */
function onlyLine(assignment: Assignment, number?: number): Assignment {
  if (number === undefined) return assignment;
  const line = assignment.lines.filter(({ note }) => !note)[number - 1];
  if (!line) throw new NotGraded(`--only ${number}: ${assignment.name} has no such line`);
  return { ...assignment, lines: [line] };
}
