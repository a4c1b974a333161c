/** Bytes that wait to be written, in memory that has one bound for all who wait, and that is given back. */

/** Bytes of a chunk: what waits for a peer takes one at least. */
const CHUNK_BYTES = 16_384;

/**
 * The memory grows and shrinks by so many chunks; twice as many, 2 MiB, stay. Each resize is a system call for which all
 * threads of the process stop: an echo server that did it for each message would be at a hundredth of its speed.
 */
const STEP_CHUNKS = 64;

interface Chunk {
  bytes: Uint8Array;
  /** Its place in the memory; -1 where there is no bound. */
  at: number;
}

/**
 * The memory of all `Pending` of a loop. It is one ArrayBuffer that is resized: the pages that it no longer needs go
 * back to the system at once. Memory that is left to the garbage collector would stay, because an idle loop makes no
 * garbage, and so is never collected.
 */
export class PendingMemory {
  readonly #buffer: ArrayBuffer | null;
  /** A 1 at the place of each chunk that is in use. */
  readonly #used: Uint8Array;
  #count = 0;

  /** @param maxBytes in chunks of 16 KiB, and one chunk at least; Infinity: as much as the process can have */
  constructor(maxBytes: number) {
    const chunks = Math.max(1, Math.floor(maxBytes / CHUNK_BYTES));
    this.#buffer = chunks === Infinity ? null : new ArrayBuffer(0, { maxByteLength: chunks * CHUNK_BYTES });
    this.#used = new Uint8Array(this.#buffer ? chunks : 0);
  }

  /** The part of the memory that is in use, from 0 to 1. */
  get usage(): number {
    return this.#buffer ? this.#count / this.#used.length : 0;
  }

  /** @returns null when all of the memory is in use */
  take(): Chunk | null {
    if (!this.#buffer) return { bytes: Buffer.allocUnsafeSlow(CHUNK_BYTES), at: -1 };
    const at = this.#used.indexOf(0);
    if (at < 0) return null;
    if ((at + 1) * CHUNK_BYTES > this.#buffer.byteLength) this.#resize(at + STEP_CHUNKS);
    this.#used[at] = 1;
    this.#count += 1;
    return { bytes: new Uint8Array(this.#buffer, at * CHUNK_BYTES, CHUNK_BYTES), at };
  }

  /** Gives a chunk back. */
  give({ at }: Chunk): void {
    if (!this.#buffer) return;
    this.#used[at] = 0;
    this.#count -= 1;
    const has = this.#buffer.byteLength / CHUNK_BYTES;
    if (has <= 2 * STEP_CHUNKS) return;
    const needed = this.#count === 0 ? 0 : this.#used.lastIndexOf(1) + 1;
    if (has - needed > 2 * STEP_CHUNKS) this.#resize(needed + STEP_CHUNKS);
  }

  #resize(chunks: number): void {
    this.#buffer?.resize(Math.min(chunks, this.#used.length) * CHUNK_BYTES);
  }
}

/** Bytes that wait, first in, first out, however many messages they were. */
export class Pending {
  readonly #memory: PendingMemory;
  readonly #chunks: Chunk[] = [];
  /** Bytes of the first chunk that have been dropped. */
  #dropped = 0;
  #size = 0;

  constructor(memory: PendingMemory) {
    this.#memory = memory;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#size;
  }

  /** The bytes that come first, up to the end of their chunk. */
  get front(): Uint8Array {
    const [first] = this.#chunks;
    return first ? first.bytes.subarray(this.#dropped, this.#dropped + this.#size) : new Uint8Array(0);
  }

  /** @returns false, and nothing is kept, when there is no memory left */
  push(data: Uint8Array): boolean {
    const end = this.#dropped + this.#size;
    const had = this.#chunks.length;
    while (this.#chunks.length * CHUNK_BYTES < end + data.length) {
      const chunk = this.#memory.take();
      if (!chunk) {
        for (const taken of this.#chunks.splice(had)) this.#memory.give(taken);
        return false;
      }
      this.#chunks.push(chunk);
    }
    for (let from = 0; from < data.length; ) {
      const at = (end + from) % CHUNK_BYTES;
      const chunk = this.#chunks[Math.floor((end + from) / CHUNK_BYTES)] as Chunk;
      const piece = data.subarray(from, from + CHUNK_BYTES - at);
      chunk.bytes.set(piece, at);
      from += piece.length;
    }
    this.#size += data.length;
    return true;
  }

  /** Forgets bytes that come first: no more than `front` has. */
  drop(count: number): void {
    this.#dropped += count;
    this.#size -= count;
    if (this.#size > 0 && this.#dropped < CHUNK_BYTES) return;
    this.#dropped = 0;
    for (const chunk of this.#chunks.splice(0, this.#size === 0 ? Infinity : 1)) this.#memory.give(chunk);
  }

  /** Forgets all. */
  clear(): void {
    while (this.#size > 0) this.drop(this.front.length);
  }
}
