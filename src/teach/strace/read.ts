/** A file with strace(1)'s output as a recording. */
import { basename } from 'node:path';
import type { Call, OtherCall } from '../recording/format.js';
import { lines, type Recording } from '../recording/read.js';
import { UserError } from '../user-error.js';
import { headOf, StraceImport } from './import.js';

/** @throws UserError where no line is a call */
export function readStrace(file: string): Recording {
  const ready: Call[] = [];
  const log = new StraceImport('', (call) => ready.push(call));
  const text = lines(file, 'latin1');
  /** Reads on until there is a call, or the end. */
  const readOn = () => {
    while (ready.length === 0) {
      const { value: line } = text.next();
      if (!line) {
        log.end();
        return;
      }
      log.line(line.text);
    }
  };
  readOn();
  const [first] = ready;
  if (!first)
    throw new UserError(`${file}: it is neither a recording nor output of strace with system calls`);
  const [program = basename(file), ...args] =
    first.call === 'execve' ? ((first as OtherCall).rest?.slice(1) ?? []) : [];
  const began = log.origin !== undefined && log.origin > 1e9 ? new Date(log.origin * 1000).toISOString() : '';
  const head = headOf(program, args, began);
  head.pid = first.pid ?? 0;
  if (log.isUntimed) head.isUntimed = true;

  function* calls(): Generator<Call> {
    for (let count = -1; count !== 0; count = ready.length) {
      yield* ready.splice(0);
      readOn();
    }
  }
  return { head, calls: calls(), notes: () => notesOf(log) };
}

function notesOf({ unreadable, isUntimed, hasDurations, hasSets }: StraceImport): string[] {
  const notes: string[] = [];
  if (isUntimed) notes.push('strace was run without -ttt: the order is known, and no times');
  else if (!hasDurations) notes.push('strace was run without -T: how long a call took is not known');
  if (!hasSets) notes.push('strace was run with -e raw: the sets are not known');
  if (unreadable > 0) notes.push(`${unreadable} ${unreadable === 1 ? 'line' : 'lines'} could not be read`);
  return notes;
}
