/** A server whose stdout nobody reads: its clients do not notice, and Ctrl-C ends it. */
import { closeSync } from 'node:fs';
import { pipe } from 'posix-select/socket';
import { expect, onTestFinished, test } from 'vitest';
import { type Process, startServer } from '../support/process.js';
import { clientsOf, SERVERS, type Server } from '../support/servers.js';

const programs = SERVERS.filter(({ name, program }) => name === program);

test.for(programs)('a stdout that nobody reads delays nobody in $name, nor Ctrl-C', async (kind) => {
  const server = await stalled(kind);
  const python = clientsOf(kind, server);
  await python.run("a, b = client(b'a'), client(b'b')");
  // More than a pipe takes.
  await python.run(`
    f = client(b'f')
    f.settimeout(None)
    def hear():
        while f.recv(65536): pass
    threading.Thread(target=hear, daemon=True).start()
    for i in range(2000): f.sendall(b'a line of text for stdout' + END)
  `);
  if (kind.reach !== 'nobody') {
    await python.run(`
      a.sendall(b'still here' + END)
      until(a if S['reach'] == 'self' else b, b'still here')`);
  }
  expect((await server.end('SIGINT')).exit).toBe(0); // 130 if its loop could not end
});

/** A server whose stdout is a pipe that nobody reads. */
async function stalled(kind: Server): Promise<Process & { port: number }> {
  const [reader, stdout] = pipe();
  onTestFinished(() => closeSync(reader));
  const server = await startServer(kind.program, kind.args, { stdio: ['pipe', stdout, 'pipe'] });
  closeSync(stdout);
  return server;
}
