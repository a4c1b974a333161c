/** A peer whose host drops off the network: two hosts in namespaces, with a link between them that can be cut. */
import { expect } from 'vitest';
import { needs } from '../support/needs.js';
import { CLI, Process, until } from '../support/process.js';
import { Python } from '../support/python.js';
import { SERVERS } from '../support/servers.js';

/** On the near host a neighbour that does not answer is given up at once, and a connection to it soon. */
const HOSTS = `
set -e
ip link set lo up
unshare -n sh -c 'echo far $$; exec cat' <&0 &
far=$!
until nsenter -t $far -n ip link show near >/dev/null 2>&1; do
  ip link show near >/dev/null 2>&1 || ip link add name near type veth peer name far
  ip link set far netns $far && break
done
ip addr add 10.9.9.1/24 dev near
ip link set near up
nsenter -t $far -n ip addr add 10.9.9.2/24 dev far
nsenter -t $far -n ip link set far up
cd /proc/sys/net/ipv4
echo 3 > tcp_retries2
cd neigh/near
echo 1 > mcast_solicit; echo 1 > ucast_solicit; echo 100 > retrans_time_ms
echo 100 > base_reachable_time_ms; echo 0 > delay_first_probe_time
echo ready
exec cat
`;

const on = (pid: number) => ['nsenter', '-t', String(pid), '-U', '--preserve-credentials', '-n'];

/** `come(host, S)` is a client that is at home with the server S. */
const CLIENTS = `
kept = {}

def come(host, S, name):
    s = connect(S['port'], host)
    heard = b''
    while S['greeting'].encode() not in heard: heard += s.recv(1000)
    if S['named']:
        s.sendall(name + b'\\n')
        while name + b' logged in\\n' not in heard: heard += s.recv(1000)
    return s

def hear(s, text):
    heard = b''
    while text not in heard: heard += s.recv(1000)
`;

needs(
  'Linux',
  'unshare',
  'ip',
)('a host that drops off the network is one peer gone, and no more', async () => {
  const near = new Process('unshare', ['-rn', 'bash', '-c', HOSTS]);
  await near.out(/^ready$/m);
  const [, far] = await near.out(/^far (\d+)$/m);
  const here = new Python({ within: on(near.pid) });
  const there = new Python({ within: on(Number(far)) });
  await Promise.all([here, there].map((shell) => shell.run(CLIENTS)));

  // One that sends nothing never learns of it.
  const kinds = SERVERS.filter(({ reach }) => reach !== 'nobody');
  const servers = await Promise.all(
    kinds.map(async (kind) => {
      const args = kind.args.map((arg) => (arg === '127.0.0.1' ? '0.0.0.0' : String(arg)));
      if (!args.includes('0.0.0.0')) args.push('--host', '0.0.0.0');
      const [command = '', ...rest] = [...on(near.pid), process.execPath, CLI, kind.program, ...args];
      const server = new Process(command, rest);
      const [, port] = await server.err(/^listening on .*:(\d+);/m);
      return { server, kind: { ...kind, port: Number(port) } };
    }),
  );
  for (const { kind } of servers) {
    await here.run("kept[args['name']] = [come('127.0.0.1', args, name) for name in (b'ann', b'bob')]", kind);
    // Echoes that are not read are what an echo server has to send to it.
    await there.run(
      `
s = come('10.9.9.1', args, b'mallory')
while args['reach'] == 'self' and select.select([], [s], [], 0.5)[1]: s.send(b'x' * 65536, socket.MSG_DONTWAIT)
kept[args['name']] = s`,
      kind,
    );
  }
  await there.run("os.system('ip link set far down')");

  const talk = (kind: object, text: string) =>
    here.run(
      `
S, text = args
ann, bob = kept[S['name']]
ann.sendall((text + S['end']).encode())
hear(ann if S['reach'] == 'self' else bob, text.encode())`,
      [kind, text],
    );
  await Promise.all(servers.map(({ kind }) => talk(kind, 'still here')));
  for (const { server, kind } of servers) {
    await until(`${kind.name} has noticed`, () => server.hasEnded || server.stdout.match(GONE));
    await talk(kind, 'and now');
    expect(await server.end('SIGINT'), server.stderr).toMatchObject({ exit: 0 });
  }
});

/** What the servers print once a peer has gone. */
const GONE =
  /^< The user 10\.9\.9\.2|10\.9\.9\.2.* disconnected$|^client disconnecting$|^Closing .*10\.9\.9\.2/m;
