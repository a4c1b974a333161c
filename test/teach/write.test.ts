import { expect, test } from 'vitest';
import type { Call } from '../../dist/teach/recording/format.js';
import { callLine } from '../../dist/teach/recording/write.js';

const made = { n: 7, at: 61.000012, took: 0.5, result: 3 };
const sets = { readfds: [3, 5], writefds: [], exceptfds: null };

const CALLS: [what: string, call: Call][] = [
  ['nothing but what all have', { ...made, call: 'kqueue' }],
  [
    'all that a call can have',
    {
      ...made,
      call: 'sendto',
      errno: 'EAGAIN',
      fd: 0,
      address: ['::1"\\', 0, 0, 2],
      length: 0,
      flags: 0,
      data: '',
      rest: ['[{fd=3}]', '"\\x00"'],
      asked: 'eA==',
      note: 'flags "O_RDWR"',
      waits: sets,
      timeout: null,
      after: { readfds: null, writefds: null, exceptfds: [1023] },
      why: [{ fd: 3, set: 'read', sentence: 'the end: read returns 0 bytes' }],
      names: { 5: 'Žofie "the\n<b>" 🐟', 6: null },
    },
  ],
  [
    'a select() that has been interrupted',
    {
      ...made,
      call: 'select',
      result: -1,
      errno: 'EINTR',
      nfds: 6,
      ...sets,
      timeout: 1.5,
      after: sets,
      left: 0,
      why: [{ fd: null, set: null, sentence: 'a "signal"\n' }],
    },
  ],
  ['the smallest times', { ...made, at: 0, took: 0.000001, call: 'close', fd: 4 }],
  ['a long time', { ...made, at: 86_400.999999, took: 3599.9, call: 'close', fd: 4 }],
];

test.each(CALLS)('%s: as JSON.stringify has it', (_, call) => {
  const text = callLine(call);
  expect(text).toMatch(/^.+\n$/);
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(call)));
});
