/** Looking at a program that does not stand still meanwhile. */
import { setImmediate as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { isToWaitOn } from '../../dist/teach/grade/select-checks.js';
import { type Sample, sampleOf } from '../../dist/teach/grade/watch.js';
import { type SeenBefore, snapshot, type ThreadState } from '../../dist/teach/observe/snapshot.js';
import { needs } from '../support/needs.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';

/** Waits again and again, each time for 1 ms and as many µs more as it has had turns: its timeout names the turn. */
const TELLS_ITS_TURN = `import select, sys
def turns():
    with open('/proc/self/schedstat') as file: return int(file.read().split()[2])
print('begins', flush=True)
while True:
    turn = turns()
    select.select([], [], [], (1000 + turn % 1000) / 1e6)
    if turns() != turn + 1: print(turn % 1000, flush=True)`;

needs('Linux')('a wait is not told as that of a later turn, however the thread runs meanwhile', async () => {
  const program = Python.program(TELLS_ITS_TURN);
  await program.out(/begins/);
  const found: { seen: number; told: number }[] = [];
  await until('it has been seen often in its waits', async () => {
    for (let i = 0; i < 50; i++) {
      const [{ timeoutS, schedule = { turns: 0 } } = {}] = snapshot(program.pid) as Partial<ThreadState>[];
      if (timeoutS) found.push({ seen: Math.round(timeoutS * 1e6) - 1000, told: schedule.turns % 1000 });
      await pause(); // what it prints is read: in a full pipe it would wait, and in no other call any more
    }
    return found.length >= 150;
  });
  await program.end('SIGKILL'); // all that it has printed is there
  // Where it was put aside between two waits, it says so: its timeout does not name the turn. In the last it could not.
  const isNamed = new Set([...program.lines.slice(1).map(Number), found.at(-1)?.seen]);
  const later = found.filter(({ seen, told }) => !isNamed.has(seen) && (told - seen + 1000) % 1000 < 500);
  expect(later.filter(({ seen, told }) => seen !== told)).toEqual([]);
});

/** A thread waits in epoll_wait(); the other one reads commands from stdin, and changes what the process has open. */
const CHANGES = `import os, select, sys, threading
epoll = select.epoll()
pipe = os.pipe()
threading.Thread(target=epoll.poll, daemon=True).start()
print('begins', flush=True)
for line in sys.stdin:
    exec(line)
    print('done', flush=True)`;

needs('Linux')('what has not run is what it was; what another thread has changed is seen', async () => {
  const program = Python.program(CHANGES);
  const { pid } = program;
  await program.out(/begins/);
  const seen: SeenBefore = new Map();
  const isAtRest = () =>
    snapshot(pid)
      .map(({ call }) => call)
      .join() === 'read,epoll_wait';
  const remembered = () => seen.get(pid);
  for (const [i, change] of ['epoll.register(pipe[0])', 'os.dup2(pipe[1], 77)', 'os.close(77)'].entries()) {
    await until('both wait', isAtRest);
    expect(snapshot(pid, undefined, seen)).toEqual(snapshot(pid));
    const before = remembered();
    expect(snapshot(pid, undefined, seen)).toEqual(snapshot(pid));
    expect(remembered()?.threads).toBe(before?.threads);
    program.type(`${change}\n`);
    await until('it has changed', () => program.lines.filter((line) => line === 'done').length > i);
  }
  await until('both wait', isAtRest);
  expect(snapshot(pid, undefined, seen)).toEqual(snapshot(pid));
});

/** Samples of a thread: 'w' is the wanted wait, 'o' another one, 'r' running; a digit is the turn of those behind it. */
function samplesOf(story: string): Sample[] {
  let turns = 0;
  return [...story.replaceAll(' ', '')].flatMap((letter, i) => {
    if (/\d/.test(letter)) turns = Number(letter);
    if (/\d/.test(letter)) return [];
    const call = letter === 'r' ? 'running' : letter === 'w' ? 'select' : 'poll';
    const schedule = { cpuMs: 0, delayedMs: 0, turns };
    const process = {
      pid: 1,
      name: '',
      ppid: 0,
      group: 1,
      session: 1,
      isStopped: false,
      isKernelThread: false,
      ticks: 0,
    };
    const thread = { pid: 1, tid: 1, call, fds: [], timeoutS: 5, schedule, process, descriptors: new Map() };
    return [{ ...sampleOf([thread]), atMs: 10 * i }];
  });
}

const WANTED = { targets: [], is: (threads: ThreadState[]) => threads[0]?.call === 'select' };

test.each([
  ['one wait, which goes on', '1 wwwwwwwwwwww', true],
  ['one wait, and the turn behind it', '1 wwwwwwwwwww 2 r', true],
  ['the second wait begins', '1 wwwwwwwwwww 2 rw', true],
  ['two waits: that is enough', '1 wwwwwwwwwwww 2 wwwwwwwww', false],
  ['it waits for something else by now', '1 wwwwwwwwwwww 2 o', false],
  ['it runs, and waits no more', `1 wwwww 2 ${'r'.repeat(20)}`, false],
])('a timeout that runs out: %s', (_, story, expected) => {
  expect(isToWaitOn(samplesOf(story), WANTED)).toBe(expected);
});
