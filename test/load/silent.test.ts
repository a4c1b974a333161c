/** Many clients that never read: what waits for them is bounded. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { needs } from '../support/needs.js';
import { startServer, until } from '../support/process.js';
import { clientsOf, SERVERS } from '../support/servers.js';

/** How long they may take on a busy machine. */
const CROWD_MS = 280_000;

const programs = SERVERS.filter(({ name, program }) => name === program);

/** 900 clients that never read, and one that says 3.4 MB; it reads what it is sent itself. */
const SILENT = `
silent = [client(b'r%d' % i, rcvbuf=4096) for i in range(900)]
talker = client(b'talker')
def read_on():
    try:
        while talker.recv(2**16): pass
    except OSError: pass
threading.Thread(target=read_on, daemon=True).start()
`;

needs('Linux').for(programs)('$program: 900 that never read, 3.4 MB said', async (kind) => {
  const server = await startServer(kind.program, kind.args);
  const mebibytes = (field: string) => {
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  };
  const peer = clientsOf(kind, server);
  await peer.run(SILENT, null, CROWD_MS);
  await until('all have come', () => server.stdout.match(kind.came)?.length === 901);
  const before = mebibytes('VmRSS');
  await peer.run("for n in range(400): talker.sendall(b'x' * 8499 + b'\\n')", null, CROWD_MS);
  await peer.run('talker.shutdown(socket.SHUT_WR)');
  await until('the talker has left', () => server.stdout.match(kind.left));
  const peak = mebibytes('VmHWM');
  await peer.run('for s in silent: s.close()');
  await until('all have left', () => server.stdout.match(kind.left)?.length === 901);
  const after = mebibytes('VmRSS');
  console.log(
    `${kind.program}: ${before.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB, ${after.toFixed(0)} MiB when they have gone`,
  );
  // What waits for all together is 64 MiB at most; how much a process has before is Node's own.
  expect(peak - before).toBeLessThan(80);
});
