/** docs/python.md: no public name of Python's three modules is left out, and what it calls ours is there. */
import { readFileSync } from 'node:fs';
import * as select from 'posix-select';
import * as selectors from 'posix-select/selectors';
import * as socket from 'posix-select/socket';
import { expect, test } from 'vitest';
import { python } from '../support/python.js';

const page = readFileSync(new URL('../../docs/python.md', import.meta.url), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `') || line.startsWith('| –'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const namesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
const listed = rows.flatMap(([, python]) => namesIn(python));

/** Names of sockets that are for other networks than these, and what the modules themselves import. */
const OTHERS =
  /^(CAN_|BT|BDADDR|HCI|ALG_|RDS_|TIPC_|VSOCK|VM_|VMADDR|PACKET_|NETLINK|UDPLITE|J1939|IPX|HV|ETH|IOCTL|SCO_|IPPORT|LOCAL|PF_|NI_|SCM_|SOL_|CAPI|IntEnum|IntFlag|ABCMeta|Mapping|abstractmethod|namedtuple)/;

const isListed = (name: string) =>
  listed.some((each) => each === name || (each.endsWith('*') && name.startsWith(each.slice(0, -1))));

test.each(['select', 'socket', 'selectors', 'socket.socket', 'selectors.DefaultSelector'])(
  "each public name of Python's %s is in a table",
  (module) => {
    const names = python<string[]>(
      `import inspect, select, socket, selectors
module = ${module}
result = [n for n in dir(module) if not n.startswith('_') and not inspect.ismodule(getattr(module, n))]`,
    ).filter((name) => !OTHERS.test(name) && !['array', 'fileobj', 'fd'].includes(name));
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => !isListed(name))).toEqual([]);
  },
);

test('what a row calls the same, or differing, is there', () => {
  const ours = new Set(
    [
      ...[select, socket, selectors, select.errno, socket.Socket.prototype, new socket.Socket()],
      ...[selectors.BaseSelector.prototype, select.Poll.prototype, select.Epoll.prototype],
    ].flatMap((each) => [...Object.keys(each), ...Object.getOwnPropertyNames(each)]),
  );
  const kept = rows.filter((row) => /^(same|differs)/.test(row.at(-2) ?? ''));
  expect(kept.length).toBeGreaterThan(20);
  const missing = kept.flatMap(([, theirs, here = '']) => {
    const names = here.includes('the same') ? [...namesIn(theirs), ...namesIn(here)] : namesIn(here);
    return names.filter((name) => {
      const plain = name.replace(/^(errno|Socket)\.|\(\)$|^new .*/g, '');
      const isFamily = name.endsWith('*') || plain === '';
      const isRenamed = here.includes('the same, ') && name.includes('_');
      return !(isFamily || isRenamed || ours.has(plain));
    });
  });
  expect(missing).toEqual([]);
});
