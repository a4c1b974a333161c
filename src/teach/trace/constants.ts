/** The names of the constants in a call's arguments and results, as strace(1) writes them. */
import { errno } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';

const { constants } = sys;

/** The constant of a number among those with a prefix: `AF_INET`. */
export function constantName(prefix: string, value: number): string {
  const found = Object.keys(constants).find((name) => name.startsWith(prefix) && constants[name] === value);
  return found ?? String(value);
}

const EVENTS = ['IN', 'PRI', 'OUT', 'ERR', 'HUP', 'NVAL', 'RDHUP'];

const eventTexts = { POLL: new Map<number, string>(), EPOLL: new Map<number, string>() };

/** Poll's events by name: `POLLIN|POLLHUP`; epoll's have the same numbers. */
export function eventNames(prefix: 'POLL' | 'EPOLL', events: number): string {
  const known = eventTexts[prefix].get(events); // the same come again and again
  if (known !== undefined) return known;
  const set = EVENTS.filter((name) => events & (constants[`POLL${name}`] ?? 0));
  const text = set.map((name) => prefix + name).join('|') || '0';
  eventTexts[prefix].set(events, text);
  return text;
}

/** `{events=EPOLLIN, data={u32=5, u64=5}}` */
export function epollEvent(fd: number, events: number): string {
  return `{events=${eventNames('EPOLL', events)}, data={u32=${fd}, u64=${fd}}}`;
}

const messageFlagNames = new Map<number, string>();

/** The flags of a recv or send by name. */
export function messageFlags(flags: number): string {
  const known = messageFlagNames.get(flags); // the same numbers come again and again
  if (known !== undefined) return known;
  const isSet = (name: string) => name.startsWith('MSG_') && flags & (constants[name] ?? 0);
  const text = Object.keys(constants).filter(isSet).join('|') || '0';
  messageFlagNames.set(flags, text);
  return text;
}

/** The flags of an open file by name: `O_RDWR|O_NONBLOCK`. */
export function fileFlags(flags: number): string {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR'][flags & 3];
  const more = ['O_APPEND', 'O_NONBLOCK'].filter((name) => flags & (constants[name] ?? 0));
  const known = more.reduce((sum, name) => sum | (constants[name] ?? 0), 3);
  const rest = flags & ~known;
  return [access, ...more, ...(rest ? [`0x${rest.toString(16)}`] : [])].join('|');
}

/** A socket's option: its level and its name. */
export function optionNames(level: number, option: number): string[] {
  if (level === constants.SOL_SOCKET) return ['SOL_SOCKET', constantName('SO_', option)];
  if (level === constants.IPPROTO_TCP) return ['SOL_TCP', constantName('TCP_', option)];
  if (level === constants.IPPROTO_IPV6) return ['SOL_IPV6', constantName('IPV6_', option)];
  return [String(level), String(option)];
}

/** A socket option's value: an int as `[1]`, other memory as bytes. */
export function optionValue(value: Uint8Array): string {
  if (value.length !== 4) return `"${Buffer.from(value).toString('hex').replace(/../g, '\\x$&')}"`;
  return `[${new DataView(value.buffer, value.byteOffset).getInt32(0, true)}]`;
}

const errnoNames = new Map(Object.entries(errno).map(([name, number]) => [number, name]));
errnoNames.set(errno.EAGAIN, 'EAGAIN'); // and not EWOULDBLOCK
errnoNames.set(errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The name of a failing call's negative result. */
export function errnoName(result: number): string {
  return errnoNames.get(-result) ?? String(-result);
}
