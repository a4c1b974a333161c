/** Where a trace goes: a descriptor, written to with as few write(2)s as can be. */
import { errno, OSError } from '../../posix/errors.js';
import type { Sys } from '../../posix/sys.js';

/** Characters that are kept before they are written. */
const MOST = 65_536;

const utf8 = new TextEncoder();

/** Where text becomes bytes, again and again: new memory for each write would cost more than the write. */
const bytes = new Uint8Array(2 * MOST);

export class TraceWriter {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #name: string;
  #text = '';
  #lost = false;

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
    if (this.#lost) return;
    this.#text += text;
    if (this.#text.length > MOST) this.flush();
  }

  flush(): void {
    if (this.#text === '') return;
    const failed = this.#writeAll(this.#fd, this.#text);
    this.#text = '';
    if (failed === 0) return;
    this.#lost = true;
    const { message } = new OSError(failed, 'write', this.#name);
    if (this.#fd !== 2) this.#writeAll(2, `${message}; the trace ends here\n`);
  }

  /** @returns 0, or the negative errno */
  #writeAll(fd: number, text: string): number {
    for (let at = 0; at < text.length; ) {
      const { read, written } = utf8.encodeInto(at === 0 ? text : text.slice(at), bytes);
      at += read;
      let rest = bytes.subarray(0, written);
      while (rest.length > 0) {
        const count = this.#sys.write(fd, rest);
        if (count >= 0) rest = rest.subarray(count);
        else if (count === -errno.EAGAIN) this.#sys.select(null, Int32Array.of(fd));
        else if (count !== -errno.EINTR) return count;
      }
    }
    return 0;
  }
}
