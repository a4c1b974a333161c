/** The page's script: its compiled text stands in the page behind that of the modules that it imports. */
import type { PageData } from '../../story/programs.js';
import { Story } from '../../story/story.js';
import { followLive } from './live.js';
import { Programs } from './programs.js';
import { byId } from './svg.js';

/** The programs, which are compressed in the page; null for a live page. */
async function load(): Promise<PageData | null> {
  const base64 = atob((byId('story-data').textContent ?? '').trim());
  if (base64 === '') return null;
  const bytes = Uint8Array.from(base64, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text()) as PageData;
}

/** A live page begins with the first wait, and grows. */
function live(): void {
  let page: Programs | undefined;
  const say = (text: string) => {
    byId('live').textContent = text;
    byId('live').hidden = false;
  };
  say('waiting for the first wait');
  followLive(
    (data) => {
      const story = new Story(data);
      page ??= new Programs({ programs: [data], messages: [] }, story.length);
      page.grow(story);
      say('live');
    },
    () => say('it has ended'),
  );
}

try {
  const data = await load();
  if (data) new Programs(data);
  else live();
  performance.mark('ready');
} catch (err) {
  byId('trouble').textContent = `The recording cannot be shown: ${err}`;
  byId('trouble').hidden = false;
}
