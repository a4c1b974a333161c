import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { FD_SETSIZE, kevent, kqueue, OSError, select, selectors } from 'posix-select';
import {
  DefaultSelector,
  EpollSelector,
  EVENT_READ,
  EVENT_WRITE,
  KqueueSelector,
  PollSelector,
  SelectSelector,
} from 'posix-select/selectors';
import { Socket } from 'posix-select/socket';
import { describe, expect, test } from 'vitest';
import { HERE } from '../support/selectors.js';
import { own, pair, regularFile, reuse, thrown } from '../support/sockets.js';
import { selectSuite } from './selector-select-suite.js';
import { keySuite } from './selector-suite.js';

const BOTH = EVENT_READ | EVENT_WRITE;

describe.each(HERE)('%s', (_, Selector) => {
  keySuite(Selector);
  describe('select', () => selectSuite(Selector));
});

function failure(call: () => unknown): OSError {
  try {
    call();
  } catch (err) {
    if (err instanceof OSError) return err;
    throw err;
  }
  throw new Error('it did not throw');
}

/** Runs an ES module in a process of its own, with so many descriptors at most, and returns what it prints. */
function run(code: string, limit: number): string {
  const args = [limit, process.execPath, '--input-type=module', '-e', code].map(String);
  return execFileSync('sh', ['-c', 'ulimit -n "$0" && exec "$@"', ...args], { encoding: 'utf8' }).trim();
}

/** A number that was a descriptor's until now. */
function closedFd(): number {
  const [a] = pair();
  const fd = a.fileno();
  a.close();
  return fd;
}

test('the events have the numbers of Python', () => {
  expect([EVENT_READ, EVENT_WRITE]).toEqual([1, 2]);
});

test('the default is the best that the platform has', () => {
  expect(DefaultSelector).toBe(process.platform === 'darwin' ? KqueueSelector : EpollSelector);
  expect(selectors.DefaultSelector).toBe(DefaultSelector);
});

test('Linux has no kqueue, and the constructor says so', () => {
  const { code, errno, syscall, message } = failure(() => new KqueueSelector());
  expect([code, errno, syscall]).toEqual(['ENOSYS', -38, 'kqueue']);
  expect(message).toBe('kqueue: Function not implemented (ENOSYS)');
  expect(failure(() => kqueue()).code).toBe('ENOSYS');
  expect(failure(() => kevent(0)).code).toBe('ENOSYS');
});

describe('select', () => {
  test('takes the last descriptor below FD_SETSIZE', () => {
    const selector = own(new SelectSelector());
    const key = selector.register(reuse(FD_SETSIZE - 1), BOTH);
    expect(key.fd).toBe(FD_SETSIZE - 1);
    expect(selector.select(0)).toEqual([[key, BOTH]]);
  });

  test('refuses those above, and says what takes them', () => {
    const selector = own(new SelectSelector());
    const [kind, message] = thrown(() => selector.register(reuse(FD_SETSIZE), EVENT_READ));
    expect(kind).toBe('RangeError');
    expect(message).toMatch(/^filedescriptor out of range in select\(\)/);
    expect(message).toMatch(new RegExp(`\\b${FD_SETSIZE}\\b.*(Default|Epoll|Poll)Selector`));
    expect(selector.getMap()?.size).toBe(0);
    expect(selector.select(0)).toEqual([]);
  });

  test('fails for a closed descriptor until that is unregistered', () => {
    const selector = own(new SelectSelector());
    const fd = closedFd();
    selector.register(fd, EVENT_READ);
    expect(failure(() => selector.select(0)).code).toBe('EBADF');
    selector.unregister(fd);
    expect(selector.select(0)).toEqual([]);
  });

  test('says which descriptor is closed', () => {
    const selector = own(new SelectSelector());
    selector.register(pair()[0], EVENT_READ);
    const fd = closedFd();
    selector.register(fd, EVENT_READ);
    const err = failure(() => selector.select(0));
    expect(err.message).toBe(`select fd ${fd}: Bad file descriptor (EBADF)`);
    expect(err.fd).toBe(fd);
  });

  // A process of its own: once a descriptor beyond has been open, the kernel itself says EBADF.
  test("fails for a closed descriptor beyond the process's table too, as select() does", () => {
    const code = `
      import { SelectSelector } from 'posix-select/selectors';
      import { socketpair } from 'posix-select/socket';
      const selector = new SelectSelector();
      selector.register(1000, 1);
      const answer = () => {
        try {
          return selector.select(0).map(([key, events]) => [key.fd, events]);
        } catch (err) {
          return err.code;
        }
      };
      const alone = answer();
      selector.register(socketpair()[0], 2);
      console.log(JSON.stringify([alone, answer()]));`;
    expect(JSON.parse(run(code, 1024))).toEqual(['EBADF', 'EBADF']);
  });
});

describe.each([
  ['poll', PollSelector],
  ['epoll', EpollSelector],
])('%s', (_, Selector) => {
  test('takes descriptors from FD_SETSIZE on', () => {
    const selector = own(new Selector());
    const key = selector.register(reuse(FD_SETSIZE), BOTH);
    expect(selector.select(0)).toEqual([[key, BOTH]]);
  });

  test('reports more than 512 that are ready, if need be in more than one turn', () => {
    const selector = own(new Selector());
    const sockets = Array.from({ length: 700 }, () => own(new Socket()));
    const missing = new Set(sockets.map((socket) => selector.register(socket, EVENT_WRITE)));
    for (let turn = 0; turn < 2; turn++) {
      const ready = selector.select(0);
      expect(new Set(ready.map(([key]) => key)).size).toBe(ready.length);
      for (const [key, events] of ready) {
        expect(events).toBe(EVENT_WRITE);
        missing.delete(key);
      }
    }
    expect(missing.size).toBe(0);
  });
});

test.each([
  ['select', SelectSelector],
  ['poll', PollSelector],
])('%s takes a regular file, which is always ready', (_, Selector) => {
  const selector = own(new Selector());
  const key = selector.register(regularFile(), BOTH);
  expect(selector.select(0)).toEqual([[key, BOTH]]);
});

test('poll reports a closed descriptor to whoever waits for it, until it is unregistered', () => {
  const selector = own(new PollSelector());
  const fd = closedFd();
  const key = selector.register(fd, EVENT_READ);
  expect(selector.select(0)).toEqual([[key, EVENT_READ]]);
  selector.unregister(fd);
  expect(selector.select(0)).toEqual([]);
});

describe('epoll', () => {
  const make = () => own(new EpollSelector());

  test.each([
    ['a regular file', 'EPERM', regularFile],
    ['a closed descriptor', 'EBADF', closedFd],
  ])('refuses %s, and registers nothing', (_, code, open) => {
    const selector = make();
    const fd = open();
    const refusal = failure(() => selector.register(fd, EVENT_READ));
    expect([refusal.code, refusal.fd]).toEqual([code, fd]);
    expect(refusal.message).toMatch(`fd ${fd}: `);
    expect(selector.getMap()?.size).toBe(0);
    expect(thrown(() => selector.getKey(fd))[0]).toBe('ERR_NOT_REGISTERED');
    expect(selector.select(0)).toEqual([]);
  });

  test.each([
    ['closed', 'EBADF', () => {}],
    ['closed and reused', 'ENOENT', reuse],
  ])('leaves all as it was when it cannot modify what has been %s', (_, code, meanwhile) => {
    const selector = make();
    const [a, b] = pair();
    const key = selector.register(a, EVENT_READ, 'data');
    const other = selector.register(b, EVENT_READ);
    a.close();
    meanwhile(key.fd);
    const refusal = failure(() => selector.modify(key.fd, EVENT_WRITE, 'other'));
    expect([refusal.code, refusal.fd]).toEqual([code, key.fd]);
    expect(selector.getKey(key.fd)).toBe(key);
    expect(selector.getKey(a)).toBe(key);
    expect([...(selector.getMap()?.values() ?? [])]).toEqual([key, other]);
    expect(selector.modify(a, EVENT_READ, 'new').data).toBe('new');
    expect(selector.select(0)).toEqual([[other, EVENT_READ]]);
  });

  test('has a descriptor of its own: readable when something is ready', () => {
    const selector = make();
    const [a, b] = pair();
    const key = selector.register(a, EVENT_READ);
    const outer = [new SelectSelector(), new PollSelector(), new EpollSelector()].map(own);
    for (const one of outer) one.register(selector, EVENT_READ);
    expect(select([selector], [], [], 0)[0]).toEqual([]);
    for (const one of outer) expect(one.select(0)).toEqual([]);
    b.send(Buffer.from('x'));
    expect(select([selector], [], [], 0)[0]).toEqual([selector]);
    for (const one of outer) expect(one.select(0)).toEqual([[one.getKey(selector), EVENT_READ]]);
    expect(selector.select(0)).toEqual([[key, EVENT_READ]]);
  });

  test('its descriptor is close-on-exec, and closed with it', () => {
    const epolls = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
        } catch {
          return false; // the one that listed the folder
        }
      });
    const before = epolls();
    const selector = make();
    const fd = selector.fileno();
    expect(epolls().filter((open) => !before.includes(open))).toEqual([String(fd)]);
    const flags = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^flags:\s*(\d+)$/m)?.[1] ?? '';
    const O_CLOEXEC = 0o2000000;
    expect(Number.parseInt(flags, 8) & O_CLOEXEC).toBe(O_CLOEXEC);
    selector.close();
    expect(epolls()).toEqual(before);
    expect(selector.fileno()).toBe(-1);
  });

  test('closing twice does not close who has the number since', () => {
    const selector = make();
    const fd = selector.fileno();
    selector.close();
    const heir = reuse(fd);
    selector.close();
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toMatch(/^socket:/);
    expect(heir.fileno()).toBe(fd);
  });

  test('says so when the process has no descriptor left', () => {
    const code = `
      import { openSync } from 'node:fs';
      import { EpollSelector } from 'posix-select/selectors';
      try {
        while (true) openSync('/dev/null');
      } catch {}
      try {
        new EpollSelector();
      } catch (err) {
        console.log(err.name, err.message);
      }`;
    expect(run(code, 100)).toBe('OSError epoll_create: Too many open files (EMFILE)');
  });
});
