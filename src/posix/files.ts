/** Files by what they are, whatever their names. */
import { type BigIntStats, fstatSync, statSync } from 'node:fs';

/**
 * Whether two names or descriptors are one regular file. A terminal or `/dev/null` is none: both may be written to.
 *
 * @throws what `fs.fstatSync` throws for a closed descriptor
 */
export function isSameFile(one: string | number, other: string | number): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  return a !== undefined && b !== undefined && a.isFile() && a.dev === b.dev && a.ino === b.ino;
}

function statOf(file: string | number): BigIntStats | undefined {
  if (typeof file === 'number') return fstatSync(file, { bigint: true });
  return statSync(file, { bigint: true, throwIfNoEntry: false });
}
