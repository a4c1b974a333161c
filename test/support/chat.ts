/** What the tests of chatserver and chatclient share. */
import type { SpawnOptions } from 'node:child_process';
import { type Process, startServer } from './peers.js';
import { PythonShell } from './python-shell.js';

/** Python, with its backslashes. */
export const py = String.raw;

export const DASHES = '-'.repeat(37);
export const QUESTION = 'Please enter your screen name:\n';
export const WELCOME = `${DASHES}\nWelcome to the Hackbright Chat Server\n${DASHES}\n${QUESTION}`;

/** Types lines on a program's keyboard. */
export function type({ child }: Process, ...lines: string[]): void {
  child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
}

const GUESTS = py`
  class Guest:
      def __init__(self, *pieces):
          self.sock = connect(port)
          self.heard = b''
          for piece in pieces: self.sock.sendall(piece)

      def until(self, text):
          while text not in self.heard:
              piece = self.sock.recv(65536)
              if not piece: raise EOFError(self.heard)
              self.heard += piece

      def all(self):
          while piece := self.sock.recv(65536): self.heard += piece
          return self.heard.decode(errors='replace')

      def leave(self):
          self.sock.shutdown(socket.SHUT_WR)
          return self.all()
`;

/**
 * `slowly(sock, *pieces)` sends them 120 ms apart, and says whether all came less than 200 ms after the one before:
 * a busy machine may have delayed one.
 */
export const SLOWLY = py`
  def slowly(sock, *pieces):
      sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      in_time, last = True, None
      for piece in pieces:
          if last: select.select([], [], [], 0.12)
          begin = time.monotonic()
          sock.sendall(piece)
          in_time = in_time and time.monotonic() - (last or begin) < 0.19
          last = begin
      return in_time
`;

/**
 * A chatserver and a Python at its door, with `Guest(*pieces)`: a client that has sent the pieces, and keeps all
 * that it hears.
 */
export async function openRoom(
  args: string[] = [],
  options: SpawnOptions = {},
): Promise<{ server: Process & { port: number }; python: PythonShell }> {
  const python = new PythonShell();
  const [server] = await Promise.all([
    startServer('chatserver', [0, ...args], options),
    python.run(GUESTS),
    python.run(SLOWLY),
  ]);
  await python.run('port = args', server.port);
  return { server, python };
}
