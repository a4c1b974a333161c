/** Lines out of a stream: bytes are not messages. */
import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;

/** Bytes of a line, unless said otherwise; a longer one comes in pieces, so that memory stays bounded. */
const MAX_LINE = 65_536;

/** A UTF-8 character is up to four bytes: so many of them may stand at the end of a piece without their last. */
const BEGUN = [0, 1, 2, 3];

/** Puts lines together from pieces that come as they please. Works on bytes: a split UTF-8 character is whole again. */
export class Lines {
  readonly #maxLine: number;
  /** The line that has begun, in memory that is larger: a byte at a time costs no more than a byte. */
  #memory = Buffer.alloc(0);
  #size = 0;

  constructor(maxLine: number = MAX_LINE) {
    this.#maxLine = maxLine;
  }

  /** Bytes of a line that has begun and not ended. */
  get pending(): number {
    return this.#size;
  }

  /**
   * Takes what has come.
   *
   * @returns the lines that are complete now, without their newlines
   */
  push(data: Uint8Array): Buffer[] {
    const lines: Buffer[] = [];
    let rest = data;
    while (rest.length > 0) {
      const end = rest.indexOf(NEWLINE);
      const piece = end < 0 ? rest : rest.subarray(0, end);
      const room = this.#maxLine - this.#size;
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

  /** What has come since the last newline, taken as a line. */
  take(): Buffer {
    const line = this.#memory.subarray(0, this.#size);
    this.#memory = Buffer.alloc(0);
    this.#size = 0;
    return line;
  }

  /** As much of a line that is too long as can be taken without cutting a character. */
  #takePiece(): Buffer {
    const line = this.take();
    const begun = BEGUN.find((n) => n < line.length && isUtf8(line.subarray(0, line.length - n))) ?? 0;
    this.#keep(line.subarray(line.length - begun));
    return line.subarray(0, line.length - begun);
  }

  #keep(piece: Uint8Array): void {
    const size = this.#size + piece.length;
    if (size > this.#memory.length) {
      // A line that comes in one piece, as most do, gets just its size.
      const memory = Buffer.allocUnsafe(this.#size > 0 ? Math.min(2 * size, this.#maxLine) : size);
      memory.set(this.#memory.subarray(0, this.#size));
      this.#memory = memory;
    }
    this.#memory.set(piece, this.#size);
    this.#size = size;
  }
}
