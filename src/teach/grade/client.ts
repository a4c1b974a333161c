/** The grader's end of a connection: a client of the student's server, or the server of the student's client. */
import { EventEmitter } from 'node:events';
import { connect, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
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
import { FLOOD_CHARS } from './watch.js';

/** The receive buffer of a narrow client, and its segments: little is kept for it while it does not read. */
const NARROW_BYTES = 4096;
const SEGMENT_BYTES = 1400;

const RETRY_MS = 2;

/** What a slow reader waits after each piece. */
const READ_PAUSE_MS = 1;

/** Emits 'change' when something has come, or the stream has ended. */
export class Client extends EventEmitter<{ change: [] }> {
  /** The bytes that have come since the last `take()`, as latin1: a character for each. Of a flood only the first are kept. */
  received = '';
  /** Bytes that have come so far, whatever has been made of `received`. */
  receivedBytes = 0;
  /** The other end has closed the connection, or reset it. */
  ended = false;
  /** Of this end. */
  readonly host: string;
  readonly port: number;
  /** what a report calls it: `a client`, `Bob` */
  name = 'a client';
  readonly #socket: Socket;
  #isReading = true;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    this.host = socket.localAddress ?? '127.0.0.1';
    this.port = socket.localPort as number;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      if (!this.isFlooded) this.received += data;
      this.receivedBytes += data.length;
      this.emit('change');
    });
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.ended = true;
        this.emit('change');
      });
    }
    socket.on('error', () => {});
  }

  /** @param isGivenUp ends the attempt @throws of code ECONNREFUSED …; ETIMEDOUT when it was given up */
  static connect(host: string, port: number, isGivenUp: AbortSignal): Promise<Client> {
    return new Promise((resolve, reject) => {
      const giveUp = () => socket.destroy(new OSError(errno.ETIMEDOUT, 'connect', { address: [host, port] }));
      const socket = connect({ host, port }, () => {
        isGivenUp.removeEventListener('abort', giveUp);
        socket.off('error', reject);
        resolve(new Client(socket));
      });
      isGivenUp.addEventListener('abort', giveUp);
      socket.once('error', reject);
    });
  }

  /** With small buffers, so that a server soon notices that it does not read. */
  static async connectNarrow(host: string, port: number, isGivenUp: AbortSignal): Promise<Client> {
    const sock = new PosixSocket(host.includes(':') ? AF_INET6 : AF_INET);
    sock.setsockopt(SOL_SOCKET as number, SO_RCVBUF as number, NARROW_BYTES);
    sock.setsockopt(IPPROTO_TCP as number, TCP_MAXSEG as number, SEGMENT_BYTES);
    sock.setblocking(false);
    let failed = sock.connectEx([host, port]);
    while (failed === errno.EINPROGRESS) {
      const [, [ready]] = select([], [sock], [], 0);
      if (ready) failed = sock.getsockopt(SOL_SOCKET as number, SO_ERROR as number);
      else if (isGivenUp.aborted) failed = errno.ETIMEDOUT as number;
      else await pause(RETRY_MS);
    }
    if (!failed) return new Client(new Socket({ fd: sock.detach() }));
    sock.close();
    throw new OSError(failed, 'connect', { address: [host, port] });
  }

  /** @param text a character for each byte */
  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Takes what has been received, to begin anew. */
  take(): string {
    const text = this.received;
    this.received = '';
    return text;
  }

  /** Nobody has taken what has come, and that is so much that no more is kept. */
  get isFlooded(): boolean {
    return this.received.length > FLOOD_CHARS;
  }

  /** Bytes that it has sent and that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** Reads no more: what comes stays in the kernel's receive queue until that is full. */
  stopReading(): void {
    this.#isReading = false;
    this.#socket.pause();
  }

  readAgain(): void {
    this.#isReading = true;
    this.#socket.resume();
  }

  /** Reads little by little: what comes faster has to wait in the sender, whose send() then takes only a part. */
  readSlowly(): void {
    this.#socket.on('data', () => {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), READ_PAUSE_MS);
    });
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
