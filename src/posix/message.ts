/** Ancillary data of sendmsg and recvmsg, in the records that cross into the addon: see native/message.cc. */

/** What goes beside the bytes: `[SOL_SOCKET, SCM_RIGHTS, descriptors as Int32Array bytes]`. */
export type Ancillary = [level: number, type: number, data: Uint8Array];

const HEADER_BYTES = 12;
const padded = (bytes: number) => (bytes + 3) & ~3;

export function packed(ancillary: Iterable<Ancillary>): Uint8Array {
  const records = [...ancillary].map(([level, type, data]) => {
    const record = Buffer.alloc(HEADER_BYTES + padded(data.length));
    record.set(new Uint8Array(Int32Array.of(level, type, data.length).buffer));
    record.set(data, HEADER_BYTES);
    return record;
  });
  return Buffer.concat(records);
}

export function unpacked(bytes: Uint8Array): Ancillary[] {
  const ancillary: Ancillary[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = new Int32Array(bytes.slice(at, at + HEADER_BYTES).buffer);
    const [level = 0, type = 0, length = 0] = header;
    const begin = at + HEADER_BYTES;
    ancillary.push([level, type, Buffer.from(bytes.slice(begin, begin + length))]);
    at = begin + padded(length);
  }
  return ancillary;
}

/** struct cmsghdr and its alignment. */
const [CMSGHDR_BYTES, ALIGN_BYTES] = process.platform === 'darwin' ? [12, 4] : [16, 8];
const aligned = (bytes: number) => Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;

/**
 * The bytes of one item of ancillary data, without what pads it.
 *
 * @see Python's socket.CMSG_LEN; man 3 cmsg
 */
export const CMSG_LEN = (bytes: number): number => CMSGHDR_BYTES + bytes;

/**
 * The bytes to give `recvmsg` for one item of ancillary data.
 *
 * @see Python's socket.CMSG_SPACE; man 3 cmsg
 */
export const CMSG_SPACE = (bytes: number): number => CMSGHDR_BYTES + aligned(bytes);
