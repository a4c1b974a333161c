/** The ways for a Node program to wait: each takes the descriptors, and makes a call that gives the ready one. */
import { FD_ISSET, FD_SET, FdSet, select, selectFdSets } from 'posix-select';
import { EVENT_READ, SELECTORS } from 'posix-select/selectors';

type Way = (rlist: number[]) => (() => number) | Promise<() => number>;

/** select(2) as a foreign function would be declared. */
type Foreign = (nfds: number, r: Int32Array, w: null, x: null, timeout: null) => number;

const LIBC = process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6';

/** What its user has to write around a foreign select(2) to wait for a list. */
function aroundForeign(select: Foreign, rlist: number[]): () => number {
  const readfds = new Int32Array(32);
  return () => {
    readfds.fill(0);
    let highest = -1;
    for (const fd of rlist) {
      readfds[fd >> 5] = (readfds[fd >> 5] as number) | (1 << (fd & 31));
      if (fd > highest) highest = fd;
    }
    if (select(highest + 1, readfds, null, null, null) < 0) throw new Error('select');
    return rlist.filter((fd) => ((readfds[fd >> 5] as number) & (1 << (fd & 31))) !== 0)[0] as number;
  };
}

function selector(name: keyof typeof SELECTORS): Way {
  return (rlist) => {
    const sel = new SELECTORS[name]();
    for (const fd of rlist) sel.register(fd, EVENT_READ);
    return () => sel.select()[0]?.[0].fd ?? -1;
  };
}

export const WAYS: Record<string, Way> = {
  select: (rlist) => () => select(rlist, [], [])[0][0] as number,

  selectFdSets: (rlist) => {
    const nfds = (rlist.at(-1) ?? -1) + 1;
    const master = new FdSet(Math.max(1024, nfds));
    for (const fd of rlist) FD_SET(fd, master);
    const readfds = new FdSet(master.size);
    let last = rlist[0] ?? -1;
    return () => {
      if (selectFdSets(nfds, readfds.assign(master), null, null, null) !== 1) return -1;
      if (!FD_ISSET(last, readfds)) [last = -1] = readfds;
      return last;
    };
  },

  poll: selector('poll'),
  epoll: selector('epoll'),

  koffi: async (rlist) => {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load(LIBC);
    return aroundForeign(libc.func('int select(int, void *, void *, void *, void *)') as Foreign, rlist);
  },

  'node:ffi': async (rlist) => {
    const name = 'node:ffi'; // by a variable: this Node's types may not know it
    const { default: ffi } = await import(name);
    const pointer = 'pointer';
    const signature = { arguments: ['int32', pointer, pointer, pointer, pointer], return: 'int32' };
    const { functions } = ffi.dlopen(LIBC, { select: signature });
    return aroundForeign(functions.select, rlist);
  },
};
