/** `--live`: the page that grows with a recording. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { warn } from '../loop/terminal.js';

export interface Live {
  /** the recording that the page shows */
  file: string;
  /** Gives the pages the rest, and ends them. */
  end(): Promise<void>;
}

/**
 * Serves the page of a recording that is about to be written, and says where.
 *
 * @param file the recording; undefined for one that nobody wants to keep
 * @throws OSError where the port cannot be listened on
 */
export async function startLive(file: string | undefined, host: string, port: number): Promise<Live> {
  const { LivePage } = await import('../teach/replay/live.js');
  const folder = file === undefined ? mkdtempSync(join(tmpdir(), 'posix-select-')) : undefined;
  const recording = file ?? join(folder as string, 'live.jsonl');
  closeSync(openSync(recording, 'w')); // what it held before is not live
  const { live, url } = await LivePage.open(recording, host, port);
  warn(`live: ${url}`);
  const end = async () => {
    await live.end();
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  return { file: recording, end };
}
