/** Lines from a stream: what one recv gets is neither a line nor a message. */
import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;

/** Bytes of a line, unless said otherwise. A longer line comes in pieces, so that memory stays bounded. */
const MAX_LINE_BYTES = 65_536;

/** How many bytes of an unfinished UTF-8 character may stand at the end of a piece: it has up to four. */
const UNFINISHED_BYTES = [0, 1, 2, 3];

/** Puts lines together from whatever pieces come. It works on bytes: a UTF-8 character in two pieces comes out whole. */
export class Lines {
  readonly #maxLineBytes: number;
  /** The unfinished line, and room for more: a line that comes byte by byte is not copied for each byte. */
  #memory = Buffer.alloc(0);
  #size = 0;

  /**
   * @param maxLineBytes bytes of a line, at most; a longer one comes in pieces
   * @throws RangeError when a line could have no byte
   */
  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    if (!(maxLineBytes >= 1)) throw new RangeError(`maxLineBytes must be 1 or more (${maxLineBytes})`);
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes of the unfinished line. */
  get pending(): number {
    return this.#size;
  }

  /**
   * Adds what has come.
   *
   * @returns the lines that are complete now, without their newlines
   */
  push(data: Uint8Array): Buffer[] {
    const lines: Buffer[] = [];
    let rest = data;
    while (rest.length > 0) {
      const end = rest.indexOf(NEWLINE);
      const piece = end < 0 ? rest : rest.subarray(0, end);
      const room = this.#maxLineBytes - this.#size;
      if (piece.length > room) {
        this.#keep(piece.subarray(0, room));
        lines.push(this.#takePiece());
        rest = rest.subarray(room);
      } else {
        this.#keep(piece);
        if (end >= 0) lines.push(this.take());
        rest = rest.subarray(piece.length + 1);
      }
    }
    return lines;
  }

  /** Takes what has come since the last newline as a line. */
  take(): Buffer {
    const line = this.#memory.subarray(0, this.#size);
    this.#memory = Buffer.alloc(0);
    this.#size = 0;
    return line;
  }

  /** Takes as much of a line that is too long as does not cut a character. */
  #takePiece(): Buffer {
    const line = this.take();
    const endsWhole = (n: number) => n < line.length && isUtf8(line.subarray(0, line.length - n));
    const unfinished = UNFINISHED_BYTES.find(endsWhole) ?? 0;
    this.#keep(line.subarray(line.length - unfinished));
    return line.subarray(0, line.length - unfinished);
  }

  #keep(piece: Uint8Array): void {
    const size = this.#size + piece.length;
    if (size > this.#memory.length) {
      // Most lines come in one piece: that one gets memory of just its size.
      const memory = Buffer.allocUnsafe(this.#size > 0 ? Math.min(2 * size, this.#maxLineBytes) : size);
      memory.set(this.#memory.subarray(0, this.#size));
      this.#memory = memory;
    }
    this.#memory.set(piece, this.#size);
    this.#size = size;
  }
}
