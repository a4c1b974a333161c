/** The README's pictures are what `npm run pictures` makes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { withBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { Process } from '../support/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEPT = join(ROOT, 'docs/pictures');

/** Pixels that may differ: another version of chromium draws the edges of letters in another way. */
const MAX_SHARE = 0.03;

const browser = withBrowser();

needs('chromium')('they are what the script makes', async () => {
  const made = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  const script = new Process(process.execPath, [join(ROOT, 'src/pictures.mjs'), made]);
  expect(await script.exit, script.stderr).toBe(0);
  const [svg, keptSvg] = [made, KEPT].map((folder) => readFileSync(join(folder, 'explain.svg'), 'utf8'));
  expect(svg).toBe(keptSvg);
  for (const name of ['page-light.png', 'page-dark.png']) {
    const [png, keptPng] = [made, KEPT].map((folder) => readFileSync(join(folder, name)).toString('base64'));
    if (png !== keptPng)
      expect(await differing(png as string, keptPng as string), name).toBeLessThan(MAX_SHARE);
  }
});

/** The share of pixels that differ; all where the sizes do. */
async function differing(...pngs: [string, string]): Promise<number> {
  const page = await browser().newPage();
  onTestFinished(() => page.close());
  return await page.evaluate(async (pngs) => {
    const pixels = await Promise.all(
      pngs.map(async (png) => {
        const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
        const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
        context?.drawImage(image, 0, 0);
        return context?.getImageData(0, 0, image.width, image.height).data ?? new Uint8ClampedArray();
      }),
    );
    const [a, b] = pixels as [Uint8ClampedArray, Uint8ClampedArray];
    if (a.length !== b.length) return 1;
    const far = a.filter((value, i) => Math.abs(value - (b[i] ?? 0)) > 40);
    return far.length / a.length;
  }, pngs);
}
