/** Where a trace goes: a descriptor, written to with as few write(2) calls as possible. */

import { writeAll } from '../../loop/write-all.js';
import { OSError } from '../../posix/errors.js';
import type { Sys } from '../../posix/sys.js';
import type { LineOutput } from '../recording/write.js';
import { base64 } from './traced-call.js';

/** Bytes that are kept before they are written. */
const BUFFER_BYTES = 65_536;

/** Bytes of UTF-8 that a character of a string takes at most. */
const MAX_CHAR_BYTES = 3;

/** Characters from which on Node's own copy is faster than one character after the other. */
const LONG_CHARS = 32;

/** Bytes up to which our own loop is faster than Node's base64: a string is made for that. */
const SHORT_BYTES = 192;

/** Bytes of a number at most: `-1.7976931348623157e+308`. */
const NUMBER_BYTES = 24;

const [ZERO, POINT, PAD] = [...Buffer.from('0.=')] as [number, number, number];

/** The two characters of base64 for twelve bits, the first one in the lower byte. */
const TWELVE_BITS = Uint16Array.from({ length: 4096 }, (_, bits) =>
  Buffer.from(Buffer.of(bits >> 4, bits << 4).toString('base64')).readUInt16LE(),
);

/** Once a write has failed, all that follows is dropped. */
export class TraceWriter implements LineOutput {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #name: string;
  /** Text becomes bytes at once: the garbage collector would take longer over kept text than all else takes. */
  readonly #bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** Bytes that are kept. */
  #kept = 0;
  #written = 0;
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

  /** Bytes up to now: written and kept. */
  get size(): number {
    return this.#written + this.#kept;
  }

  write(text: string): void {
    const most = text.length * MAX_CHAR_BYTES;
    if (most <= BUFFER_BYTES) {
      this.#makeRoom(most);
      this.#kept += this.#bytes.write(text, this.#kept);
      return;
    }
    const all = Buffer.from(text);
    for (let at = 0; at < all.length; at += BUFFER_BYTES) {
      this.flush();
      this.#kept = all.copy(this.#bytes, 0, at, at + BUFFER_BYTES);
    }
  }

  ascii(text: string): void {
    const { length } = text;
    if (length > LONG_CHARS) {
      this.write(text);
      return;
    }
    this.#makeRoom(length);
    const bytes = this.#bytes;
    let at = this.#kept;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#kept = at;
  }

  number(value: number): void {
    this.#makeRoom(NUMBER_BYTES);
    if ((value | 0) === value && value >= 0) this.#digits(value, countOfDigits(value));
    else this.ascii(String(value));
  }

  seconds(value: number): void {
    this.#makeRoom(2 * NUMBER_BYTES);
    const micros = Math.round(value * 1e6);
    const whole = Math.floor(micros / 1e6);
    this.number(whole);
    this.#bytes[this.#kept++] = POINT;
    this.#digits((micros - whole * 1e6) | 0, 6);
  }

  base64(bytes: Uint8Array, count: number): void {
    if (count > SHORT_BYTES) {
      this.write(base64(bytes, count));
      return;
    }
    this.#makeRoom(2 * SHORT_BYTES);
    const kept = this.#bytes;
    let at = this.#kept;
    const rest = count % 3;
    const end = count - rest;
    for (let i = 0; i < end; i += 3) {
      const three = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
      const first = TWELVE_BITS[three >> 12] as number;
      const second = TWELVE_BITS[three & 4095] as number;
      kept[at] = first;
      kept[at + 1] = first >> 8;
      kept[at + 2] = second;
      kept[at + 3] = second >> 8;
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

  flush(): void {
    if (this.#kept === 0) return;
    this.#written += this.#kept;
    const kept = this.#bytes.subarray(0, this.#kept);
    this.#kept = 0;
    if (this.#hasFailed) return;
    const result = writeAll(this.#sys, this.#fd, kept);
    if (result === 0) return;
    this.#hasFailed = true;
    const { message } = new OSError(result, 'write', this.#name);
    if (this.#fd !== 2) writeAll(this.#sys, 2, Buffer.from(`${message}; the trace ends here\n`));
  }

  #makeRoom(bytes: number): void {
    if (bytes > BUFFER_BYTES - this.#kept) this.flush();
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
