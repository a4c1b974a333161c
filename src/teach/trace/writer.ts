/** Where a trace goes: a descriptor, written to with as few write(2) calls as possible. */

import { writeAll } from '../../loop/write-all.js';
import { OSError } from '../../posix/errors.js';
import type { Sys } from '../../posix/sys.js';

/** Characters that are kept before they are written. */
const BUFFER_CHARS = 65_536;

const utf8 = new TextEncoder();

/** Where text becomes bytes, again and again: new memory for each write would cost more than the write. */
const bytes = new Uint8Array(2 * BUFFER_CHARS);

export class TraceWriter {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #name: string;
  #text = '';
  #hasFailed = false;

  /**
   * @param sys the system calls, untraced
   * @param name for the line that says what went wrong
   */
  constructor(sys: Sys, fd: number, name: string) {
    this.#sys = sys;
    this.#fd = fd;
    this.#name = name;
  }

  /** Once a write has failed, all that follows is dropped. */
  write(text: string): void {
    if (this.#hasFailed) return;
    this.#text += text;
    if (this.#text.length > BUFFER_CHARS) this.flush();
  }

  flush(): void {
    if (this.#text === '') return;
    const result = this.#writeText(this.#fd, this.#text);
    this.#text = '';
    if (result === 0) return;
    this.#hasFailed = true;
    const { message } = new OSError(result, 'write', this.#name);
    if (this.#fd !== 2) this.#writeText(2, `${message}; the trace ends here\n`);
  }

  /** @returns 0, or the negative errno */
  #writeText(fd: number, text: string): number {
    for (let at = 0; at < text.length; ) {
      const { read, written } = utf8.encodeInto(at === 0 ? text : text.slice(at), bytes);
      const result = writeAll(this.#sys, fd, bytes.subarray(0, written));
      if (result < 0) return result;
      at += read;
    }
    return 0;
  }
}
