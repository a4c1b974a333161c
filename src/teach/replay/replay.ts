/** `posix-select replay`: plays a recording in the terminal, or writes it as a page. */
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { warn } from '../../loop/terminal.js';
import { OSError } from '../../posix/errors.js';
import { isSameFile } from '../../posix/files.js';
import type { PageData } from '../story/programs.js';
import { UserError } from '../user-error.js';
import { Chapters } from './chapters.js';
import { readComments } from './comments.js';
import { storyOf } from './open.js';
import { page } from './page.js';
import { Player } from './player.js';
import { programsOf } from './programs.js';
import { paragraph } from './screen.js';

export interface ReplayOptions {
  /** the page to write */
  html?: string;
  /** a file with a teacher's words beside waits, for the page */
  notes?: string;
  /** of several threads the one to play; by default the one that waits the most */
  thread?: number;
}

/** @throws UserError; OSError when the page, or stdout, cannot be written */
export async function replay(file: string, { html, thread, notes }: ReplayOptions): Promise<number> {
  if (html !== undefined) {
    const shown =
      thread === undefined ? programsOf(file) : { programs: [storyOf(file, thread)], messages: [] };
    const [first] = shown.programs;
    if (first && notes !== undefined) first.comments = readComments(notes);
    return write(html, shown, file);
  }
  const chapters = new Chapters(file, thread);
  const hasTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const isDumb = process.env.TERM === 'dumb';
  if (hasTerminal && isDumb) warn('TERM=dumb: the terminal cannot draw a screen, so all waits come as text');
  if (hasTerminal && !isDumb) return new Player(chapters, process.stdin, process.stdout).run();
  await chapters.readOn(() => {});
  return print(chapters);
}

function write(file: string, shown: PageData, recording: string): number {
  try {
    if (isSameFile(file, recording))
      throw new UserError(`${file} is the recording: --html needs a file of its own`);
    writeFileSync(file, page(shown));
  } catch (err) {
    throw OSError.from(err, file);
  }
  return 0;
}

/** All waits, one after the other. */
async function print(chapters: Chapters): Promise<number> {
  try {
    await pipeline(Readable.from(paragraphs(chapters)), process.stdout, { end: false });
  } catch (err) {
    throw OSError.from(err, 'stdout');
  }
  return 0;
}

function* paragraphs(chapters: Chapters): Generator<string> {
  const { data } = chapters.at(0).story;
  yield `${[data.program, ...data.notes].join('\n')}\n\n`;
  for (let number = 0; number <= chapters.length; number++) {
    const wait = number === 0 ? 'set-up' : `wait ${number} of ${chapters.length}`;
    yield paragraph(chapters.at(number), wait);
  }
}
