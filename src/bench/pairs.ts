/** The descriptors of a trial's pairs, as launch.c has made them: see bench.h. */

/** The read ends are the descriptors from here on. */
export const FIRST_READ = 24;

/** The write ends are above FD_SETSIZE, so that select(2) does not need to look past the read ends. */
export const firstWrite = (pairs: number): number => Math.max(1024, FIRST_READ + pairs);
