/** A listener whose accept(2) never blocks, fails or spins. */
import { FD_SETSIZE } from '../fdset.js';
import { OSError } from '../posix/errors.js';
import { repr } from '../repr.js';
import { select } from '../select.js';
import { type Address, AF_UNIX, createServer, type ServerOptions, Socket } from '../socket.js';
import { warn } from './terminal.js';

/** How many connections one `acceptAll` accepts: a flood of them must not delay the loop's other peers. */
const MAX_ACCEPTS = 16;

/** How long to wait where no connection can be accepted: the listener stays readable, and the loop would spin. */
const PAUSE_S = 0.05;

/** Errors of the connection, not of the listener: man 2 accept, ERRORS and Error handling. */
const CONNECTION_LOST = new Set([
  ...['ECONNABORTED', 'ECONNRESET', 'ETIMEDOUT', 'EPROTO', 'EPROTOTYPE', 'EPERM', 'EINTR', 'ENETDOWN'],
  ...['ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENOPROTOOPT', 'ENONET', 'EOPNOTSUPP', 'ENOTSUP'],
  ...['ENOSR', 'ESOCKTNOSUPPORT', 'EPROTONOSUPPORT'],
]);

/** Errors of a process or a system that has no descriptor or no memory left. */
const NO_ROOM = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** A listening socket that neither blocks nor fails nor spins in accept(2), whatever the peers do. */
export class Listener extends Socket {
  /** A descriptor in reserve: when no other is left, it is closed, to accept a connection and close that at once. */
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
   * Accepts the connections that are waiting, up to 16. A connection that there is no room for is closed at once,
   * with a line on stderr.
   *
   * @param fdEnd what a connection's descriptor must be below: FD_SETSIZE for a loop on select()
   */
  *acceptAll(fdEnd: number = FD_SETSIZE): Generator<[conn: Socket, address: Address]> {
    if (typeof fdEnd !== 'number' || Number.isNaN(fdEnd)) throw new TypeError('fdEnd must be a number');
    let lost = 0;
    for (let n = 0; n < MAX_ACCEPTS; n++) {
      try {
        this.#spare ??= spareSocket(); // before a connection gets the last descriptor
        const [conn, address] = this.accept();
        // macOS has no address for a peer that has gone already: of AF_UNIX alone is an empty one an address.
        if (address === '' && this.family !== AF_UNIX) conn.close();
        else if (conn.fileno() < fdEnd) yield [conn, address];
        else closeAtOnce(conn, address, `select() takes descriptors below ${fdEnd}`);
      } catch (err) {
        if (!(err instanceof OSError)) throw err;
        if (err.code === 'EAGAIN') return;
        if (NO_ROOM.has(err.code)) {
          if (!this.#acceptToClose(err)) return;
        } else if (!CONNECTION_LOST.has(err.code)) {
          throw err;
        } else {
          lost += 1;
        }
      }
    }
    if (lost === MAX_ACCEPTS) select([], [], [], PAUSE_S); // it may be the same error for ever
  }

  override detach(): number {
    this.#spare?.close();
    return super.detach();
  }

  /**
   * Accepts a connection with the spare descriptor, only to close it. Without a descriptor left accept(2) fails
   * even when no connection waits: this also finds out whether one does.
   *
   * @returns whether a connection was waiting
   */
  #acceptToClose(reason: OSError): boolean {
    this.#spare?.close();
    try {
      const [conn, address] = this.accept();
      closeAtOnce(conn, address, reason.message);
      return true;
    } catch (err) {
      if (!(err instanceof OSError)) throw err;
      if (NO_ROOM.has(err.code)) select([], [], [], PAUSE_S);
      return false;
    } finally {
      this.#spare = spareSocket();
    }
  }
}

function closeAtOnce(conn: Socket, address: Address, reason: string): void {
  conn.close();
  warn(`${repr(address)}: closed at once: ${reason}`);
}

function spareSocket(): Socket | null {
  try {
    return new Socket(AF_UNIX);
  } catch {
    return null;
  }
}
