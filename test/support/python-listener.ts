/** A server for our clients that is told what to do step by step. */
import { PythonShell } from './python-shell.js';

/**
 * A Python that listens on `listener`, with little room for what it has not read yet. `accept()` waits for the next
 * connection, `get(conn, n)` for n bytes, `all(conn)` for the text up to the end.
 */
export async function listen(): Promise<{ python: PythonShell; port: number }> {
  const python = new PythonShell();
  const port = await python.run<number>(`
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.settimeout(30)
    listener.bind(('127.0.0.1', 0))
    listener.listen()

    def accept():
        conn = listener.accept()[0]
        conn.settimeout(30)
        return conn

    def get(conn, n):
        data = b''
        while len(data) < n and (piece := conn.recv(n - len(data))): data += piece
        return data

    def all(conn):
        data = b''
        while piece := conn.recv(4096): data += piece
        return data.decode()

    result = listener.getsockname()[1]
  `);
  return { python, port };
}

/** A port that refuses connections while the test runs. */
export async function refusingPort(): Promise<number> {
  return await new PythonShell().run<number>(
    "s = socket.socket(); s.bind(('127.0.0.1', 0)); result = s.getsockname()[1]",
  );
}
