/** Where the result is kept: a file that a submission cannot forge. */
import { closeSync, fstatSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { OSError } from '../../posix/errors.js';

const NO_RESULT = 'no result\n';

/** Opened before a submission starts; it holds "no result" until the result is written, once, at the end. */
export class Output {
  readonly path: string;
  #fd: number;

  /** @throws OSError */
  constructor(path: string) {
    this.path = path;
    this.#fd = opened(path, 'w');
    writeSync(this.#fd, NO_RESULT);
  }

  /** @returns whether another file had been put in its place meanwhile */
  write(text: string): boolean {
    const isForged = !this.#isInPlace();
    if (isForged) {
      closeSync(this.#fd);
      rmSync(this.path, { recursive: true, force: true });
      this.#fd = opened(this.path, 'wx');
    }
    ftruncateSync(this.#fd, 0);
    writeSync(this.#fd, text, 0);
    closeSync(this.#fd);
    return isForged;
  }

  #isInPlace(): boolean {
    try {
      const [there, own] = [statSync(this.path), fstatSync(this.#fd)];
      return there.ino === own.ino && there.dev === own.dev;
    } catch {
      return false;
    }
  }
}

/** @throws OSError */
function opened(path: string, flags: string): number {
  try {
    return openSync(path, flags);
  } catch (err) {
    throw new OSError((err as { errno: number }).errno, 'open', path);
  }
}
