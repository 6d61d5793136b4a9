/** Which bytes may stand where (RFC 9110 section 5.6.2, RFC 9112, RFC 3986). One table, one bit for each use. */

/** Bits of {@link characters}. */
export const Character = {
  /** tchar: methods, header names. */
  Token: 1,
  /** Request targets: visible ASCII but `#`, which would start a fragment. */
  Target: 2,
  /** Header values, reason phrases, chunk extensions: HTAB, space, visible ASCII, 0x80 to 0xff. */
  Text: 4,
  /** Names and IPv4 addresses of hosts: reg-name. */
  RegName: 8,
  /** Ports. */
  Digit: 16,
} as const

/** The uses that each byte is allowed for. */
export const characters: Uint8Array = buildTable()

function buildTable(): Uint8Array {
  const table = new Uint8Array(256)
  const allow = (text: string, bit: number) => {
    for (const each of text) table[each.charCodeAt(0)] = (table[each.charCodeAt(0)] ?? 0) | bit
  }
  const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
  allow(`${alphanumeric}!#$%&'*+-.^_\`|~`, Character.Token)
  allow(`${alphanumeric}-._~%!$&'()*+,;=`, Character.RegName)
  allow('0123456789', Character.Digit)
  for (let byte = 0x21; byte < 0x7f; byte++) {
    if (byte !== 0x23) allow(String.fromCharCode(byte), Character.Target)
    allow(String.fromCharCode(byte), Character.Text)
  }
  allow('\t ', Character.Text)
  for (let byte = 0x80; byte < 0x100; byte++) allow(String.fromCharCode(byte), Character.Text)
  return table
}

/** How a byte is shown in an error: `0x0a`. */
export function showByte(byte: number | undefined): string {
  return byte === undefined ? 'nothing' : `0x${byte.toString(16).padStart(2, '0')}`
}

/** Whether `text` is a token of at least one character: a method or a header name. */
export function isToken(text: string): boolean {
  return isMadeOf(text, Character.Token)
}

/** Whether `text` is not empty and every character of it may stand where `use` says. */
export function isMadeOf(text: string, use: number): boolean {
  return text.length > 0 && spanOf(text, 0, use) === text.length
}

/** Where the first character from `from` on stands that may not stand where `use` says; the length of the text when all may. */
export function spanOf(text: string, from: number, use: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0xff || ((characters[code] as number) & use) === 0) return at // 256 entries
  }
  return text.length
}

/** Whether `text` may be sent as a header value: no control character, one byte per character. */
export function isHeaderValue(text: string): boolean {
  return text === '' || isMadeOf(text, Character.Text)
}
