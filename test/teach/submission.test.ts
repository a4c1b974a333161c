/** Programs that the grader runs: what it reads of them, and what is left of them. */
import { mkdtempSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Strangers } from '../../dist/teach/grade/members.js';
import { needs } from '../support/needs.js';
import { CLI, nodeArgs, Process } from '../support/process.js';
import { close, command, workshop } from '../support/zoo.js';

const dist = new URL('../../dist/teach/grade/', import.meta.url);

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

/** The processes that have a folder as their working directory. */
function processesIn(cwd: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === cwd;
    } catch {
      return false; // it has none: it is no process any more, or none at all
    }
  });
}

/** Runs a piece of code with the grader's parts to its end. */
async function execute(code: string) {
  const cwd = mkdtempSync(join(folder, 'part-'));
  const imports = `
    import { spawn } from 'node:child_process';
    import { setTimeout as pause } from 'node:timers/promises';
    import { Run } from '${dist}run.js';
    import { Submission } from '${dist}submission.js';
    const until = async (condition) => { while (!condition()) await pause(5); };`;
  const part = new Process(process.execPath, nodeArgs(imports + code), { cwd });
  return { exit: await part.exit, stdout: part.stdout, stderr: part.stderr, cwd };
}

test('it does not wait for a terminal that somebody else fills', async () => {
  // With a child of its own it cannot tell whose an orphan is, and leaves it alone.
  const { stdout } = await execute(`
    const child = spawn('cat');
    const program = new Submission(['sh', '-c', 'env -i setsid yes &']);
    await until(() => program.ended && program.stdout.includes('y'));
    await program.destroy();
    console.log(program.ended, child.exitCode);
    child.kill();`);
  expect(stdout).toBe('exit code 0 null\n');
});

test('it keeps the end of what is printed', async () => {
  const script = 'import os; [os.write(fd, 2_000_000 * b"." + b"end") for fd in (1, 2)]';
  const { stdout } = await execute(`
    const program = new Submission(['python3', '-c', '${script}']);
    await until(() => program.stderr.endsWith('end') && program.stdout.endsWith('end'));
    console.log(program.stdout.length < 1e6, program.stderr.length < 1e6, program.complaint.length < 1000);
    await program.destroy();`);
  expect(stdout).toBe('true true true\n');
});

test('a program that prints without end wakes those who wait only at first', async () => {
  const { stdout } = await execute(`
    const program = new Submission(['yes']);
    let toldChars = 0;
    program.on('change', () => { toldChars = program.printedChars; });
    await until(() => program.printedChars > 3_000_000);
    console.log(toldChars > 0, toldChars <= 1_000_000);
    await program.destroy();`);
  expect(stdout).toBe('true true\n');
});

test('a wait ends, however often something happens, and though its condition looks at the program itself', async () => {
  const { stdout } = await execute(`
    const run = new Run({ command: ['sleep', '1000'], timeoutS: 1 });
    await run.start();
    const happens = () => { if (run.isRunning) setImmediate(happens); run.program.emit('change'); };
    happens();
    const samples = new Set();
    const found = await run.until(() => {
      run.threads();
      return samples.add(run.samples.at(-1)).size > 2000 && 'it has no end';
    });
    console.log(found);
    await run.stop();`);
  expect(stdout).toBe('undefined\n');
});

test('a program that has sent much, and sends no more, has its time to end', async () => {
  const script = `import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
conn, address = listener.accept()
conn.sendall(17_000_000 * b"x")
try: time.sleep(1000)
except KeyboardInterrupt: time.sleep(0.2)`;
  const { stdout } = await execute(`
    const run = new Run({ command: ['python3', '-c', ${JSON.stringify(script)}, '{port}'], timeoutS: 2 });
    await run.startServer();
    const client = await run.connect();
    await until(() => client.receivedBytes === 17_000_000);
    await run.pauses(); // a signal that comes just before the sleep does not end it: Python hears of it behind that
    const { isIgnored } = await run.interrupt();
    console.log(client.isFlooded, client.received.length < 17_000_000, isIgnored);
    await run.stop();`);
  expect(stdout).toBe('true true false\n');
});

const IDS = [3, 100, 200, 300];

test.each([
  ['goes on', 145, [3, 100, 200]],
  ['goes on, past one that was there', 205, [3, 100]],
  ['begins anew', 50, [100]],
  ['begins anew, and has come far', 99, [100]],
  ['is not to be seen', undefined, []],
])(
  'an id that may have come to another process is a stranger no more: the counting %s',
  (_, newest, left) => {
    const strangers = new Strangers({ ids: IDS, newest: 100 });
    const all = [3, 100, 200, 1000]; // 300 has ended
    expect(strangers.renew(newest, false, () => all)).toEqual(all);
    expect([...strangers.ids]).toEqual(left);
    expect(strangers.newest).toBe(newest);
  },
);

test('a few new ids are looked at alone, and a few times: what has one may be in the making', () => {
  const strangers = new Strangers({ ids: [...IDS, 102], newest: 100 });
  const asked = (newest: number, isThorough = false) => strangers.renew(newest, isThorough, () => IDS);
  expect(asked(103)).toEqual([103, 102, 101]);
  expect([...strangers.ids]).toEqual(IDS);
  expect(asked(103)).toEqual([103, 102, 101]);
  expect(asked(104)).toEqual([104, 103, 102, 101]);
  expect(asked(104)).toEqual([104, 103, 102, 101]);
  expect(asked(104)).toEqual([104]);
  expect(asked(104, true)).toEqual(IDS);
});

needs('bwrap')('what was adopted of it is reaped, and it is told how its own child ended', async () => {
  const { stdout, stderr } = await execute(`
    import { readdirSync, readFileSync } from 'node:fs';
    import { findIsolation } from '${dist}isolation.js';
    import { endOrphans } from '${dist}members.js';
    const isolation = findIsolation();
    for (let i = 0; i < 5; i++) {
      const program = new Submission(['sh', '-c', 'sleep 1000 & exit 7'], isolation);
      await until(() => program.ended);
      await program.destroy();
      console.log(program.ended);
    }
    await endOrphans();
    const children = readdirSync('/proc').filter((pid) => {
      try {
        return readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ').at(-1).split(' ')[1] === String(process.pid);
      } catch {}
    });
    console.log(children.length);`);
  expect({ stdout, stderr }).toEqual({ stdout: `${'exit code 7\n'.repeat(5)}0\n`, stderr: '' });
});

test('ending it twice closes nothing of somebody else', async () => {
  const { stdout, stderr } = await execute(`
    const [first, second] = [0, 1].map(() => new Submission(['sleep', '1000']));
    await first.destroy();
    const third = new Submission(['sh', '-c', 'sleep 0.2; echo it lives; sleep 1000']);
    await first.destroy();
    await first.drain();
    await until(() => third.stdout.includes('it lives'));
    for (const program of [second, third]) await program.destroy();
    console.log('all');`);
  expect({ stdout, stderr }).toEqual({ stdout: 'all\n', stderr: '' });
});

test('an error of its own leaves nothing behind', async () => {
  const { exit, stderr, cwd } = await execute(`
    const program = new Submission(['sleep', '1000']);
    setTimeout(() => { throw new Error('its own') });`);
  expect(exit).toBe(1);
  expect(stderr).toMatch(/its own/);
  expect(processesIn(cwd)).toEqual([]);
});

needs('IPv6 on loopback')('a server on :: that takes no IPv4 gets its clients', async () => {
  const server = command(folder, 'v6only.py').concat('{port}');
  const { stdout, stderr } = await execute(`
    const run = new Run({ command: ${JSON.stringify(server)}, timeout: 2 });
    await run.startServer();
    const client = await run.connect();
    client.send('hello');
    console.log(await run.until(() => client.received));
    await run.end(false);`);
  expect({ stdout, stderr }).toEqual({ stdout: 'hello\n', stderr: '' });
});

const LATE = `import socket, sys, time
conn, _ = socket.create_server(("127.0.0.1", int(sys.argv[1]))).accept()
conn.sendall(b"wrong")
time.sleep(0.3)
while conn.recv(4096): pass`;

test('a server that reads a little late is not one that does not read', async () => {
  const { stdout } = await execute(`
    const run = new Run({ command: ['python3', '-c', ${JSON.stringify(LATE)}, '{port}'], timeout: 20 });
    await run.startServer();
    const client = await run.connect();
    client.send('hello');
    console.log(await run.receives(client, 'right', '').catch(({ finding }) => finding.seen));
    await run.end(false);`);
  expect(stdout).toBe('it received "wrong"\n');
});

test.each([1, 2])(
  'a program that prints without end is running: it waits for nothing on descriptor %i',
  async (fd) => {
    const script = `import os\nwhile True: os.write(${fd}, 50_000 * b'.\\n')`;
    const { stdout } = await execute(`
    const program = new Submission(['python3', '-c', ${JSON.stringify(script)}]);
    await until(() => program.printedChars > 1e6);
    const calls = new Set();
    for (let i = 0; i < 50; i++) {
      for (const { call } of program.sample()) calls.add(call);
      await pause(1);
    }
    console.log(...calls);
    await program.destroy();`);
    expect(stdout).toBe('running\n');
  },
);

/** Starts a grader in a folder of its own, and so all that it starts. */
function grade(...command: string[]) {
  const cwd = mkdtempSync(join(folder, 'graded-'));
  const args = [CLI, 'grade', 'select-server', '--', ...command, '{port}'];
  return { cwd, grader: new Process(process.execPath, args, { cwd }) };
}

test('a server in a busy loop is seen to do nothing else, by the processor time that it has used', async () => {
  const start = JSON.stringify([...command(folder, 'multiconn_server.py'), '127.0.0.1', '{port}']);
  const { stdout, stderr } = await execute(`
    const run = new Run({ command: ${start}, timeoutS: 60 });
    await run.startServer();
    const client = await run.connect();
    client.send('hello');
    await run.until(() => client.received === 'hello');
    const cpuMs = () => [...run.samples.at(-1).schedules.values()].reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    const before = cpuMs();
    await run.settle();
    const used = cpuMs() - before;
    console.log(used > 100 && used < 2000 ? 'soon' : used, run.isRunning);
    await run.end(false);`);
  expect(stderr).toBe('');
  expect(stdout).toBe('soon true\n');
});

test('its last words are read, though it ended with them', async () => {
  const { stdout } = await execute(`
    for (let i = 0; i < 20; i++) {
      const run = new Run({ command: ['sh', '-c', 'seq 3000; echo it ends'], timeout: 2 });
      await run.start();
      while (!run.program.ended) await new Promise(setImmediate);
      await run.prints('it ends', '');
      await run.end(false);
    }
    console.log('all');`);
  expect(stdout).toBe('all\n');
});

needs('root')('Ctrl-C comes to what su(1) has started', async () => {
  const { stdout } = await execute(`
    const program = new Submission(['su', 'nobody', '-s', '/bin/sh', '-c', 'echo ready; exec sleep 1000']);
    await until(() => program.stdout.includes('ready'));
    program.interrupt();
    await until(() => program.ended);
    console.log(program.ended, program.members().length);
    await program.destroy();`);
  expect(stdout).toMatch(/^(signal SIGINT|exit code 130) 0\n$/);
});

test('what a submission leaves behind has gone once it is graded', async () => {
  const { cwd, grader } = grade(...command(folder, 'leaves_child.py'));
  expect(await grader.exit).toBe(0);
  expect(grader.stdout).toMatch(
    /^select-server: 25 of 25 points$.*^note: it left a process behind: sleep$/ms,
  );
  expect(processesIn(cwd)).toEqual([]);
});
