/** chatclient: shows what the server sends, and sends what is typed. README.md says how. */
import { select } from 'posix-select';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin } from 'posix-select/terminal';

function openConnection(host: string, port: number): Socket | undefined {
  // 1. A socket that is connected.
  return undefined;
}

function formatMessage(message: string): string {
  // 4. Extra credit.
  return message;
}

function main(host: string, port: number): void {
  const connection = openConnection(host, port);
  const stdin = new Stdin();
  // 2. For ever: wait in select() for the connection and for stdin.
  // 3. The connection: show what has come, or end. stdin.readLines(): send them.
}

if (process.argv.length !== 4) {
  console.error('usage: chatclient host port');
  process.exit(2);
}
main(process.argv[2], Number(process.argv[3]));
