/** A server's door: accept(2) as a loop needs it. */
import { FD_SETSIZE } from '../fdset.js';
import { OSError } from '../posix/errors.js';
import { repr } from '../repr.js';
import { select } from '../select.js';
import { type Address, AF_UNIX, createServer, type ServerOptions, Socket } from '../socket.js';
import { warn } from './terminal.js';

/** How many connections come in at one go: a flood of them must not keep the others waiting. */
const AT_ONCE = 16;

/** Seconds to wait where no connection can be accepted, so as not to spin on a listener that stays readable. */
const PAUSE = 0.05;

/** The connection is lost, not the listener (man 2 accept, ERRORS). */
const LOST = new Set(['ECONNABORTED', 'EPROTO', 'EPERM', 'EINTR', 'ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH']);

const NO_ROOM = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** A listening socket that neither blocks nor fails nor spins in accept(2), whatever the peers do. */
export class Listener extends Socket {
  /** A descriptor held back, to accept with when there is no other, and so to turn a peer away. */
  #spare: Socket | null = null;

  /**
   * @param address `[host, port]`, port 0 for a free one
   * @throws OSError as `createServer`
   */
  constructor(address: Address, options: ServerOptions = {}) {
    const server = createServer(address, { dualstackIpv6: true, ...options });
    super(server.family, server.type, server.proto, server.detach());
    try {
      this.setblocking(false);
      this.#spare = new Socket(AF_UNIX);
    } catch (err) {
      this.close();
      throw err;
    }
  }

  /**
   * Accepts the connections that are waiting. One that there is no room for is closed at once, with a line on
   * stderr.
   *
   * @param fdEnd what a connection's descriptor must be below: FD_SETSIZE for a loop on select()
   */
  *acceptAll(fdEnd: number = FD_SETSIZE): Generator<[conn: Socket, address: Address]> {
    if (typeof fdEnd !== 'number' || Number.isNaN(fdEnd)) throw new TypeError('fdEnd must be a number');
    for (let n = 0; n < AT_ONCE; n++) {
      try {
        this.#spare ??= spareSocket(); // before a connection gets the last one
        const [conn, address] = this.accept();
        if (conn.fileno() < fdEnd) {
          yield [conn, address];
        } else {
          conn.close();
          warn(`${repr(address)}: turned away: select() takes descriptors below ${fdEnd}`);
        }
      } catch (err) {
        if (!(err instanceof OSError)) throw err;
        if (err.code === 'EAGAIN') return;
        if (NO_ROOM.has(err.code)) {
          if (!this.#turnAway(err)) return;
        } else if (!LOST.has(err.code)) {
          throw err;
        }
      }
    }
  }

  override detach(): number {
    this.#spare?.close();
    return super.detach();
  }

  /**
   * Accepts with the descriptor held back, only to close. Without a descriptor left accept(2) fails even when
   * nobody waits, so this is also how to find that out.
   *
   * @returns whether there was somebody
   */
  #turnAway(reason: OSError): boolean {
    this.#spare?.close();
    try {
      const [conn, address] = this.accept();
      conn.close();
      warn(`${repr(address)}: turned away: ${reason.message}`);
      return true;
    } catch (err) {
      if (!(err instanceof OSError)) throw err;
      if (NO_ROOM.has(err.code)) select([], [], [], PAUSE);
      return false;
    } finally {
      this.#spare = spareSocket();
    }
  }
}

function spareSocket(): Socket | null {
  try {
    return new Socket(AF_UNIX);
  } catch {
    return null;
  }
}
