/** A page that grows: the server sends what has come since the last message. */
import type { StoryData } from '../../story/story.js';

interface Message {
  isNew: boolean;
  more: StoryData;
}

/**
 * @param grown is called with the whole story after each message
 * @param ended is called when there is no more
 */
export function followLive(grown: (data: StoryData) => void, ended: () => void): void {
  let data: StoryData | undefined;
  const events = new EventSource('events');
  events.addEventListener('message', ({ data: text }) => {
    const { isNew, more } = JSON.parse(text) as Message;
    data = isNew || !data ? more : appended(data, more);
    grown(data);
  });
  events.addEventListener('end', () => {
    events.close();
    ended();
  });
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) ended();
  });
}

function appended(data: StoryData, more: StoryData): StoryData {
  const columns = (before: number[][], after: number[][]) =>
    before.map((column, i) => column.concat(after[i] ?? []));
  return {
    ...more,
    texts: data.texts.concat(more.texts),
    sets: data.sets.concat(more.sets),
    calls: columns(data.calls, more.calls),
    waits: columns(data.waits, more.waits),
    reasons: data.reasons.concat(more.reasons),
  };
}
