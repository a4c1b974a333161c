/** Where a trace goes: a descriptor, written to with as few write(2) calls as possible. */

import { Buffer } from 'node:buffer'; // the global is a getter, and costs at each use
import { writeAll } from '../../loop/write-all.js';
import { OSError } from '../../posix/errors.js';
import { COUNTS, type RecordTransfer, type Sys } from '../../posix/sys.js';
import type { LineOutput } from '../recording/write.js';
import { base64 } from './traced-call.js';

/** Bytes that are kept before they are written: a line that is longer gets more. */
const BUFFER_BYTES = 65_536;

/** Bytes of UTF-8 that a character of a string takes at most. */
const MAX_CHAR_BYTES = 3;

/** Longer text is copied by Node, which is faster then than one character after the other. */
const MAX_LOOP_CHARS = 32;

/** Node makes a string of base64 first: for so few bytes that takes longer than a loop. */
const MAX_LOOP_BYTES = 192;

/** More than any number has. */
const NUMBER_BYTES = 32;

const [NEWLINE, POINT, ZERO, PAD] = [...Buffer.from('\n.0=')] as [number, number, number, number];

/** The two characters of base64 for twelve bits, the first one in the lower byte. */
const TWELVE_BITS = Uint16Array.from({ length: 4096 }, (_, bits) =>
  Buffer.from(Buffer.of(bits >> 4, bits << 4).toString('base64')).readUInt16LE(),
);

/** Each write(2) ends where a line ends. Once one has failed, all that follows is dropped. */
export class TraceWriter implements LineOutput {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #name: string;
  /** Text becomes bytes at once: the garbage collector would take longer over kept text than all else takes. */
  #bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** The same memory, for four characters at a time. */
  #view = new DataView(this.#bytes.buffer);
  /** Bytes that are kept, and those of them that are whole lines: the addon's lines count, too. */
  readonly #counts = new Int32Array(Object.keys(COUNTS).length);
  /** Tells the addon of other memory. */
  #use: ((bytes: Uint8Array) => void) | undefined;
  #flushed = 0;
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

  /** recv and send that write their own lines here. @see Sys.recordedTransfers */
  recordedTransfers(
    number: Float64Array,
    origin: number,
    record: Record<'recv' | 'send', RecordTransfer>,
  ): Pick<Sys, 'recv' | 'send'> {
    const shared = [this.#bytes, this.#counts, number] as const;
    const { use, ...calls } = this.#sys.recordedTransfers(...shared, origin, record.recv, record.send);
    this.#use = use;
    return calls;
  }

  get #kept(): number {
    return this.#counts[COUNTS.keptBytes] as number;
  }
  set #kept(count: number) {
    this.#counts[COUNTS.keptBytes] = count;
  }
  get #whole(): number {
    return this.#counts[COUNTS.wholeBytes] as number;
  }
  set #whole(count: number) {
    this.#counts[COUNTS.wholeBytes] = count;
  }

  /** Bytes that have come, whether they are written by now or not. */
  get size(): number {
    return this.#flushed + this.#kept;
  }

  /** Writes whole lines, or what is to be seen without an end of its line. */
  write(text: string): void {
    this.text(text);
    this.#whole = this.#kept;
  }

  flush(): void {
    this.#whole = this.#kept;
    this.#flushWhole();
  }

  text(text: string): void {
    const most = text.length * MAX_CHAR_BYTES;
    if (most > this.#bytes.length - this.#kept) this.#makeRoom(Buffer.byteLength(text));
    this.#kept += this.#bytes.write(text, this.#kept);
  }

  ascii(text: string): void {
    const { length } = text;
    if (length > MAX_LOOP_CHARS) {
      this.text(text);
      return;
    }
    this.#makeRoom(length);
    const bytes = this.#bytes;
    let at = this.#kept;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#kept = at;
  }

  piece(piece: Uint8Array): void {
    const { length } = piece;
    this.#makeRoom(length);
    const bytes = this.#bytes;
    const at = this.#kept;
    for (let i = 0; i < length; i++) bytes[at + i] = piece[i] as number;
    this.#kept = at + length;
  }

  number(value: number): void {
    this.#makeRoom(NUMBER_BYTES);
    if ((value | 0) === value && value >= 0) this.#digits(value, countOfDigits(value));
    else this.ascii(String(value));
  }

  seconds(value: number): void {
    this.#makeRoom(2 * NUMBER_BYTES);
    const micros = Math.round(Math.abs(value) * 1e6);
    if (value < 0) this.ascii('-'); // the clock was set back
    const whole = Math.floor(micros / 1e6);
    this.number(whole);
    this.#bytes[this.#kept++] = POINT;
    this.#digits((micros - whole * 1e6) | 0, 6);
  }

  base64(bytes: Uint8Array, count: number): void {
    if (count > MAX_LOOP_BYTES) {
      this.text(base64(bytes, count));
      return;
    }
    this.#makeRoom(2 * MAX_LOOP_BYTES);
    const kept = this.#bytes;
    const view = this.#view;
    let at = this.#kept;
    const rest = count % 3;
    const end = count - rest;
    for (let i = 0; i < end; i += 3) {
      const three = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
      const first = TWELVE_BITS[three >> 12] as number;
      const second = TWELVE_BITS[three & 4095] as number;
      view.setUint32(at, first | (second << 16), true);
      at += 4;
    }
    if (rest > 0) {
      const next = rest === 2 ? (bytes[end + 1] as number) : 0;
      const first = TWELVE_BITS[((bytes[end] as number) << 4) | (next >> 4)] as number;
      kept[at] = first;
      kept[at + 1] = first >> 8;
      kept[at + 2] = rest === 2 ? (TWELVE_BITS[(next & 15) << 8] as number) : PAD;
      kept[at + 3] = PAD;
      at += 4;
    }
    this.#kept = at;
  }

  endLine(): void {
    this.#makeRoom(1);
    this.#bytes[this.#kept++] = NEWLINE;
    this.#whole = this.#kept;
  }

  #makeRoom(count: number): void {
    if (count <= this.#bytes.length - this.#kept) return;
    this.#flushWhole();
    if (count <= this.#bytes.length - this.#kept) return;
    const more = Buffer.allocUnsafeSlow(2 * (this.#kept + count));
    this.#bytes.copy(more, 0, 0, this.#kept);
    this.#bytes = more;
    this.#view = new DataView(more.buffer);
    this.#use?.(more);
  }

  /** Writes the whole lines; what has begun of the next one stays. */
  #flushWhole(): void {
    const count = this.#whole;
    if (count === 0) return;
    if (!this.#hasFailed) this.#writeBytes(this.#bytes.subarray(0, count));
    this.#bytes.copyWithin(0, count, this.#kept);
    this.#kept -= count;
    this.#whole = 0;
    this.#flushed += count;
  }

  #writeBytes(bytes: Uint8Array): void {
    const result = writeAll(this.#sys, this.#fd, bytes);
    if (result === 0) return;
    this.#hasFailed = true;
    const { message } = new OSError(result, 'write', this.#name);
    if (this.#fd !== 2) writeAll(this.#sys, 2, Buffer.from(`${message}; the trace ends here\n`));
  }

  /** A whole number of 31 bits, with so many digits. */
  #digits(value: number, count: number): void {
    const bytes = this.#bytes;
    const begin = this.#kept;
    let rest = value | 0;
    for (let at = begin + count - 1; at >= begin; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = ZERO + rest - 10 * next;
      rest = next;
    }
    this.#kept = begin + count;
  }
}

function countOfDigits(value: number): number {
  let count = 1;
  for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) count++;
  return count;
}
