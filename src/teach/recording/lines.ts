/** The lines of a file, read piece by piece: a file may be larger than memory. */
import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes of one read. */
const CHUNK_BYTES = 1 << 20;

const NEWLINE = 10;

export interface FileLine {
  text: string;
  /** bytes from the beginning of the file */
  offset: number;
  /** false for the end of a file that does not end with a newline */
  isWhole: boolean;
}

/**
 * @param offset where to begin, bytes from the beginning of the file
 * @throws Node's error of open or read
 */
export function* linesOf(file: string, encoding: BufferEncoding = 'utf8', offset = 0): Generator<FileLine> {
  const fd = openSync(file, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    let at = offset;
    while (true) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      // A pipe has no places: it is read from where it stands.
      const count = readSync(fd, chunk, 0, CHUNK_BYTES, offset > 0 ? at + rest.length : null);
      if (count === 0) break;
      const bytes =
        rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, count)]) : chunk.subarray(0, count);
      let begin = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, begin)) {
        yield { text: bytes.toString(encoding, begin, end), offset: at + begin, isWhole: true };
        begin = end + 1;
      }
      rest = bytes.subarray(begin);
      at += begin;
    }
    if (rest.length > 0) yield { text: rest.toString(encoding), offset: at, isWhole: false };
  } finally {
    closeSync(fd);
  }
}
