/** Samples of a program that does not stand still while it is looked at. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { sampleOf } from '../../dist/teach/grade/watch.js';
import { snapshot } from '../../dist/teach/observe/snapshot.js';
import { needs } from '../support/needs.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';

needs('Linux')(
  'a thread that wakes up after the look, before its turns are counted, has not come back',
  async () => {
    const program = Python.program('import sys\nfor line in sys.stdin: print(line, flush=True)');
    const { pid } = program;
    const look = () => snapshot(pid);
    await until('it reads', () => look()[0]?.call === 'read');
    const first = sampleOf(look);
    const turnsNow = () => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[2]);
    const turns = turnsNow();
    const second = sampleOf(() => {
      const threads = look();
      program.type('wake up\n');
      while (turnsNow() === turns); // no promise may come between
      return threads;
    }, first);
    expect(second.threads[0]?.call).toBe('read');
    expect(second.schedules.get(pid)?.turns).toBe(turns);
    await program.out(/wake up/);
    await until('it reads again', () => look()[0]?.call === 'read');
    expect(sampleOf(look, second).schedules.get(pid)?.turns).toBeGreaterThan(turns);
  },
);
