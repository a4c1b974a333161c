/** Bytes as a caller gives them. */
import { shown } from './repr.js';

/** Bytes: what `send` takes and `recvInto` fills. */
export type BytesLike = NodeJS.ArrayBufferView | ArrayBuffer;

/**
 * The bytes of a caller's memory, without a copy.
 *
 * @throws TypeError for what is no memory, or has none any more
 */
export function bytesOf(data: BytesLike): Uint8Array {
  if (data instanceof Uint8Array && data.length > 0) return data;
  if (!ArrayBuffer.isView(data) && !(data instanceof ArrayBuffer)) {
    const found = typeof data === 'string' ? 'a string: Buffer.from(text) makes bytes of it' : shown(data);
    throw new TypeError(`a bytes-like object is required, not ${found}`);
  }
  try {
    if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
    // An array whose memory was taken away is empty until one of its methods is called: that throws.
    if ('keys' in data) (data as Uint8Array).keys();
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  } catch (cause) {
    throw new TypeError('the bytes have no memory any more: it was transferred, or it shrank', { cause });
  }
}
