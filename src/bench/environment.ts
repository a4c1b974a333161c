/** Where it was measured. */
import { execFileSync } from 'node:child_process';
import { arch, cpus, release, totalmem, type } from 'node:os';

export interface Environment {
  date: string;
  machine: { cpu: string; cores: number; memory: string; system: string };
  versions: Record<string, string>;
}

function version(file: string, ...args: string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n', 1)
      .join();
  } catch {
    return 'not there';
  }
}

export function environment(): Environment {
  return {
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${type()} ${release()} ${arch()}`,
    },
    versions: {
      node: process.version,
      libuv: process.versions.uv,
      python: version('python3', '--version'),
      cc: version('cc', '--version'),
    },
  };
}
