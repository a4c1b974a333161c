/** Ports to listen on. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { OSError } from '../../posix/errors.js';
import { Socket } from '../../socket.js';

export async function freePort(): Promise<number> {
  const server = createServer();
  await listening(server, 0);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @throws OSError */
export async function listening(server: Server, port: number): Promise<void> {
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (err) {
    throw OSError.from(err, { address: ['127.0.0.1', port] });
  }
}

/** Whether a listener on :: takes no IPv4: the port is free for another one then. */
export function isFreeForIPv4(port: number): boolean {
  const sock = new Socket();
  try {
    sock.bind(['127.0.0.1', port]);
    return true;
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
    return false;
  } finally {
    sock.close();
  }
}
