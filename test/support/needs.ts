/**
 * What some tests need beyond Node, python3, make and g++. A test that says so is left out where it is missing, and
 * the end of `npm test` says it (left-out.ts); with CI=true it fails.
 */
import { spawnSync } from 'node:child_process';
import { type TestAPI, type TestContext, test } from 'vitest';

export interface Need {
  /** Whether it is here. */
  isHere: () => boolean;
  /** What it is called in a sentence; its key unless there is more to say. */
  title?: string;
  /** The package that has it, by the command that installs packages. */
  packages?: Partial<Record<(typeof INSTALLERS)[number], string>>;
  /** What to do where no package helps; it stands in brackets. */
  otherwise?: string;
  /** A property of the machine or the user: nobody can install it, and CI may be without it. */
  isGiven?: boolean;
}

export const INSTALLERS = ['apt-get install', 'dnf install', 'apk add', 'brew install'] as const;

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const everywhere = (name: string) => Object.fromEntries(INSTALLERS.map((installer) => [installer, name]));
const iproute = { 'apt-get install': 'iproute2', 'dnf install': 'iproute', 'apk add': 'iproute2' };

export const NEEDS = {
  chromium: { isHere: () => works('chromium', '--version'), packages: everywhere('chromium') },
  strace: {
    isHere: () => works('strace', '-f', '-o', '/dev/null', 'true'),
    packages: everywhere('strace'),
    otherwise: 'where ptrace(2) is not permitted: in docker run, --cap-add SYS_PTRACE',
  },
  'redis-server': {
    isHere: () => works('redis-server', '--version'),
    packages: {
      'apt-get install': 'redis-server',
      'dnf install': 'redis',
      'apk add': 'redis',
      'brew install': 'redis',
    },
  },
  nginx: {
    isHere: () => works('nginx', '-v'),
    packages: { ...everywhere('nginx'), 'apt-get install': 'nginx-light' },
  },
  vi: {
    isHere: () => works('vi', '--version'),
    packages: { ...everywhere('vim'), 'apt-get install': 'vim-tiny' },
  },
  cc: { isHere: () => works('cc', '--version'), packages: { ...everywhere('gcc'), 'apk add': 'build-base' } },
  '32-bit programs': {
    isHere: () =>
      works('sh', '-c', "echo 'int x;' | cc -m32 -c -o /dev/null -x c - && uname -m | grep -q x86_64"),
    isGiven: true,
    otherwise: 'an x86-64 Linux',
  },
  javac: {
    isHere: () => works('javac', '-version'),
    packages: {
      'apt-get install': 'default-jdk-headless',
      'dnf install': 'java-devel',
      'apk add': 'openjdk17',
      'brew install': 'openjdk',
    },
    isGiven: true, // no other test needs it, and it is large
  },
  'perl with threads': {
    isHere: () => works('perl', '-Mthreads', '-e', '1'),
    packages: { 'apt-get install': 'perl', 'dnf install': 'perl-threads' },
    isGiven: true, // a perl may be built without
  },
  ps: { isHere: () => works('ps', '-A'), packages: { ...everywhere('procps'), 'dnf install': 'procps-ng' } },
  ip: { isHere: () => works('ip', '-V'), packages: iproute },
  unshare: {
    title: 'unshare(1) that may make namespaces',
    isHere: () => works('unshare', '-rmn', 'true'),
    packages: { ...everywhere('util-linux'), 'brew install': undefined },
    otherwise: 'where it is not permitted: in docker run, --privileged',
  },
  fallocate: {
    title: 'fallocate(1) that makes holes',
    isHere: () => works('sh', '-c', 'fallocate --help | grep -q punch-hole'),
    packages: { ...everywhere('util-linux'), 'brew install': undefined },
    isGiven: true, // BusyBox's makes none, and that is no fault
  },
  bwrap: {
    title: 'bwrap(1) that may make namespaces',
    isHere: () => works('bwrap', '--ro-bind', '/', '/', '--unshare-pid', 'true'),
    packages: { ...everywhere('bubblewrap'), 'brew install': undefined },
    otherwise: 'where it is not permitted: in docker run, --privileged',
  },
  Linux: { isHere: () => process.platform === 'linux', isGiven: true },
  root: { isHere: () => process.getuid?.() === 0, isGiven: true, otherwise: 'run npm test as root' },
  'IPv6 on loopback': {
    isHere: () =>
      works('python3', '-c', "import socket; socket.create_server(('::1', 0), family=socket.AF_INET6)"),
    isGiven: true,
    otherwise: 'sysctl net.ipv6.conf.lo.disable_ipv6=0',
  },
  '/dev/full': { isHere: () => works('test', '-c', '/dev/full'), isGiven: true },
} satisfies Record<string, Need>;

export type NeedName = keyof typeof NEEDS;

const known = new Map<NeedName, boolean>();

export function isHere(name: NeedName): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const now = NEEDS[name].isHere();
  known.set(name, now);
  return now;
}

/** The note of a test that was left out. */
const noteOf = (missing: NeedName[]) => `needs ${missing.join(', ')}`;

/** What is missing, from the note of a test that was left out. */
export function namesIn(note: string): NeedName[] {
  const names = Object.keys(NEEDS) as NeedName[];
  return names.filter((name) =>
    note
      .replace(/^needs /, '')
      .split(', ')
      .includes(name),
  );
}

/** `test` for tests that need these. */
export function needs(...names: NeedName[]): TestAPI {
  const missing = names.filter((name) => !isHere(name));
  if (missing.length === 0) return test;
  return leavingOut(test, ({ skip }) => {
    const isInstallable = missing.every((name) => !(NEEDS[name] as Need).isGiven);
    if (process.env.CI && isInstallable) throw new Error(`with CI=true, the test ${noteOf(missing)}`);
    skip(noteOf(missing));
  });
}

/** `test`, with its `each`, `for`, `concurrent` and what these give, but another body for each test. */
function leavingOut<T extends object>(api: T, body: (context: TestContext) => void): T {
  const isFunction = (value: unknown): value is object => typeof value === 'function';
  // `for` hands the row over before the context; `each`, which hands over the row alone, is replaced by it.
  const instead = (first: unknown, second?: unknown) => body((second ?? first) as TestContext);
  return new Proxy(api, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name === 'each' ? 'for' : name);
      return isFunction(value) ? leavingOut(value, body) : value;
    },
    apply(target, self, args: unknown[]) {
      const call = target as unknown as (...args: unknown[]) => unknown;
      const result = Reflect.apply(
        call,
        self,
        args.map((arg) => (isFunction(arg) ? instead : arg)),
      );
      return isFunction(result) ? leavingOut(result, body) : result;
    },
  });
}

/** `test.each`, whose rows with IPv6 addresses in them need IPv6. */
export const eachAddress = ((rows: readonly unknown[]) => (title: string, body: () => void) => {
  const isIPv6 = (row: unknown) => /::|IPv6|AF_INET6/.test(JSON.stringify(row));
  test.each(rows.filter((row) => !isIPv6(row)))(title, body);
  needs('IPv6 on loopback').each(rows.filter(isIPv6))(title, body);
}) as unknown as TestAPI['each'];
