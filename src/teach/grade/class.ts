/** `posix-select grade --class`: grades the submissions of a class, each by a grader of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { argv, execPath } from 'node:process';
import { print } from '../../loop/terminal.js';
import { OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import { UserError } from '../user-error.js';
import { mindSignals, whenGraderEnds } from './ending.js';
import { NOT_GRADED } from './failure.js';
import type { gradescope } from './forms.js';
import type { GradeOptions } from './grade.js';
import { Spinner } from './spinner.js';

export interface ClassOptions extends GradeOptions {
  /** a folder with a folder for each submission */
  class?: string;
  csv?: string;
  jobs?: number;
}

/** What is kept in the folder of a submission. */
const REPORT = 'report.txt';

/** A grader that has not come to its end by then is ended: it has been stopped, or is cheated. */
const LIMIT_MS = 300_000;

/** Most of a grading is waiting. */
const JOBS_PER_PROCESSOR = 3;

/** A line of the rubric as Gradescope's form has it. */
type Test = { name: string; output: string; score?: number; max_score?: number };

interface Mark {
  name: string;
  /** undefined when there is no mark; `why` says so */
  score?: number;
  tests: Test[];
  why?: string;
}

/** @returns 0 when each submission has a mark, 3 when one has none */
export async function gradeClass(
  assignment: string,
  command: string[],
  { class: folder = '.', csv, jobs = JOBS_PER_PROCESSOR * availableParallelism(), ...options }: ClassOptions,
): Promise<number> {
  sys.adoptOrphans?.(); // what is left of a grader that was killed
  const names = foldersIn(folder);
  const graders = new Set<ChildProcess>();
  const results = mkdtempSync(join(tmpdir(), 'posix-select-class-'));
  whenGraderEnds(() => {
    for (const grader of graders) grader.kill('SIGTERM');
    rmSync(results, { recursive: true, force: true, maxRetries: 3 }); // a grader may write there yet
  });
  mindSignals();
  const progress = new Progress(names.length);
  const marks: Mark[] = [];
  const queue = [...names];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const mark = await gradeFolder({
        name,
        folder: join(folder, name),
        results,
        assignment,
        command,
        options,
        graders,
      });
      marks.push(mark);
      progress.show(mark, marks.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    progress.stop();
  }
  marks.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  if (csv !== undefined) writeAnew(csv, csvOf(marks));
  print(summaryOf(marks).join('\n'));
  return marks.some(({ score }) => score === undefined) ? NOT_GRADED : 0;
}

/** @throws UserError when there are none */
function foldersIn(folder: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch (err) {
    throw new OSError((err as { errno: number }).errno, 'opendir', folder);
  }
  if (entries.length === 0) throw new UserError(`${folder} has no folders in it: a submission is a folder`);
  return entries.toSorted();
}

interface Job {
  name: string;
  folder: string;
  /** where graders leave their results: no submission gets there */
  results: string;
  assignment: string;
  command: string[];
  options: GradeOptions;
  graders: Set<ChildProcess>;
}

/** A grader of its own: what happens to it happens to no other. */
async function gradeFolder(job: Job): Promise<Mark> {
  const { name, folder, results, assignment, command, options, graders } = job;
  const files = ['json', 'txt'].map((form) => join(results, `${name}.${form}`));
  const [json = '', text = ''] = files;
  const own = ['/', '.'].some((sign) => assignment.startsWith(sign)) ? resolve(assignment) : assignment;
  const args = [
    ...['grade', own, '--json', 'gradescope', '--output', json, '--report', text],
    ...['--timeout', String(options.timeout)],
    ...(options.user === undefined ? [] : ['--user', options.user]),
    ...(options.points === undefined ? [] : ['--points', resolve(options.points)]),
    ...(options.only === undefined ? [] : ['--only', String(options.only)]),
    '--',
    ...command,
  ];
  const grader = spawn(execPath, [argv[1] ?? '', ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, COLUMNS: process.env.COLUMNS ?? '80' },
  });
  graders.add(grader);
  let complaint = '';
  grader.stderr?.setEncoding('utf8').on('data', (data) => {
    complaint = (complaint + data).slice(-1000);
  });
  const timer = setTimeout(() => grader.kill('SIGKILL'), LIMIT_MS);
  const ended = await new Promise<string>((end) => {
    grader.once('error', ({ message }) => end(message));
    grader.once('exit', (code, signal) =>
      end(code === null ? `the grader was ended by ${signal}` : `${code}`),
    );
  });
  clearTimeout(timer);
  graders.delete(grader);
  const mark = markOf(name, json, ended, complaint);
  writeAnew(
    join(folder, REPORT),
    mark.score === undefined ? `no mark: ${mark.why}\n` : readFileSync(text, 'utf8'),
  );
  return mark;
}

function markOf(name: string, json: string, ended: string, complaint: string): Mark {
  const none = { name, tests: [], why: complaint.trim().split('\n').at(-1) || ended };
  if (ended !== '0' && ended !== '1') return none;
  try {
    const { score, tests } = JSON.parse(readFileSync(json, 'utf8')) as ReturnType<typeof gradescope>;
    return { name, score, tests };
  } catch {
    return none; // a grader that has ended by an error of its own
  }
}

/** A link that a submission has put there is not followed. @throws OSError */
function writeAnew(file: string, text: string): void {
  try {
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, text, { flag: 'wx' });
  } catch (err) {
    throw new OSError((err as { errno: number }).errno, 'open', file);
  }
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function csvOf(marks: Mark[]): string {
  const titles = [...new Set(marks.flatMap(({ tests }) => tests.map(({ name }) => name)))];
  const rows = marks.map(({ name, score, tests, why }) => [
    name,
    score ?? '',
    ...titles.map((title) => tests.find((test) => test.name === title)?.score ?? ''),
    why ?? '',
  ]);
  const head = ['submission', 'points', ...titles, 'not graded'];
  return [head, ...rows]
    .map((row) => row.map((cell) => quoted(String(cell))).join(','))
    .join('\n')
    .concat('\n');
}

/** How many have lost something in each line. */
function summaryOf(marks: Mark[]): string[] {
  const graded = marks.filter(({ score }) => score !== undefined);
  const titles = [...new Set(graded.flatMap(({ tests }) => tests.map(({ name }) => name)))];
  const lost = titles.flatMap((title) => {
    const results = graded.flatMap(({ tests }) => tests.filter(({ name }) => name === title));
    const losers = results.filter(({ score = 0, max_score = 0 }) => score < max_score).length;
    return losers > 0 ? [`  ${losers} of ${results.length} lost points: ${title}`] : [];
  });
  const without = marks
    .filter(({ score }) => score === undefined)
    .map(({ name, why }) => `  no mark: ${basename(name)}: ${why}`);
  return [`${graded.length} of ${marks.length} graded`, ...lost, ...without];
}

/** A line for each submission; on a terminal how far it is, too. */
class Progress {
  readonly #count: number;
  readonly #spinner = process.stdout.isTTY ? new Spinner(process.stdout) : undefined;

  constructor(count: number) {
    this.#count = count;
    this.#spinner?.says(`0 of ${count}`);
  }

  show({ name, score, tests, why }: Mark, done: number): void {
    const most = tests.reduce((sum, { max_score = 0 }) => sum + max_score, 0);
    const line = score === undefined ? `${name}: no mark: ${why}` : `${name}: ${score} of ${most} points`;
    const WIDTH = 20;
    const filled = Math.round((WIDTH * done) / this.#count);
    this.#spinner?.says(`${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${done} of ${this.#count}`);
    if (this.#spinner) this.#spinner.above([line]);
    else print(line);
  }

  stop(): void {
    this.#spinner?.stop();
  }
}
