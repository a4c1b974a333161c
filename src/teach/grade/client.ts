/** The grader's end of a connection: a client of the student's server, or the server of the student's client. */
import { connect, type Socket } from 'node:net';

export class Client {
  /** All bytes that have come, as latin1: a character for each. */
  received = '';
  /** Bytes of a flood that the kernel has taken. */
  flooded = 0;
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

  /** @throws of code ECONNREFUSED … */
  static connect(host: string, port: number): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port }, () => {
        socket.off('error', reject);
        resolve(new Client(socket));
      });
      socket.once('error', reject);
    });
  }

  /** @param text a character for each byte */
  say(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Sends so many bytes, as fast as they are taken. */
  flood(bytes: number): void {
    const piece = Buffer.alloc(65_536, 'x');
    const send = () => {
      if (this.flooded >= bytes) return;
      this.#socket.write(piece, (err) => {
        if (err) return;
        this.flooded += piece.length;
        send();
      });
    };
    send();
  }

  /** Reads no more: what comes stays in the kernel's buffers, until they are full. */
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
