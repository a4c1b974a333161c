/** A call while it is traced. */
import { Buffer } from 'node:buffer'; // the global is a getter, and costs at each use
import type { OtherCall } from '../recording/format.js';
import type { BytesOfCall } from '../recording/write.js';

/** All calls have the same fields in the same order: that makes them fast. */
export class TracedCall implements OtherCall, BytesOfCall {
  at = 0;
  took = 0;
  result = 0;
  errno: OtherCall['errno'];
  fd: OtherCall['fd'];
  address: OtherCall['address'];
  length: OtherCall['length'];
  flags: OtherCall['flags'];
  bytes: Uint8Array | undefined;
  byteCount = 0;
  rest: OtherCall['rest'];
  asked: OtherCall['asked'];
  note: OtherCall['note'];
  waits: OtherCall['waits'];
  timeout: OtherCall['timeout'];
  after: OtherCall['after'];
  why: OtherCall['why'];
  names: OtherCall['names'];

  constructor(
    public n: number,
    public call: string,
  ) {}

  /** To be asked for before the program goes on: then it may use the memory again. */
  get data(): string | undefined {
    return this.bytes && base64(this.bytes, this.byteCount);
  }
}

export function base64(bytes: Uint8Array, count: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, count).toString('base64');
}
