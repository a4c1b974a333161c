/** Loads an assignment that is begun or graded: one of the package by its name, a teacher's own by its path. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { described, placeOf } from '../grade/check-fault.js';
import { NotGraded } from '../grade/failure.js';
import type { Assignment } from '../grade/rubric.js';
import { ASSIGNMENTS } from './names.js';

/** Skeletons and tasks are shipped as they are: not compiled. */
export const SHIPPED = fileURLToPath(new URL('../../../src/teach/assignments', import.meta.url));

/** What a folder of one's own must have. */
const CHECKS = 'checks.js';

export interface Loaded {
  assignment: Assignment;
  /** where its TASK.md and its skeletons are */
  folder: string;
}

/** @throws NotGraded */
export async function load(name: string): Promise<Loaded> {
  if (ASSIGNMENTS.some((own) => own === name))
    return {
      ...(await assignmentIn(new URL(`./${name}/checks.js`, import.meta.url))),
      folder: join(SHIPPED, name),
    };
  const folder = resolve(name);
  const checks = join(folder, CHECKS);
  if (!existsSync(checks)) throw new NotGraded(`${name} is no assignment: it has no ${CHECKS}`);
  const loaded = await assignmentIn(pathToFileURL(checks));
  const wrong = whatIsWrong(loaded.assignment);
  if (wrong) throw new NotGraded(`${checks}: ${wrong}`);
  return { ...loaded, folder };
}

/** What a teacher's assignment lacks; undefined when it can be graded. */
function whatIsWrong(assignment?: Partial<Assignment>): string | undefined {
  if (!Array.isArray(assignment?.lines)) return 'it exports no "assignment" with lines';
  const { name, command, lines } = assignment;
  if (typeof name !== 'string') return 'its assignment has no name';
  if (typeof command !== 'string') return 'its assignment has no command, as "python3 my_server.py {port}"';
  const other = lines.findIndex((line) => !Array.isArray(line?.parts));
  if (other >= 0) return `lines[${other}] is no line: line(title, part(points, check)) makes one`;
  return undefined;
}

async function assignmentIn(checks: URL): Promise<{ assignment: Assignment }> {
  try {
    return await import(checks.href);
  } catch (err) {
    throw new NotGraded(`${fileURLToPath(checks)}${whyNotRead(err, fileURLToPath(checks))}`);
  }
}

/** Why a file could not be imported, and what helps. */
function whyNotRead(err: unknown, file: string): string {
  const message = err instanceof Error ? err.message : '';
  if (/outside a module|Unexpected token 'export'/.test(message))
    return ' is read as CommonJS: put {"type": "module"} into a package.json beside it';
  if (message.startsWith("Cannot find package 'posix-select'"))
    return `: ${message}: npm install <path>/posix-select-<version>.tgz in ${dirname(file)}, or above it`;
  if (err instanceof SyntaxError && placeOf(err) === undefined)
    return `: ${described(err)}: node ${file} shows the line`;
  return `: ${described(err)}`;
}
