/** What select-server shows, by client. */
import { expect } from 'vitest';
import type { Process } from './process.js';

/** What stdout says of each client, by its address: `connected`, `5 bytes: b'hello'`, `disconnected`. */
export function byClient(server: Process): Map<string, string[]> {
  const shown = new Map<string, string[]>();
  for (const line of server.lines) {
    const [, address, event] = line.match(/^(\('.+?\)):? (.*)$/) ?? [];
    if (address === undefined || event === undefined) continue;
    if (!shown.has(address)) shown.set(address, []);
    shown.get(address)?.push(event);
  }
  return shown;
}

/** All that a client's events say it has sent: ASCII without quotes; each count of bytes must be right. */
export function said(events: string[] = []): string {
  let all = '';
  for (const event of events) {
    const [, bytes, text] = event.match(/^(\d+) bytes: b'(.*)'$/) ?? [];
    if (text === undefined) continue;
    expect(Number(bytes)).toBe(text.length);
    all += text;
  }
  return all;
}

/** How often a line that ends so has been shown. */
export function count(server: Process, end: 'connected' | 'disconnected'): number {
  return server.stdout.split(`: ${end}\n`).length - 1;
}
