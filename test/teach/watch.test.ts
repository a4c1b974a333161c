/** Looking at a program that does not stand still meanwhile. */
import { expect, test } from 'vitest';
import { isToWaitOn, verdict } from '../../dist/teach/grade/select-checks.js';
import { type Sample, sampleOf, WaitLimit } from '../../dist/teach/grade/watch.js';
import { type SeenBefore, snapshot, type ThreadState } from '../../dist/teach/observe/snapshot.js';
import { needs } from '../support/needs.js';
import { blockedIn } from '../support/proc.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';

/** Reads into the same memory again and again: its call is the same each time, to the last argument. */
const READS_AGAIN = `import sys
memory = bytearray(100)
while sys.stdin.buffer.raw.readinto(memory): print('read', flush=True)`;

needs('Linux')('a thread that has come back to the same call, with the same arguments, has run', async () => {
  const program = Python.program(READS_AGAIN);
  const { pid } = program;
  const reads = () => snapshot(pid).find(({ call }) => call === 'read');
  const seen: SeenBefore = new Map();
  let [first, second] = [await until('it reads', reads), undefined as ThreadState | undefined];
  // The registers of arguments that read(2) does not have hold what was in them: the same from some call on.
  for (let count = 1; second?.pending !== first.pending; count++) {
    expect(count).toBeLessThan(20);
    first = second ?? first;
    snapshot(pid, undefined, seen);
    program.type('once\n');
    await until('it has read', () => program.lines.filter((line) => line === 'read').length === count);
    second = await until('it reads again', reads);
  }
  expect(second?.schedule?.turns).toBeGreaterThan(first.schedule?.turns as number);
  expect(snapshot(pid, undefined, seen)[0]?.schedule).toEqual(second?.schedule);
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

/** Samples of a thread: 'w' is the wanted wait, 'o' another one, 'r' running, '.' not looked at; a digit is the turn of those behind it. */
function samplesOf(story: string, timeoutS = 5): Sample[] {
  let turns = 0;
  return [...story.replaceAll(' ', '')].flatMap((letter, i) => {
    if (/\d/.test(letter)) turns = Number(letter);
    if (/[\d.]/.test(letter)) return [];
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
    const thread = { pid: 1, tid: 1, call, fds: [], timeoutS, schedule, process, descriptors: new Map() };
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
  ['it is kept from running, and not seen often enough', '1 w 2 rrrw 3 rrrw 4 rrrw 5 rrrw', true],
])('a timeout that runs out: %s', (_, story, expected) => {
  expect(isToWaitOn(samplesOf(story), WANTED)).toBe(expected);
});

/** Waits, each with three samples before it in which it could run and other programs did. */
const delayed = (waits: string) => [...waits].map((wait, i) => `${i % 10} rrr${wait}`).join('');

/** A wait of 100 ms, looked at as it should be; one that was not looked at. */
const [SEEN, MISSED] = ['w'.repeat(10), '.'.repeat(10)];
const turns = (...waits: string[]) => waits.map((wait, i) => `${i % 10} ${wait}`).join('');

test.each([
  ['three waits', turns(SEEN, SEEN, SEEN), 'holds'],
  ['three waits, and each other one was missed', turns(SEEN, MISSED, SEEN, MISSED, SEEN), undefined],
  ['nine waits, and some were missed', turns(...Array(3).fill([SEEN, SEEN, MISSED, SEEN]).flat()), 'holds'],
])('a wait with a timeout of 100 ms: %s', (_, story, expected) => {
  const samples = samplesOf(story, 0.1);
  expect(verdict(samples, WANTED)).toBe(expected);
});

test.each([
  ['twenty waits', delayed('w'.repeat(20)), 'holds'],
  ['not often enough', delayed('w'.repeat(19)), undefined],
  ['now and then another one', delayed('wwwo'.repeat(5)), undefined],
])('a program that others keep from running: %s', (_, story, expected) => {
  expect(verdict(samplesOf(story), WANTED)).toBe(expected);
});

/** Waits for a line for as many seconds as the line before it said. */
const WAITS = `import select, sys
seconds = 20
while select.select([sys.stdin], [], [], seconds)[0]:
    seconds = int(sys.stdin.readline())
    print('read', flush=True)`;

needs('Linux')(
  'a timeout ends no sooner than its time after the thread was last seen elsewhere',
  async () => {
    const program = Python.program(WAITS);
    const seen: SeenBefore = new Map();
    const ends = () =>
      snapshot(program.pid, undefined, seen).find(({ call }) => call === 'select')?.timeoutEndsMs;
    await blockedIn('select', program);
    // Seen for the first time, it may have waited for any time.
    expect(ends()).toBe(-Infinity);
    const beforeMs = performance.now();
    expect(ends()).toBe(-Infinity);
    program.type('30\n');
    const endMs = await until('it waits again', () => {
      const endMs = ends();
      return endMs !== -Infinity && endMs;
    });
    expect(endMs).toBeGreaterThan(beforeMs + 30_000);
    expect(endMs).toBeLessThan(performance.now() + 30_000);
    expect(ends()).toBe(endMs);
    // It comes back to the same call, with the same arguments: that may be the wait that goes on.
    await program.out(/read\n/);
    program.type('30\n');
    await program.out(/read\nread\n/);
    await blockedIn('select', program);
    expect(ends()).toBe(endMs);
  },
);

const LIMIT_MS = 1000;

test.each([
  ['ends long after the limit', { timeoutEndsMs: 2.5 * LIMIT_MS }, true],
  ['ends soon after the limit', { timeoutEndsMs: 1.5 * LIMIT_MS }, false],
  ['began nobody knows when', { timeoutEndsMs: -Infinity }, false],
  ['ends late, and that is a sleep', { timeoutEndsMs: 2.5 * LIMIT_MS, call: 'nanosleep' }, false],
  ['ends late, while something is unread', { timeoutEndsMs: 2.5 * LIMIT_MS }, false, true],
])('a program whose timeout %s: is it at rest?', (_, state, expected, hasNews = false) => {
  const limit = new WaitLimit(LIMIT_MS);
  const still = { flow: '', printedChars: 0, hasNews, isFlood: false };
  for (const sample of samplesOf(`1 ${'w'.repeat(14)}`)) {
    for (const thread of sample.threads) Object.assign(thread, state);
    limit.see(sample, still);
  }
  expect(limit.isAtRest).toBe(expected);
});
