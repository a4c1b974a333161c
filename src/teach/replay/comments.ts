/** A teacher's words beside waits: a text file with the number of a wait before each. */
import { readFileSync } from 'node:fs';
import { OSError } from '../../posix/errors.js';

/** `7: text`, `- 7: text`, `## Wait 7`, `#7 text` */
const BEGIN = /^\s*(?:[-*#]+\s*)?(?:(?:wait|step)\s+)?#?(\d+)\s*(?:[:.)–-]\s*|\s|$)(.*)$/i;

/** @throws OSError where the file cannot be read */
export function readComments(file: string): Record<number, string> {
  const comments: Record<number, string> = {};
  let number: number | undefined;
  for (const line of textOf(file).split('\n')) {
    const [, begin, rest] = BEGIN.exec(line) ?? [];
    if (begin !== undefined) number = Number(begin);
    if (number === undefined) continue;
    comments[number] =
      `${comments[number] ?? ''} ${(begin === undefined ? line : (rest ?? '')).trim()}`.trim();
  }
  return comments;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    throw OSError.from(err, file);
  }
}
