/** Values as Python prints them. */

/** What Python's `str.isprintable` says no to: controls, format characters, unassigned ones, separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const UNPRINTABLE_ALL = new RegExp(UNPRINTABLE, 'gu');

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** How each byte stands in a bytes literal; the quotes are not yet escaped. */
const BYTES = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  if (char === '\\') return '\\\\';
  if (NAMED[char]) return NAMED[char];
  return byte >= 0x20 && byte < 0x7f ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
});

/** Single quotes, unless the text has some and no double ones. */
function quote(text: string, prefix = ''): string {
  if (text.includes("'")) {
    if (!text.includes('"')) return `${prefix}"${text}"`;
    return `${prefix}'${text.replaceAll("'", "\\'")}'`;
  }
  return `${prefix}'${text}'`;
}

function reprBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BYTES[byte];
  return quote(text, 'b');
}

function escapeChar(char: string): string {
  if (NAMED[char]) return NAMED[char];
  const code = char.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

/**
 * Python's `repr`: bytes as `b'hi\n'`, strings as `'hi'`, arrays (addresses) as tuples `('127.0.0.1', 80)`,
 * null as `None`.
 *
 * @see Python's repr
 */
export function repr(value: unknown): string {
  if (typeof value === 'string') {
    return quote(value.replaceAll('\\', '\\\\').replace(UNPRINTABLE_ALL, escapeChar));
  }
  if (value instanceof Uint8Array) return reprBytes(value);
  if (Array.isArray(value)) return `(${value.map(repr).join(', ')}${value.length === 1 ? ',' : ''})`;
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  return String(value);
}

/** A wrong argument in the message of an error: `undefined` and `[null, true]` as JavaScript writes them, the rest as `repr`. */
export function shown(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? `[${value.map(shown).join(', ')}]` : repr(value);
}
