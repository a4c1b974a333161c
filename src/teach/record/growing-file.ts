/** A file that is read while another process writes it; what has been read takes no room on the disk. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from 'node:fs';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';

/** Bytes that are read at a time. */
const PART_BYTES = 262_144;

/** Milliseconds between two reads: the writer writes line by line, and each wake-up costs as much as some lines do. */
const PAUSE_MS = 10;

/** Milliseconds without a byte after which the writer is taken to be quiet. */
const QUIET_MS = 200;

/** Where the file cannot be watched, it is looked at again after so many milliseconds. */
const UNWATCHED_MS = 20;

/** Bytes that may wait to be read, and as many that have been read and still take room on the disk. */
const MAX_BYTES = 32 * 2 ** 20;

/** What part of them has been read when the writer may go on. */
const CATCH_UP = 1 / 32;

export interface Reader {
  /** Gets all in order, each byte as a character. */
  onText: (text: string) => void;
  /** All that was there has been read. */
  onAllRead: () => void;
  /** Nothing more has come since, for some time. */
  onQuiet: () => void;
  /** Makes the writer wait, or go on: it is too far ahead. */
  hold: (isToWait: boolean) => void;
}

export class GrowingFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #maxBytes: number;
  #readBytes = 0;
  #freedBytes = 0;
  #isHeld = false;

  /** Makes the file, for a writer that does not append. */
  constructor(path: string, maxBytes = MAX_BYTES) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#fd = openSync(path, 'w+', 0o600);
  }

  /**
   * Reads all, and closes the file.
   *
   * @param end is settled when the writer has ended
   */
  async read(end: Promise<unknown>, { onText, onAllRead, onQuiet, hold }: Reader): Promise<void> {
    let hasEnded = false;
    const ended = end
      .catch(() => {})
      .then(() => {
        hasEnded = true;
      });
    const buffer = Buffer.allocUnsafe(PART_BYTES);
    let isQuiet = false;
    while (true) {
      const isLast = hasEnded; // what it has written before is there by now
      const bytesRead = readSync(this.#fd, buffer, 0, PART_BYTES, this.#readBytes);
      if (bytesRead > 0) {
        this.#readBytes += bytesRead;
        isQuiet = false;
        onText(buffer.toString('latin1', 0, bytesRead));
        this.#free();
      }
      this.#holdBack(hold);
      if (bytesRead === PART_BYTES) {
        await turn(); // a signal may be waiting
      } else if (bytesRead > 0) {
        onAllRead();
        if (!hasEnded) await Promise.race([pause(PAUSE_MS), ended]);
      } else {
        if (isLast) break;
        const hasGrown = await this.#growth(ended, isQuiet);
        if (hasGrown || hasEnded || isQuiet) continue;
        isQuiet = true;
        onQuiet();
      }
    }
    closeSync(this.#fd);
  }

  get #unreadBytes(): number {
    return fstatSync(this.#fd).size - this.#readBytes;
  }

  /** Waits until there is more to read, the writer has ended, or is quiet. @returns whether there is more */
  async #growth(ended: Promise<void>, isQuiet: boolean): Promise<boolean> {
    let watcher: FSWatcher | undefined;
    try {
      watcher = watch(this.#path);
    } catch {
      // This user watches as many files as he may.
    }
    const quiet = new AbortController();
    const events = watcher ? [once(watcher, 'change')] : [pause(UNWATCHED_MS)];
    const silence = isQuiet ? [] : [pause(QUIET_MS, undefined, quiet).catch(() => {})];
    if (this.#unreadBytes === 0) await Promise.race([...events, ...silence, ended]);
    quiet.abort();
    watcher?.close();
    return this.#unreadBytes > 0;
  }

  #holdBack(hold: Reader['hold']): void {
    const mustWait = this.#unreadBytes > this.#maxBytes * (this.#isHeld ? 1 - CATCH_UP : 1);
    if (mustWait !== this.#isHeld) hold(mustWait);
    this.#isHeld = mustWait;
  }

  /** Gives back the room of what has been read; where that cannot be done, it is kept until the end. */
  #free(): void {
    const length = this.#readBytes - this.#freedBytes;
    if (length < this.#maxBytes) return;
    const range = ['--offset', this.#freedBytes, '--length', length].map(String);
    execFile('fallocate', ['--punch-hole', ...range, this.#path], () => {});
    this.#freedBytes = this.#readBytes;
  }
}
