/** The results as bars, in SVG that follows the reader's light or dark. */
import type { Result } from './peers.js';

const WIDTH = 760;
const NAME_WIDTH = 170;
const BAR_WIDTH = 400;
const BAR_HEIGHT = 22;
const TITLE_HEIGHT = 40;
const HEAD_HEIGHT = 70;

const escaped = (text: string) => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);

/** @param reference the name of the server whose CPU time is 1 */
export function chart(results: Result[], reference: string): string {
  const cells = [...new Set(results.map(({ cell }) => cell))];
  const ratio = (one: Result) => {
    const of = results.find(({ cell, peer }) => cell === one.cell && peer.name === reference) as Result;
    return one.cpuUs / of.cpuUs;
  };
  const most = Math.max(...results.map(ratio));
  let y = HEAD_HEIGHT;
  const parts: string[] = [];
  for (const cell of cells) {
    parts.push(`<text class="cell" x="0" y="${y + 24}">${escaped(cell.title)}</text>`);
    y += TITLE_HEIGHT;
    for (const one of results.filter((result) => result.cell === cell)) {
      const length = (ratio(one) / most) * BAR_WIDTH;
      const x = NAME_WIDTH + length + 8;
      parts.push(
        `<text class="name" x="${NAME_WIDTH - 8}" y="${y + 15}">${escaped(one.peer.name)}</text>`,
        `<rect x="${NAME_WIDTH}" y="${y + 2}" width="${length.toFixed(1)}" height="${BAR_HEIGHT - 6}" rx="2" fill="${one.peer.color}"/>`,
        `<text x="${x.toFixed(1)}" y="${y + 15}"><tspan class="ratio">${ratio(one).toFixed(2)}</tspan> ${one.cpuUs.toFixed(1)} µs</text>`,
      );
      y += BAR_HEIGHT;
    }
  }
  const height = y + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-20 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU time a message, beside ${escaped(reference)}">
<style>
  text { font: 13px system-ui, sans-serif; fill: #444; }
  .title { font-size: 18px; font-weight: 600; fill: #111; }
  .cell { font-size: 14px; font-weight: 600; fill: #111; }
  .name { text-anchor: end; }
  .ratio { font-weight: 600; fill: #111; }
  .paper { fill: #fff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #b8b8b8; }
    .title, .cell, .ratio { fill: #f2f2f2; }
    .paper { fill: #16181c; }
  }
</style>
<rect class="paper" x="-20" width="${WIDTH}" height="${height}"/>
<text class="title" x="0" y="36">CPU time an echoed message costs the server</text>
<text x="0" y="58">${escaped(reference)} is 1; the shorter, the better. ${escaped(process.version)}, ${process.platform} ${process.arch}</text>
${parts.join('\n')}
</svg>
`;
}
