/** Lines out of a stream: bytes are not messages. */

const NEWLINE = 0x0a;

/** Bytes of a line, unless said otherwise; a longer one comes in pieces, so that memory stays bounded. */
const MAX_LINE = 65_536;

/** Puts lines together from pieces that come as they please. Works on bytes: a split UTF-8 character is whole again. */
export class Lines {
  readonly #maxLine: number;
  #pieces: Uint8Array[] = [];
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
      const room = this.#maxLine - this.#size;
      const end = rest.indexOf(NEWLINE);
      if (end >= 0 && end <= room) {
        this.#keep(rest.subarray(0, end));
        lines.push(this.take());
        rest = rest.subarray(end + 1);
      } else {
        this.#keep(rest.subarray(0, room));
        if (rest.length >= room) lines.push(this.take());
        rest = rest.subarray(room);
      }
    }
    return lines;
  }

  /** What has come since the last newline, taken as a line. */
  take(): Buffer {
    const line = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    return line;
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(new Uint8Array(piece));
    this.#size += piece.length;
  }
}
