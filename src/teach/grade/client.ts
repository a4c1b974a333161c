/** A client of the student's server. */
import { connect, type Socket } from 'node:net';

export class Client {
  /** All bytes that have come, as latin1: a character for each. */
  received = '';
  /** The server has closed the connection, or reset it. */
  ended = false;
  /** The client's own. */
  readonly port: number;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
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

  /** Ends the stream; what the server still sends is read. */
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
