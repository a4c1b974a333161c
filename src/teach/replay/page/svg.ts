/** Small helpers to make elements and to measure text. */

const SVG = 'http://www.w3.org/2000/svg';

type Attributes = Record<string, string | number>;

/** An element of SVG; strings become text. */
export function svg(name: string, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** An element of HTML; strings become text. */
export function html(name: string, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const SANS = '"Atkinson Hyperlegible Next Variable", system-ui, sans-serif';
const MONO = '"Atkinson Hyperlegible Mono Variable", ui-monospace, monospace';

let context: CanvasRenderingContext2D | null | undefined;

/** Pixels of a text; the fonts are those of the style sheet. */
export function textWidth(text: string, size: number, weight = 400, isMono = false): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (!context) return text.length * size * 0.6;
  context.font = `${weight} ${size}px ${isMono ? MONO : SANS}`;
  return context.measureText(text).width;
}

/** A text that fits, with dots where it was cut. */
export function fitted(text: string, width: number, size: number, weight = 400, isMono = false): string {
  if (textWidth(text, size, weight, isMono) <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (textWidth(`${text.slice(0, middle)}…`, size, weight, isMono) <= width) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}

/** A name that fits: of an address that is too long, the port is left. */
export function fittedName(name: string, width: number, size: number, weight = 400): string {
  const [, port] = /^.*:(\d+)$/.exec(name) ?? [];
  const isShort = port !== undefined && textWidth(name, size, weight) > width;
  return fitted(isShort ? `port ${port}` : name, width, size, weight);
}
