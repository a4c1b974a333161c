/** What a failing system call becomes: one class. */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { F_GETFD } from './call-constants.js';
import type { Address } from './sockaddr.js';
import { addressText } from './sockaddr.js';
import { sys } from './sys.js';

/** The platform's error numbers by name, positive as in `errno.h`: `errno.EAGAIN` is 11 on Linux, 35 on macOS. */
export const errno = Object.freeze({ ...constants.errno });

const codes = new Map<number, string>();
for (const [code, number] of Object.entries(errno)) if (!codes.has(number)) codes.set(number, code);
for (const [negative, [code]] of getSystemErrorMap()) if (!codes.has(-negative)) codes.set(-negative, code);

/**
 * The system's text for an error number.
 *
 * @param number an errno, positive or negative
 * @throws TypeError when it is no integer
 * @see strerror(3)
 */
export function strerror(number: number): string {
  if (!Number.isInteger(number)) throw new TypeError('errno must be an integer');
  return sys.strerror(Math.abs(number));
}

/** What a call was working on: an address, a descriptor, or a name of its own ("stdout", a host). */
export type Subject = { address: Address } | { fd: number } | string;

/** `127.0.0.1:80`, `[::1]:80`, a path, `fd 5`. */
function describe(subject: Subject): string {
  if (typeof subject === 'string') return subject;
  if ('fd' in subject) return `fd ${subject.fd}`;
  return addressText(subject.address) || "''";
}

/**
 * A system call that failed, with the fields of Node's own system errors.
 *
 *     connect 127.0.0.1:5555: Connection refused (ECONNREFUSED)
 */
export class OSError extends Error {
  override readonly name: string = 'OSError';
  /** `'ECONNREFUSED'` */
  readonly code: string;
  /** Negative, so that `util.getSystemErrorName(err.errno)` names it. */
  readonly errno: number;
  /** The call that failed: `'connect'`. */
  readonly syscall: string;
  /** The descriptor that the call was given, where that says more than its address. */
  declare readonly fd?: number;
  /** The host or path that the call was given. */
  declare readonly address?: string;
  /** The port that the call was given. */
  declare readonly port?: number;

  /**
   * @param number the errno, positive or negative
   * @param syscall the call that failed
   * @param subject what it was working on
   * @param reason the number's name and text, where the system's own do not fit
   */
  constructor(
    number: number,
    syscall: string,
    subject?: Subject,
    reason: [code: string, text: string] = [codes.get(Math.abs(number)) ?? 'unknown', strerror(number)],
  ) {
    const [code, text] = reason;
    super(`${syscall}${subject === undefined ? '' : ` ${describe(subject)}`}: ${text} (${code})`);
    this.code = code;
    this.errno = -Math.abs(number);
    this.syscall = syscall;
    if (typeof subject !== 'object') return;
    if ('fd' in subject) this.fd = subject.fd;
    else if (!Array.isArray(subject.address)) this.address = String(subject.address);
    else [this.address, this.port] = subject.address;
  }

  /**
   * A system error of Node's own (of `node:fs`, `node:net`) as an OSError; any other error as it is.
   *
   * @param subject what the call was working on: Node's path unless given
   */
  static from(err: unknown, subject?: Subject): unknown {
    if (err instanceof OSError || !(err instanceof Error)) return err;
    const { errno: number, syscall = '', path } = err as NodeJS.ErrnoException;
    return typeof number === 'number' ? new OSError(number, syscall, subject ?? path) : err;
  }
}

/** The error of a call on many descriptors. EBADF does not say which of them is closed: each is asked. */
export function failureOn(fds: Iterable<number>, number: number, syscall: string): OSError {
  const isClosed = (fd: number) => sys.fcntl(fd, F_GETFD, 0) < 0;
  const fd = number === -errno.EBADF ? [...fds].find(isClosed) : undefined;
  return new OSError(number, syscall, fd === undefined ? undefined : { fd });
}

/**
 * A timeout of a socket that is over: an OSError ETIMEDOUT.
 *
 * @see Python's TimeoutError, socket.timeout
 */
export class TimeoutError extends OSError {
  override readonly name = 'TimeoutError';

  constructor(syscall: string, subject: Subject, timeoutS: number) {
    super(errno.ETIMEDOUT, syscall, subject, ['ETIMEDOUT', `timed out after ${timeoutS} s`]);
  }
}

/**
 * getaddrinfo(3) has failed, most often for a host that nobody knows: `code` is EAI_NONAME.
 *
 * @see Python's socket.gaierror
 */
export class gaierror extends OSError {
  override readonly name = 'gaierror';

  constructor(gaiCode: number, host: string | null) {
    const reason = sys.gaiError(gaiCode);
    const known = [...getSystemErrorMap()].find(([, [code]]) => code === reason[0]);
    super(known?.[0] ?? errno.EIO, 'getaddrinfo', host ?? undefined, reason);
  }
}
