/** Bytes written as hex digits. */
import { Buffer } from 'node:buffer'

/** The bytes of an even number of hex digits, or undefined. */
export function parseHex(text: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : undefined
}
