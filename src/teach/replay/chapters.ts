/**
 * The story of a recording, however long: a short one is one chapter; of a long one, chapters are read when they are
 * shown, and an index beside the file says where each begins.
 */
import { statSync, writeFileSync } from 'node:fs';
import type { Call } from '../recording/format.js';
import { linesOf } from '../recording/lines.js';
import { isRecording, lines, Reader } from '../recording/read.js';
import { Story } from '../story/story.js';
import { StoryBuilder } from './build-story.js';
import { storyOf, threadOf } from './open.js';

/** Bytes of a file that is one chapter. */
const MAX_SHORT_BYTES = 64 * 2 ** 20;

/** Waits of a chapter. */
const CHAPTER_WAITS = 500;

/** Characters of the output before a chapter. */
const MAX_OUTPUT_CHARS = 1000;

/** Milliseconds of a slice of reading ahead: keys are handled between them. */
const SLICE_MS = 20;

/** Lines between two looks at the clock. */
const LINES_PER_LOOK = 500;

/** A call that waits, and a call that prints, in a line of a recording. */
const WAIT = /"call":\s*"(?:select|poll|epoll_wait)"|"waits":/;
const PRINT = /"fd":\s*[12],.*"data":/;

interface Chapter {
  /** bytes from the beginning of the file */
  offset: number;
  /** the number of its first wait; chapter 0 has the set-up as well */
  first: number;
  names: Record<string, string>;
  /** what was printed before it, its end */
  output: string;
}

interface Index {
  size: number;
  mtimeMs: number;
  waits: number;
  chapters: Chapter[];
}

export interface Place {
  story: Story;
  /** the wait's number within the story */
  number: number;
  /** what was printed before the story */
  output: string;
}

export class Chapters {
  readonly #file: string;
  readonly #thread: number | undefined;
  #index: Index | undefined;
  #isComplete = false;
  #loaded: { chapter: number; place: Omit<Place, 'number'> } | undefined;
  #short: Story | undefined;

  /** @throws UserError */
  constructor(file: string, thread?: number) {
    this.#file = file;
    this.#thread = thread;
    const { size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
    if (size <= MAX_SHORT_BYTES || !isRecording(file)) {
      this.#short = new Story(storyOf(file, thread));
      this.#isComplete = true;
      return;
    }
    this.#index = this.#savedIndex(size, mtimeMs);
    this.#isComplete = this.#index !== undefined;
    this.#index ??= { size, mtimeMs, waits: 0, chapters: [] };
  }

  /** How many waits there are, as far as the file is read. */
  get length(): number {
    return this.#short?.length ?? this.#index?.waits ?? 0;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Where a wait is; 0 is the set-up. */
  at(number: number): Place {
    if (this.#short) return { story: this.#short, number, output: '' };
    const chapters = this.#index?.chapters ?? [];
    const chapter = Math.max(
      0,
      chapters.findLastIndex(({ first }) => first <= number),
    );
    if (this.#loaded?.chapter !== chapter) this.#loaded = { chapter, place: this.#load(chapter) };
    const first = chapters[chapter]?.first ?? 1;
    const local = chapter === 0 ? number : number - first + 1;
    return { ...this.#loaded.place, number: Math.min(local, this.#loaded.place.story.length) };
  }

  /**
   * Reads ahead in slices until the index is whole, and saves it.
   *
   * @param progress is called after each slice
   */
  async readOn(progress: () => void): Promise<void> {
    if (this.#isComplete || !this.#index) return;
    const steps = this.#scan(this.#index);
    for (let end = performance.now() + SLICE_MS; ; ) {
      if (steps.next().done) break;
      if (performance.now() < end) continue;
      progress();
      await new Promise((resolve) => setImmediate(resolve));
      end = performance.now() + SLICE_MS;
    }
    this.#isComplete = true;
    try {
      writeFileSync(this.#indexFile, JSON.stringify(this.#index));
    } catch {} // the folder is another's: the index is made anew each time
    progress();
  }

  /** Goes through the lines, and notes where chapters begin; stops for a look at the clock now and then. */
  *#scan(index: Index): Generator<void> {
    const names: Record<string, string> = {};
    let output = '';
    let looked = 0;
    for (const { text, offset, isWhole } of linesOf(this.#file)) {
      if (!isWhole || offset === 0) continue;
      if (index.chapters.length === 0) index.chapters.push({ offset, first: 0, names: {}, output: '' });
      if (WAIT.test(text) && this.#isOurs(text)) {
        index.waits++;
        if (index.waits % CHAPTER_WAITS === 1 && index.waits > 1)
          index.chapters.push({ offset, first: index.waits, names: { ...names }, output });
      }
      if (text.includes('"names":')) learn(names, text);
      if (PRINT.test(text)) output = (output + printed(text)).slice(-MAX_OUTPUT_CHARS);
      if (++looked % LINES_PER_LOOK === 0) yield;
    }
  }

  #isOurs(text: string): boolean {
    if (this.#thread === undefined) return true;
    return threadOf(JSON.parse(text) as Call).tid === this.#thread;
  }

  #load(chapter: number): Omit<Place, 'number'> {
    const { head } = new Reader(this.#file);
    const builder = new StoryBuilder(head, true);
    const { offset, names, output } = this.#index?.chapters[chapter] ?? NO_CHAPTER;
    const end = this.#index?.chapters[chapter + 1]?.offset ?? Number.POSITIVE_INFINITY;
    builder.seed(names);
    let waits = 0;
    for (const line of lines(this.#file, 'utf8', offset)) {
      if (line.offset >= end || !line.isWhole) break;
      if (line.offset === 0 || line.text.startsWith('{"ended"')) continue;
      const call = JSON.parse(line.text) as Call;
      if (WAIT.test(line.text) && ++waits > CHAPTER_WAITS) break;
      if (this.#thread === undefined || threadOf(call, head.pid).tid === this.#thread) builder.add(call);
    }
    return { story: new Story(builder.data), output };
  }

  get #indexFile(): string {
    return `${this.#file}.index`;
  }

  /** The index of the last time, where the file has not changed since. */
  #savedIndex(size: number, mtimeMs: number): Index | undefined {
    try {
      const [line] = [...linesOf(this.#indexFile)];
      const index = JSON.parse(line?.text ?? '') as Index;
      return index.size === size && index.mtimeMs === mtimeMs ? index : undefined;
    } catch {
      return undefined;
    }
  }
}

const NO_CHAPTER: Chapter = { offset: 0, first: 0, names: {}, output: '' };

function learn(names: Record<string, string>, line: string): void {
  for (const [fd, name] of Object.entries((JSON.parse(line) as Call).names ?? {})) {
    if (name === null) delete names[fd];
    else names[fd] = name;
  }
}

function printed(line: string): string {
  const { data = '' } = JSON.parse(line) as { data?: string };
  return Buffer.from(data, 'base64').toString();
}
