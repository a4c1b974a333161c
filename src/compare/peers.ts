/** Who is measured, in what. */

/** An echo server, by the name that the table shows. */
export interface Peer {
  name: string;
  color: string;
  args: string[];
}

/** What a server has to do. */
export interface Cell {
  title: string;
  connections: number;
  idle: number;
  /** bytes of a message */
  size: number;
}

/** The medians of a server's trials. */
export interface Result {
  peer: Peer;
  cell: Cell;
  /** CPU time of the server for a message, microseconds */
  cpuUs: number;
  /** messages a second */
  rate: number;
  p99Us: number;
}

const ours = (loop: string, args: object = {}) => ['ours.js', loop, JSON.stringify(args)];

export const NET: Peer = { name: 'node:net (libuv)', color: '#4477aa', args: ['net.js'] };

export const PEERS: Peer[] = [
  NET,
  { name: 'select(), lists', color: '#ee8833', args: ours('shaped') },
  { name: 'selectFdSets', color: '#cc3311', args: ours('literal') },
  { name: 'DefaultSelector', color: '#aa3377', args: ours('selector', { selector: 'default' }) },
];

export const CELLS: Cell[] = [
  { title: '10 speak', connections: 10, idle: 0, size: 64 },
  { title: '100 speak', connections: 100, idle: 0, size: 64 },
  { title: '100 speak, 16 KiB', connections: 100, idle: 0, size: 16_384 },
  { title: '1 speaks, 900 are idle', connections: 1, idle: 900, size: 64 },
];
