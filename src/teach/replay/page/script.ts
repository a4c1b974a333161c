/** The page's script: its compiled text stands in the page behind that of the modules that it imports. */
import { Story, type StoryData } from '../../story/story.js';
import { followLive } from './live.js';
import { Page } from './player.js';
import { byId } from './svg.js';

/** The story, which is compressed in the page; null for a live page. */
async function load(): Promise<Story | null> {
  const base64 = atob((byId('story-data').textContent ?? '').trim());
  if (base64 === '') return null;
  const bytes = Uint8Array.from(base64, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Story(JSON.parse(await new Response(stream).text()) as StoryData);
}

/** A live page begins with the first wait, and grows. */
function live(): void {
  let page: Page | undefined;
  const say = (text: string) => {
    byId('live').textContent = text;
    byId('live').hidden = false;
  };
  say('waiting for the first wait');
  followLive(
    (data) => {
      const story = new Story(data);
      page ??= new Page(story, story.length);
      page.grow(story);
      say('live');
    },
    () => say('it has ended'),
  );
}

try {
  const story = await load();
  if (story) new Page(story);
  else live();
  performance.mark('ready');
} catch (err) {
  byId('trouble').textContent = `The recording cannot be shown: ${err}`;
  byId('trouble').hidden = false;
}
