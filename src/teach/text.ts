/** How many columns of a terminal a text takes: a Chinese character takes two, an accent of its own none. */
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';

/** It knows where the cursor stands behind a prompt. */
const ruler = createInterface({ input: new PassThrough() });

/** A style's escape sequence, or a character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with ESC
const PART = /(\x1b\[\d*m)|./gsu;

/** Styles take none. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  ruler.setPrompt(text);
  return ruler.getCursorPos().cols;
}

/** A line that is too long for the columns ends in dots; its styles stay. */
export function truncate(line: string, columns: number): string {
  if (displayWidth(line) <= columns) return line;
  let room = columns - 1;
  let text = '';
  let isCut = false;
  for (const [part, style] of line.matchAll(PART)) {
    const needed = style ? 0 : displayWidth(part);
    if (style || (!isCut && needed <= room)) {
      text += part;
      room -= needed;
    } else if (!isCut) {
      isCut = true;
      if (columns > 0) text += '…';
    }
  }
  return text;
}

export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(columns - displayWidth(text), 0));
}

/** A hanging indent leaves this much room at least. */
const ROOM = 20;

/**
 * A line in as many as it needs, broken between its words; a word too long for a line is left whole.
 *
 * @param indent columns before what goes on below, unless given four more than the line's own
 */
export function wrap(line: string, columns: number, indent?: number): string[] {
  const [margin] = line.match(/^ */) as RegExpMatchArray;
  const below = ' '.repeat(indent ?? margin.length + 4);
  const width = Math.max(columns, (indent ?? 0) + ROOM);
  if (displayWidth(line) <= width) return [line];
  const lines: string[] = [];
  let text = margin;
  let isBegun = false;
  for (const word of line.trimStart().split(' ')) {
    // What hangs is not torn from its label.
    const mayEnd = isBegun && text.length >= (indent ?? 0);
    if (mayEnd && displayWidth(`${text} ${word}`) > width) {
      lines.push(text);
      text = below + word;
    } else {
      text += isBegun ? ` ${word}` : word;
    }
    isBegun = true;
  }
  return [...lines, text];
}

/** How wide a stream is: 80 columns where it is no terminal; COLUMNS in the environment says otherwise. */
export function pageWidth(stream: NodeJS.WriteStream): number {
  return Number(process.env.COLUMNS) || stream.columns || 80;
}

/** A duration in words: `1.5 s`, `12.3 ms`. */
export function durationText(seconds: number): string {
  if (seconds >= 1) return `${Number(seconds.toFixed(3))} s`;
  return `${Number((seconds * 1000).toPrecision(3))} ms`;
}
