/** A page that grows: the server sends what has come since the last message. */
import type { StoryData } from '../../story/story.js';

interface Message {
  isNew: boolean;
  more: StoryData;
}

/**
 * @param grown is called with the whole story after each message, and at the end
 * @param ended is called when there is no more
 */
export function followLive(grown: (data: StoryData) => void, ended: () => void): void {
  let data: StoryData | undefined;
  const end = () => {
    if (data) grown(data);
    ended();
  };
  const events = new EventSource('events');
  events.addEventListener('message', ({ data: text }) => {
    const { isNew, more } = JSON.parse(text) as Message;
    data = isNew || !data ? more : appended(data, more);
    grown({ ...data, isLive: true });
  });
  events.addEventListener('end', () => {
    events.close();
    end();
  });
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) end();
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
