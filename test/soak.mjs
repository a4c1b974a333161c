#!/usr/bin/env node
/**
 * `npm run soak -- [--seconds 600]`: all five servers under clients that come, go, reset, stall and flood, beside two
 * clients that talk all the time. In the end nothing that the two said may be missing, and each server must have as
 * many descriptors and about as much memory as at its beginning. Needs Linux (/proc) and a build.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    only: { type: 'string' },
    cli: { type: 'string' },
    patience: { type: 'string', default: '60' },
  },
});
/** `--cli FILE` soaks another command line: that the soak finds faults is tested on one that has some. */
const CLI = values.cli ?? fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const SECONDS = Number(values.seconds);

/** Milliseconds between two messages of a talker, and between two of the other clients' acts. */
const TALK_MS = 5;
const ACT_MS = 20;

/** Clients beside the talkers, at most. */
const MAX_VISITORS = 60;

/** MiB by which memory may grow from the middle of the run to its end: a leak of a few bytes a connection shows. */
const MAX_GROWTH_MIB = 24;

/** `line`: a message as bytes; `heard`: the numbers of a talker's messages in what the other has received. */
const SERVERS = [
  {
    name: 'select-server',
    args: [0],
    line: (n) => `${n};`,
    // The server answers nobody: its stdout shows what each client has sent.
    heard: ({ port }, _, stdout) =>
      [...stdout.matchAll(new RegExp(`', ${port}\\) \\d+ bytes: b'(.*)'`, 'g'))]
        .map(([, text]) => text)
        .join(''),
  },
  {
    name: 'srv',
    greets: true,
    args: ['127.0.0.1', 0, '--framing', 'line'],
    line: (n) => `${n};\n`,
    heard: fromOther(/\] (\d+;)\n/g),
  },
  {
    name: 'talk-server',
    greets: true,
    args: ['-p', 0],
    line: (n, { name }) => `${name} says: ${n};`,
    heard: fromOther(/says: (\d+;)/g),
  },
  {
    name: 'chatserver',
    args: [0],
    hello: ({ name }) => `${name}\n`,
    line: (n) => `${n};\n`,
    heard: (talker, other) => fromOther(new RegExp(`${talker.name}::(\\d+;)\\n`, 'g'))(talker, other),
  },
  {
    name: 'multiconn-server',
    args: ['127.0.0.1', 0],
    line: (n) => `${n};`,
    heard: (talker) => talker.received,
  },
];

function fromOther(pattern) {
  return (_, other) => [...other.received.matchAll(pattern)].map(([, number]) => number).join('');
}

/** A client that talks all the time and keeps what it receives. */
class Talker {
  received = '';
  said = 0;

  constructor(name, socket) {
    this.name = name;
    this.socket = socket;
    this.port = socket.localPort;
    socket
      .setNoDelay(true)
      .setEncoding('latin1')
      .on('data', (data) => {
        this.received += data;
      });
    socket.on('error', () => {});
  }
}

const random = (max) => Math.floor(Math.random() * max);

/** What the other clients do, each with a socket of its own. */
const ACTS = {
  leaves: (socket) => socket.resume().end('hello'),
  resets: (socket) => socket.write('hello', () => socket.resetAndDestroy()),
  'half-closes': (socket) => socket.end('x\n').resume(),
  stalls: (socket) => {
    socket.pause();
    socket.write('x\n'.repeat(1000));
    setTimeout(() => socket.destroy(), 1000 + random(3000));
  },
  floods: (socket) => socket.resume().write('x'.repeat(100_000), () => socket.destroy()),
  'sends bytes one by one': async (socket) => {
    socket.resume().setNoDelay(true);
    for (const byte of 'one by one\n') {
      if (!socket.writable) return;
      socket.write(byte);
      await pause(2);
    }
    socket.end();
  },
};

class Soak {
  constructor(kind) {
    this.kind = kind;
    this.stdout = '';
    this.stderr = '';
    this.talkers = [];
    this.visitors = new Set();
    this.acts = 0;
    this.samples = [];
  }

  async start() {
    this.child = spawn(process.execPath, [CLI, this.kind.name, ...this.kind.args.map(String)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const isSelectServer = this.kind.name === 'select-server';
    this.child.stdout.setEncoding('latin1').on('data', (data) => {
      // Of select-server only the talkers' lines are kept: those of the others would fill this process's memory.
      this.stdout += data;
      if (isSelectServer || this.stdout.length > 100_000) this.#trim();
    });
    this.child.stderr
      .setEncoding('latin1')
      .on('data', (data) => (this.stderr = (this.stderr + data).slice(-10_000)));
    while (!/^listening on .*:(\d+);/m.test(this.stderr)) {
      if (this.child.exitCode !== null) throw new Error(`${this.kind.name} has ended: ${this.stderr}`);
      await pause(5);
    }
    this.port = Number(/^listening on .*:(\d+);/m.exec(this.stderr)[1]);
    for (const name of ['ann', 'bob']) await this.#addTalker(name);
    this.fds = this.#openFds();
  }

  #trim() {
    if (this.kind.name !== 'select-server') {
      this.stdout = this.stdout.slice(-1000);
      return;
    }
    const ports = this.talkers.map(({ port }) => `', ${port})`);
    const lines = this.stdout.split('\n');
    const last = lines.pop();
    this.kept =
      (this.kept ?? '') + lines.filter((line) => ports.some((port) => line.includes(port))).join('\n');
    this.kept += '\n';
    this.stdout = last;
  }

  async #addTalker(name) {
    const socket = connect(this.port, '127.0.0.1');
    await once(socket, 'connect');
    const talker = new Talker(name, socket);
    this.talkers.push(talker);
    if (this.kind.hello) {
      socket.write(this.kind.hello(talker));
      while (!talker.received.includes(`${name} logged in`)) await pause(5);
    } else if (this.kind.greets) {
      while (talker.received === '') await pause(5);
    } else {
      // Nothing greets it, so its first message shows that it has been accepted.
      socket.write(this.kind.line(talker.said++, talker), 'latin1');
      while (this.kind.heard(talker, talker, `${this.kept ?? ''}${this.stdout}`) === '') await pause(5);
    }
  }

  #openFds() {
    return readdirSync(`/proc/${this.child.pid}/fd`).length;
  }

  memoryMib() {
    return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]) / 1024;
  }

  talk() {
    for (const talker of this.talkers) talker.socket.write(this.kind.line(talker.said++, talker), 'latin1');
  }

  act() {
    if (this.visitors.size >= MAX_VISITORS) return;
    const names = Object.keys(ACTS);
    const socket = connect(this.port, '127.0.0.1');
    this.visitors.add(socket);
    socket.on('error', () => {}).on('close', () => this.visitors.delete(socket));
    socket.once('connect', () => ACTS[names[random(names.length)]](socket));
    this.acts++;
  }

  /** Waits until all has come and only the talkers are left; returns what is not as it should be. */
  async faults() {
    const faults = [];
    const deadline = performance.now() + 1000 * Number(values.patience);
    const expected = ({ said }) => Array.from({ length: said }, (_, n) => `${n};`).join('');
    const heard = (i) =>
      this.kind.heard(this.talkers[i], this.talkers[1 - i], `${this.kept ?? ''}${this.stdout}`);
    const isWhole = (i) => heard(i) === expected(this.talkers[i]);
    while (!(isWhole(0) && isWhole(1) && this.visitors.size === 0 && this.#openFds() <= this.fds)) {
      if (performance.now() > deadline || this.child.exitCode !== null) break;
      await pause(50);
    }
    if (this.child.exitCode !== null)
      return [`it has ended with ${this.child.exitCode}: ${this.stderr.slice(-500)}`];
    for (const i of [0, 1]) {
      const [got, want] = [heard(i).split(';').length - 1, this.talkers[i].said];
      if (!isWhole(i)) faults.push(`${got} of ${want} messages of ${this.talkers[i].name} have come`);
    }
    if (this.#openFds() > this.fds)
      faults.push(`${this.#openFds()} descriptors, at the beginning ${this.fds}`);
    const half = this.samples.slice(this.samples.length >> 1);
    const growth = half.length > 1 ? half.at(-1) - Math.min(...half.slice(0, half.length >> 1)) : 0;
    if (growth > MAX_GROWTH_MIB)
      faults.push(`memory has grown by ${Math.round(growth)} MiB in the second half`);
    return faults;
  }

  async end() {
    for (const { socket } of this.talkers) socket.destroy();
    this.child.kill('SIGINT');
    const [code] = this.child.exitCode === null ? await once(this.child, 'exit') : [this.child.exitCode];
    return code === 0 ? [] : [`Ctrl-C ended it with ${code}`];
  }
}

const soaks = SERVERS.filter(({ name }) => !values.only || name === values.only).map(
  (kind) => new Soak(kind),
);
for (const soak of soaks) await soak.start();
const end = performance.now() + SECONDS * 1000;
const each = (act) => () => {
  for (const soak of soaks) if (soak.child.exitCode === null) act(soak);
};
const timers = [
  setInterval(
    each((soak) => soak.talk()),
    TALK_MS,
  ),
  setInterval(
    each((soak) => soak.act()),
    ACT_MS,
  ),
  setInterval(
    each((soak) => soak.samples.push(soak.memoryMib())),
    500,
  ),
];
while (performance.now() < end && soaks.every(({ child }) => child.exitCode === null)) await pause(100);
for (const timer of timers) clearInterval(timer);

let failed = false;
for (const soak of soaks) {
  const faults = [...(await soak.faults()), ...(await soak.end())];
  const memory = soak.samples.map((mib) => Math.round(mib));
  const quarters = [1, 2, 3, 4].map((n) => memory[Math.ceil((n / 4) * memory.length) - 1]);
  console.log(
    `${soak.kind.name.padEnd(17)} ${soak.acts} visitors, ${2 * soak.talkers[0].said} messages, ` +
      `memory ${memory[0]} MiB, by quarters of the run ${quarters.join(', ')} (peak ${Math.max(...memory)})` +
      `${faults.length === 0 ? ', nothing lost' : ''}`,
  );
  for (const fault of faults) console.log(`  FAULT: ${fault}`);
  failed ||= faults.length > 0;
}
process.exit(failed ? 1 : 0);
