/** Draws on a canvas in the colours of the style sheet. */

export class Brush {
  readonly #context: CanvasRenderingContext2D;
  readonly #style: CSSStyleDeclaration;

  constructor(context: CanvasRenderingContext2D, element: Element) {
    this.#context = context;
    this.#style = getComputedStyle(element);
  }

  rect(colour: string, x: number, y: number, width: number, height: number, alpha = 1): void {
    if (alpha <= 0 || width <= 0) return;
    this.#use(colour);
    this.#context.globalAlpha = alpha;
    this.#context.fillRect(x, y, width, height);
    this.#context.globalAlpha = 1;
  }

  dot(x: number, y: number): void {
    this.#use('--came');
    this.#context.beginPath();
    this.#context.arc(x, y, 3.6, 0, 2 * Math.PI);
    this.#context.fill();
  }

  /** The head of an arrow that comes from above, as of a send in the picture. */
  head(x: number, y: number): void {
    this.#use('--asked');
    this.#context.beginPath();
    this.#context.moveTo(x - 4, y - 8.5);
    this.#context.lineTo(x + 4, y - 8.5);
    this.#context.lineTo(x, y - 1.5);
    this.#context.fill();
  }

  cross(x: number, y: number): void {
    this.#context.strokeStyle = this.#style.getPropertyValue('--came');
    this.#context.lineWidth = 2;
    this.#context.beginPath();
    for (const sign of [1, -1]) {
      this.#context.moveTo(x - 4, y - 4 * sign);
      this.#context.lineTo(x + 4, y + 4 * sign);
    }
    this.#context.stroke();
  }

  text(words: string, x: number, y: number, kind: 'strong' | 'lane' | 'axis'): void {
    this.#use(kind === 'strong' ? '--ink' : '--quiet');
    const family = this.#style.getPropertyValue(kind === 'axis' ? '--mono' : '--sans');
    this.#context.font = `${kind === 'strong' ? '700 14px' : '400 13px'} ${family}`;
    this.#context.fillText(words, x, y);
  }

  #use(colour: string): void {
    this.#context.fillStyle = this.#style.getPropertyValue(colour);
  }
}
