/** What the tests of multiconn-server and multiconn-client share. */
import { start, startServer } from './process.js';

/** What the platform has. */
export const MECHANISMS = ['select', 'poll', process.platform === 'linux' ? 'epoll' : 'kqueue'];
export const SELECTORS = ['default', ...MECHANISMS];

export const MESSAGES = ['Message 1 from client.', 'Message 2 from client.'];

export const startEcho = (selector: string, ...options: string[]) =>
  startServer('multiconn-server', ['127.0.0.1', 0, '--selector', selector, ...options]);

export const startClient = (selector: string, port: number, connections: number) =>
  start('multiconn-client', ['127.0.0.1', port, connections, '--selector', selector]);

/**
 * A program's lines on each connection, which stands as `#` in them. Bytes may come in any pieces: what several
 * lines that begin with `verb` show is one line, where the last of them was.
 */
export function byConnection(lines: string[], verb: 'Echoing' | 'Received'): Map<string, string[]> {
  const stories = new Map<string, string[]>();
  for (const line of lines) {
    const id = line.match(/connection \d+/)?.[0] ?? line.match(/\('.*', \d+\)$/)?.[0];
    if (id === undefined) continue;
    const story = stories.get(id) ?? [];
    stories.set(id, story);
    const shown = line.replace(id, '#');
    const before = shown.startsWith(verb) ? story.findIndex((other) => other.startsWith(verb)) : -1;
    const [earlier] = before < 0 ? [''] : story.splice(before, 1);
    story.push(
      earlier === '' ? shown : shown.replace("b'", (earlier as string).match(/b'.*(?=')/)?.[0] ?? ''),
    );
  }
  return stories;
}

/** What the server shows of a connection that our client or the tutorial's made. */
export const SERVED = [
  'Accepted connection from #',
  `Echoing b'${MESSAGES.join('')}' to #`,
  'Closing connection to #',
];

/** What the client shows of a connection on which all went well. */
export const made = (port: number) => [
  `Starting # to ('127.0.0.1', ${port})`,
  ...MESSAGES.map((message) => `Sending b'${message}' to #`),
  `Received b'${MESSAGES.join('')}' from #`,
  'Closing #',
];
