/** The assignments that can be begun and graded: a folder each, and a line here. */
import type { Assignment } from '../grade/rubric.js';

export const ASSIGNMENTS = ['select-server', 'talk-server', 'srv', 'chatclient', 'multiconn'] as const;

export type AssignmentName = (typeof ASSIGNMENTS)[number];

/** Loads an assignment's folder. */
export async function load(name: AssignmentName): Promise<Assignment> {
  const { assignment } = (await import(`./${name}/checks.js`)) as { assignment: Assignment };
  return assignment;
}
