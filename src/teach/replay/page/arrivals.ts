/** What lies in the kernel when a wait ends: a tag, and a bar to the call that takes it. */
import { arrivalOf, arrivedBytes, bytesText } from '../../story/sentences.js';
import type { StoryReason } from '../../story/story.js';
import { bitX, type Scene } from './scene.js';
import { svg, textWidth } from './svg.js';

/** What lies in the kernel: a tag at the end of the sleep, and a bar to the call that takes it. */
export function arrivals(scene: Scene): SVGElement[] {
  const { answer, end, isNarrow, work } = scene.columns;
  return scene.wait.reasons.flatMap((reason) => {
    const i = scene.rows.findIndex(({ lives }) => lives.includes(reason.life));
    const words = tagText(reason);
    if (i < 0 || words === '' || scene.rows[i]?.isMany) return [];
    const y = scene.middles[i] ?? 0;
    const taken = scene.placed.marks.find((mark) => mark.kind === 'up' && mark.life === reason.life)?.x;
    const x = answer + bitX(scene, reason.set ?? 'read');
    const tagEnd = answer - 8;
    const barEnd = scene.prediction
      ? tagEnd
      : isNarrow
        ? x
        : reason.set === 'write'
          ? x
          : (taken ?? (scene.placed.hidden > 0 ? work : end));
    const width = textWidth(words, 14, 600) + 16;
    const parts =
      barEnd > tagEnd ? [svg('line', { class: 'bar-came', x1: tagEnd, x2: barEnd, y1: y, y2: y })] : [];
    parts.push(
      svg(
        'rect',
        { class: 'tag', x: tagEnd - width, y: y - 14, width, height: 28, rx: 6 },
        svg(
          'title',
          {},
          'It had come by then; when exactly, the recording of the program alone does not say.',
        ),
      ),
      svg('text', { class: 'tagtext', x: tagEnd - width / 2, y: y + 5, 'text-anchor': 'middle' }, words),
    );
    return parts;
  });
}

/** What lies in the kernel, in a word. */
export function tagText(reason: StoryReason): string {
  switch (arrivalOf(reason)) {
    case 'connection':
      return 'a connection';
    case 'bytes':
      return bytesText(arrivedBytes(reason));
    case 'end':
      return 'the end';
    case 'reset':
      return 'a reset';
    case 'room':
      return 'room';
    case 'connected':
      return 'connected';
    case 'urgent':
      return 'urgent data';
    case 'stop':
      return 'stop';
    default:
      return reason.life >= 0 ? 'ready' : '';
  }
}
