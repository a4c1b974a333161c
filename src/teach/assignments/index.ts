/** The assignments that can be begun and graded: a folder each, and a line here; and a teacher's own, by its path. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Assignment } from '../grade/rubric.js';
import { UserError } from '../user-error.js';

export const ASSIGNMENTS = ['select-server', 'talk-server', 'srv', 'chatclient', 'multiconn'] as const;

/** Skeletons and tasks are shipped as they are: not compiled. */
export const SHIPPED = fileURLToPath(new URL('../../../src/teach/assignments', import.meta.url));

/** What a folder of one's own must have. */
const CHECKS = 'checks.js';

export interface Loaded {
  assignment: Assignment;
  /** where its TASK.md and its skeletons are */
  folder: string;
}

/** Whether this names an assignment of the package, or is the path of a folder. */
export function isAssignment(name: string): boolean {
  return ASSIGNMENTS.some((own) => own === name) || /[/\\]|^\.+$/.test(name);
}

/** Loads an assignment: one of the package by its name, another one by its folder. @throws UserError */
export async function load(name: string): Promise<Loaded> {
  if (ASSIGNMENTS.some((own) => own === name))
    return {
      ...(await assignmentIn(new URL(`./${name}/checks.js`, import.meta.url))),
      folder: join(SHIPPED, name),
    };
  const folder = resolve(name);
  const checks = join(folder, CHECKS);
  if (!existsSync(checks)) throw new UserError(`${name} is no assignment: it has no ${CHECKS}`);
  const loaded = await assignmentIn(pathToFileURL(checks));
  if (!loaded.assignment?.lines) throw new UserError(`${checks} exports no "assignment" with lines`);
  return { ...loaded, folder };
}

async function assignmentIn(checks: URL): Promise<{ assignment: Assignment }> {
  try {
    return await import(checks.href);
  } catch (err) {
    throw new UserError(`${fileURLToPath(checks)}: ${(err as Error).message}`);
  }
}
