/** The grader's end of a connection: a client of the student's server, or the server of the student's client. */
import { connect, Socket } from 'node:net';
import { errno, OSError } from '../../posix/errors.js';
import { select } from '../../select.js';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  Socket as PosixSocket,
  SO_ERROR,
  SO_RCVBUF,
  SOL_SOCKET,
  TCP_MAXSEG,
} from '../../socket.js';

/** Bytes that the kernel keeps for a client that reads nothing, beside as many as a few segments of this size. */
const NARROW = 4096;
const SEGMENT = 1400;

export class Client {
  /** All bytes that have come, as latin1: a character for each. */
  received = '';
  /** The other end has closed the connection, or reset it. */
  ended = false;
  /** Of this end. */
  readonly port: number;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.localPort as number;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (data) => (this.received += data));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.ended = true));
    socket.on('error', () => {});
  }

  /** @throws of code ECONNREFUSED …; ETIMEDOUT after so many seconds: the server's queue is full */
  static connect(host: string, port: number, seconds: number): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port }, () => {
        clearTimeout(timer);
        socket.off('error', reject);
        resolve(new Client(socket));
      });
      const timer = setTimeout(
        () => socket.destroy(new OSError(errno.ETIMEDOUT, 'connect', { address: [host, port] })),
        1000 * seconds,
      );
      socket.once('error', (err) => {
        clearTimeout(timer);
        reject(err);
      });
    });
  }

  /** For which the kernel keeps little, so that a server soon notices that it does not read. */
  static connectNarrow(host: string, port: number, seconds: number): Client {
    const sock = new PosixSocket(host.includes(':') ? AF_INET6 : AF_INET);
    sock.setsockopt(SOL_SOCKET, SO_RCVBUF, NARROW);
    sock.setsockopt(IPPROTO_TCP, TCP_MAXSEG, SEGMENT);
    sock.setblocking(false);
    let failed = sock.connectEx([host, port]);
    if (failed === errno.EINPROGRESS) {
      const [, [ready]] = select([], [sock], [], seconds);
      failed = ready ? sock.getsockopt(SOL_SOCKET, SO_ERROR) : errno.ETIMEDOUT;
    }
    if (failed) {
      sock.close();
      throw new OSError(failed, 'connect', { address: [host, port] });
    }
    return new Client(new Socket({ fd: sock.detach() }));
  }

  /** @param text a character for each byte */
  say(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Reads no more: what comes stays in the kernel, as much as it keeps. */
  turnDeaf(): void {
    this.#socket.pause();
  }

  /** Ends the stream; what the other end still sends is read. */
  leave(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
