/** Lines and bytes over a socket, as Python's `socket.makefile` gives them. */
import type { Bytes } from './recv-buffer.js';

/** What a file needs of a socket. */
interface Stream {
  recv(n: number): Bytes;
  sendall(data: Uint8Array): void;
}

const CHUNK_BYTES = 8192;
const NEWLINE = 10;

/**
 * Reads and writes over a socket, with a buffer for what was received and not yet read. It needs a socket that waits:
 * on one that does not, a read that would wait throws EAGAIN, and what was received stays in the buffer.
 *
 * @see Python's socket.makefile, io.BufferedReader
 */
export class SocketFile<Text extends string | Bytes> implements Iterable<Text>, Disposable {
  readonly #stream: Stream;
  readonly #isBinary: boolean;
  /** What has been received and not been read, in pieces: they are put together when they are read. */
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #isEnded = false;
  #isClosed = false;

  /** @throws TypeError for a mode that is none */
  constructor(stream: Stream, mode: string) {
    if (!/^(r|w|rw)b?$/.test(mode)) throw new TypeError(`invalid mode '${mode}' (only r, w, b allowed)`);
    this.#stream = stream;
    this.#isBinary = mode.endsWith('b');
  }

  /** The next line with its newline; the rest at the end of the stream, then an empty one. */
  readline(): Text {
    let before = 0;
    for (let i = 0; i < this.#unread.length || this.#fill(); i++) {
      const piece = this.#unread[i] as Buffer;
      const end = piece.indexOf(NEWLINE) + 1;
      if (end > 0) return this.#take(before + end);
      before += piece.length;
    }
    return this.#take(this.#unreadBytes);
  }

  /** n bytes, fewer at the end of the stream; without n, all up to the end. */
  read(n = Infinity): Text {
    while (this.#unreadBytes < n && this.#fill());
    return this.#take(Math.min(n, this.#unreadBytes));
  }

  /**
   * Sends all of it.
   *
   * @returns how many characters or bytes there were
   */
  write(data: string | Uint8Array): number {
    this.#check();
    this.#stream.sendall(typeof data === 'string' ? Buffer.from(data) : data);
    return data.length;
  }

  /** Does nothing: what is written is sent at once. */
  flush(): void {
    this.#check();
  }

  /** The lines up to the end of the stream. */
  *[Symbol.iterator](): Generator<Text> {
    for (let line = this.readline(); line.length > 0; line = this.readline()) yield line;
  }

  /** The socket stays open. */
  close(): void {
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(n: number): Text {
    this.#check();
    const all = this.#unread.length === 1 ? (this.#unread[0] as Buffer) : Buffer.concat(this.#unread);
    const bytes = all.subarray(0, n);
    this.#unreadBytes -= n;
    this.#unread = this.#unreadBytes > 0 ? [all.subarray(n)] : [];
    return (this.#isBinary ? Buffer.from(bytes) : bytes.toString()) as Text;
  }

  /** Whether more has come. */
  #fill(): boolean {
    this.#check();
    if (this.#isEnded) return false;
    const data = this.#stream.recv(CHUNK_BYTES);
    this.#isEnded = data.length === 0;
    if (!this.#isEnded) this.#unread.push(data);
    this.#unreadBytes += data.length;
    return !this.#isEnded;
  }

  #check(): void {
    if (this.#isClosed) throw new Error('I/O operation on closed file');
  }
}
