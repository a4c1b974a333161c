/** Several programs of one recording: the story of each, and what goes from one to another. It runs in the page, too. */
import type { StoryData } from './story.js';

/** What a page shows: one program, or several that talk to each other. */
export interface PageData {
  /** the one that waits the most comes first */
  programs: StoryData[];
  messages: Message[];
}

export const MESSAGE_KINDS = ['data', 'connect', 'end'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/**
 * What one program sends and another receives on the same connection: from a call of the one (`send`, `connect`, `close`)
 * to a call of the other (`recv`, `accept`, a `recv` that returns 0). Programs and calls are places in their lists.
 */
export type Message = [
  kind: number,
  from: number,
  fromCall: number,
  to: number,
  toCall: number,
  /** of those that were sent, the ones that this recv has taken */
  bytes: number,
];
