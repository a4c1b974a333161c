/** The names of the assignments, a folder each, and of the languages: the command line knows them before it loads a tool. */

export const ASSIGNMENTS = ['select-server', 'talk-server', 'srv', 'chatclient', 'multiconn'] as const;

/** Whether this names an assignment of the package, or is the path of a folder. */
export function isAssignment(name: string): boolean {
  return ASSIGNMENTS.some((own) => own === name) || /[/\\]|^\.+$/.test(name);
}

/** The languages that there are skeletons in: the first that an assignment has is laid out if none is asked for. */
export const LANGUAGES = ['typescript', 'python', 'c'] as const;

export type Language = (typeof LANGUAGES)[number];
