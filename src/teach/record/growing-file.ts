/** A file that is read while another process writes it; what has been read takes no room on the disk. */
import { execFile } from 'node:child_process';
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, statfsSync, watch } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

/** Bytes that are read at a time. */
const PART_BYTES = 262_144;

/** Milliseconds between two reads: the writer writes line by line, and each wake-up costs as much as some lines do. */
const PAUSE_MS = 10;

/** Milliseconds without a byte after which the writer is taken to be quiet. */
const QUIET_MS = 200;

/** Where the file cannot be watched, it is looked at again after so many milliseconds. */
const UNWATCHED_MS = 20;

/** The part of the free room on the disk that may be used. */
const ROOM = 1 / 4;

export interface Reader {
  /** Gets all in order, each byte as a character. */
  onText: (text: string) => void;
  /** All that was there has been read. */
  onAllRead: () => void;
  /** Nothing more has come since, for some time. */
  onQuiet: () => void;
  /** Makes the writer wait, or go on: it is too far ahead. May be told the same again. */
  hold: (isToWait: boolean) => void;
}

export class GrowingFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #maxBytes: number;
  #readBytes = 0;
  #freedBytes = 0;
  #isHeld = false;
  #hasEnded = false;
  #isStopped = false;
  #isClosed = false;
  /** Ends the pause that is being made. */
  #wake = () => {};

  /**
   * Makes the file, for a writer that does not append.
   *
   * @param maxBytes how many may wait to be read; and how many that have been read may still take room on the disk
   */
  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#fd = openSync(path, 'w+', 0o600);
    const { bavail, bsize } = statfsSync(path);
    this.#maxBytes = Math.min(maxBytes, bavail * bsize * ROOM);
  }

  /**
   * Reads all, and closes the file.
   *
   * @param end is settled when the writer has ended
   */
  async read(end: Promise<unknown>, { onText, onAllRead, onQuiet, hold }: Reader): Promise<void> {
    const ended = () => {
      this.#hasEnded = true;
      this.#wake();
    };
    end.then(ended, ended);
    const buffer = Buffer.allocUnsafe(PART_BYTES);
    let lastMs = performance.now();
    let isQuiet = false;
    try {
      while (!this.#isStopped) {
        const isLast = this.#hasEnded; // what it has written before is there by now
        const bytesRead = readSync(this.#fd, buffer, 0, PART_BYTES, this.#readBytes);
        if (bytesRead > 0) {
          this.#readBytes += bytesRead;
          onText(buffer.toString('latin1', 0, bytesRead));
          this.#free();
          lastMs = performance.now();
          isQuiet = false;
        }
        this.#holdBack(hold);
        if (bytesRead === PART_BYTES) {
          await turn(); // a signal may be waiting
        } else if (bytesRead > 0) {
          onAllRead();
          await this.#pause(PAUSE_MS);
        } else if (isLast) {
          break;
        } else {
          const restMs: number = isQuiet ? Infinity : lastMs + QUIET_MS - performance.now();
          if (restMs > 0) await this.#growth(restMs);
          else onQuiet();
          isQuiet ||= restMs <= 0;
        }
      }
    } finally {
      if (this.#isHeld) hold(false);
      this.#isClosed = true;
      closeSync(this.#fd);
    }
  }

  /** Reads no more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** What is there and has not been read yet; undefined where that is much, and where the file is closed. */
  ahead(): string | undefined {
    if (this.#isClosed) return undefined;
    const length = this.#unreadBytes;
    if (length > PART_BYTES) return undefined;
    const buffer = Buffer.allocUnsafe(length);
    return buffer.toString('latin1', 0, readSync(this.#fd, buffer, 0, length, this.#readBytes));
  }

  get #unreadBytes(): number {
    return fstatSync(this.#fd).size - this.#readBytes;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasEnded || this.#isStopped) return resolve();
      const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Waits until there is more to read, for so long at most. */
  async #growth(ms: number): Promise<void> {
    let watcher: FSWatcher | undefined;
    try {
      watcher = watch(this.#path, () => this.#wake()).on('error', () => this.#wake());
    } catch {
      // This user watches as many files as he may, or the file has been removed.
    }
    if (this.#unreadBytes === 0) await this.#pause(watcher ? ms : Math.min(ms, UNWATCHED_MS));
    watcher?.close();
  }

  #holdBack(hold: Reader['hold']): void {
    const mustWait = this.#unreadBytes > this.#maxBytes;
    // Told again: a shell lets all of a job go on when it comes back to its terminal.
    if (mustWait || this.#isHeld) hold(mustWait);
    this.#isHeld = mustWait;
  }

  /** Gives back the room of what has been read; where that cannot be done (BusyBox), it is kept until the end. */
  #free(): void {
    const length = this.#readBytes - this.#freedBytes;
    if (length < this.#maxBytes) return;
    const range = ['--offset', this.#freedBytes, '--length', length].map(String);
    execFile('fallocate', ['--punch-hole', ...range, this.#path], () => {});
    this.#freedBytes = this.#readBytes;
  }
}
