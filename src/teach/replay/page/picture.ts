/** The picture of one wait: the program, the kernel, a row for each descriptor; from left to right what happens. */
import { arrivals } from './arrivals.js';
import { rowBits } from './bits.js';
import { ground, programBar, rowLine, setNames, waitArrows } from './frame.js';
import type { Scene } from './scene.js';
import { svg } from './svg.js';
import { workMarks } from './work.js';

/** @param label the same in words */
export function picture(scene: Scene, width: number, label: string): SVGElement {
  const { rows, height } = scene;
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': label },
    ...ground(scene, width),
    ...programBar(scene),
    ...rows.flatMap((row, i) => rowLine(scene, row, i)),
    ...setNames(scene),
    ...waitArrows(scene),
    ...arrivals(scene),
    ...rows.flatMap((row, i) => rowBits(scene, row, i)),
    ...workMarks(scene),
  );
}
