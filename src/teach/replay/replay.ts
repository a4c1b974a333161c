/** `posix-select replay`: plays a recording in the terminal, or writes it as a page. */
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OSError } from '../../posix/errors.js';
import { isSameFile } from '../../posix/files.js';
import { UserError } from '../user-error.js';
import { timelineOf } from './from-recording.js';
import { oneThread } from './open.js';
import { page } from './page.js';
import { Player } from './player.js';
import { paragraph } from './screen.js';
import { Timeline, type TimelineData } from './timeline.js';

/** @throws UserError; OSError when the page, or stdout, cannot be written */
export async function replay(file: string, { html }: { html?: string }): Promise<number> {
  const data = timelineOf(oneThread(file).recording);
  if (html !== undefined) return write(html, data, file);
  const timeline = new Timeline(data);
  if (process.stdin.isTTY && process.stdout.isTTY)
    return new Player(timeline, process.stdin, process.stdout).run();
  return print(timeline);
}

function write(file: string, timeline: TimelineData, recording: string): number {
  try {
    if (isSameFile(file, recording))
      throw new UserError(`${file} is the recording: --html needs a file of its own`);
    writeFileSync(file, page(timeline));
  } catch (err) {
    throw OSError.from(err, file);
  }
  return 0;
}

/** All steps, one after the other. */
async function print(timeline: Timeline): Promise<number> {
  try {
    await pipeline(Readable.from(paragraphs(timeline)), process.stdout, { end: false });
  } catch (err) {
    throw OSError.from(err, 'stdout');
  }
  return 0;
}

function* paragraphs(timeline: Timeline): Generator<string> {
  yield `${[timeline.program, ...timeline.notes].join('\n')}\n\n`;
  for (let step = 1; step <= timeline.length; step++) yield paragraph(timeline, timeline.step(step));
}
