/** `posix-select replay`: plays a recording in the terminal, or writes it as a page. */
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OSError } from '../../posix/errors.js';
import { Refusal } from '../refusal.js';
import { page } from './page.js';
import { Player } from './player.js';
import { read } from './recording.js';
import { paragraph } from './screen.js';
import { Story, type Tale } from './story.js';
import { tell } from './tell.js';

/** @throws Refusal */
export async function replay(file: string, { html }: { html?: string }): Promise<number> {
  const tale = tell(read(file));
  if (html !== undefined) return write(html, tale);
  const story = new Story(tale);
  if (process.stdin.isTTY && process.stdout.isTTY)
    return new Player(story, process.stdin, process.stdout).run();
  return print(story);
}

function write(file: string, tale: Tale): number {
  try {
    writeFileSync(file, page(tale));
  } catch (err) {
    const { errno } = err as NodeJS.ErrnoException;
    if (errno === undefined) throw err;
    throw new Refusal(new OSError(errno, 'open', file).message);
  }
  return 0;
}

/** All steps, one after the other. */
async function print(story: Story): Promise<number> {
  try {
    await pipeline(Readable.from(paragraphs(story)), process.stdout, { end: false });
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EPIPE') throw err; // who reads has seen enough
  }
  return 0;
}

function* paragraphs(story: Story): Generator<string> {
  yield `${[story.program, ...story.notes].join('\n')}\n\n`;
  for (let step = 1; step <= story.length; step++) yield paragraph(story, story.step(step));
}
