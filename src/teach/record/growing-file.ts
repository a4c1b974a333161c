/** A file that is read while another process writes it, and of which no more than what is unread takes room on the disk. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, type FSWatcher, fstatSync, openSync, read, watch } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const readSome = promisify(read);

/** Bytes that are read at a time. */
const PART_BYTES = 262_144;

/** Milliseconds between two reads: the writer writes line by line, and each wake-up costs as much as some lines do. */
const PAUSE_MS = 5;

/** Where the file cannot be watched, it is looked at again after so many milliseconds. */
const UNWATCHED_MS = 20;

/** Bytes that may wait to be read, and as many that have been read and still take room on the disk. */
const MAX_BYTES = 32 * 2 ** 20;

/** What part of them has been read when the writer may go on. */
const CATCH_UP = 1 / 32;

export class GrowingFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #maxBytes: number;
  #readBytes = 0;
  #freedBytes = 0;

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
   * @param onText gets each byte as a character
   * @param onIdle is called when all that was read is handled
   * @param hold makes the writer wait, or go on
   */
  async read(
    end: Promise<unknown>,
    onText: (text: string) => void,
    onIdle: () => void,
    hold: (isToWait: boolean) => void,
  ): Promise<void> {
    let hasEnded = false;
    let isHeld = false;
    const ended = end
      .catch(() => {})
      .then(() => {
        hasEnded = true;
      });
    const buffer = Buffer.allocUnsafe(PART_BYTES);
    while (true) {
      const isLast = hasEnded; // what it has written before is there by now
      const { bytesRead } = await readSome(this.#fd, buffer, 0, PART_BYTES, this.#readBytes);
      if (bytesRead > 0) {
        this.#readBytes += bytesRead;
        onText(buffer.toString('latin1', 0, bytesRead));
        setImmediate(onIdle);
        this.#free();
      }
      const mustWait: boolean = this.#unreadBytes > this.#maxBytes * (isHeld ? 1 - CATCH_UP : 1);
      if (mustWait !== isHeld) hold(mustWait);
      isHeld = mustWait;
      if (bytesRead === PART_BYTES) continue;
      if (bytesRead === 0 && isLast) break;
      if (!hasEnded) await (bytesRead > 0 ? Promise.race([pause(PAUSE_MS), ended]) : this.#growth(ended));
    }
    closeSync(this.#fd);
  }

  get #unreadBytes(): number {
    return fstatSync(this.#fd).size - this.#readBytes;
  }

  /** Waits until there is more to read, or the writer has ended. */
  async #growth(ended: Promise<void>): Promise<void> {
    let watcher: FSWatcher;
    try {
      watcher = watch(this.#path);
    } catch {
      await pause(UNWATCHED_MS); // this user watches as many files as he may
      return;
    }
    if (this.#unreadBytes === 0) await Promise.race([once(watcher, 'change'), ended]);
    watcher.close();
  }

  /** Gives back the room of what has been read. A file system that cannot do it keeps it until the end. */
  #free(): void {
    const length = this.#readBytes - this.#freedBytes;
    if (length < this.#maxBytes) return;
    const range = ['--offset', this.#freedBytes, '--length', length].map(String);
    execFile('fallocate', ['--punch-hole', ...range, this.#path], () => {});
    this.#freedBytes = this.#readBytes;
  }
}
