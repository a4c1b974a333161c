/** `posix-select replay`: plays a recording in the terminal, or writes it as a page. */
import { statSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OSError } from '../../posix/errors.js';
import { read } from '../recording/read.js';
import { Refusal } from '../user-error.js';
import { tell } from './from-recording.js';
import { page } from './page.js';
import { Player } from './player.js';
import { paragraph } from './screen.js';
import { Story, type Tale } from './timeline.js';

/** @throws Refusal; OSError when the page, or stdout, cannot be written */
export async function replay(file: string, { html }: { html?: string }): Promise<number> {
  const tale = tell(read(file));
  if (html !== undefined) return write(html, tale, file);
  const story = new Story(tale);
  if (process.stdin.isTTY && process.stdout.isTTY)
    return new Player(story, process.stdin, process.stdout).run();
  return print(story);
}

function write(file: string, tale: Tale, recording: string): number {
  try {
    if (isSame(file, recording))
      throw new Refusal(`${file} is the recording: --html needs a file of its own`);
    writeFileSync(file, page(tale));
  } catch (err) {
    throw failure(err, file);
  }
  return 0;
}

/** Whether two names lead to one file. */
function isSame(name: string, other: string): boolean {
  const [a, b] = [name, other].map((name) => statSync(name, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && a.dev === b?.dev && a.ino === b.ino;
}

/** An error of Node's as one of ours. */
function failure(err: unknown, name: string): unknown {
  const { errno, syscall = '' } = err as NodeJS.ErrnoException;
  return errno === undefined ? err : new OSError(errno, syscall, name);
}

/** All steps, one after the other. */
async function print(story: Story): Promise<number> {
  try {
    await pipeline(Readable.from(paragraphs(story)), process.stdout, { end: false });
  } catch (err) {
    throw failure(err, 'stdout');
  }
  return 0;
}

function* paragraphs(story: Story): Generator<string> {
  yield `${[story.program, ...story.notes].join('\n')}\n\n`;
  for (let step = 1; step <= story.length; step++) yield paragraph(story, story.step(step));
}
