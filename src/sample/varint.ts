/**
 * The variable-length integer of SPOP and of HAProxy's peers protocol, as `req.hdrs_bin` writes lengths
 * (SPOE.txt 3.1). Encoding only; the decoder and the whole 64-bit range are in spop/, which this layer may not import.
 */

/** How many bytes {@link writeVarint} takes for `value`, a whole number below 2^31. */
export function varintSize(value: number): number {
  if (value < 240) return 1
  let size = 2
  for (let rest = (value - 240) >>> 4; rest >= 128; rest = (rest - 128) >>> 7) size++
  return size
}

/** Writes `value` into `bytes` at an offset, and returns the offset behind it. */
export function writeVarint(value: number, bytes: Uint8Array, at: number): number {
  if (value < 240) {
    bytes[at] = value
    return at + 1
  }
  bytes[at] = value | 0xf0
  let end = at + 1
  let rest = (value - 240) >>> 4
  for (; rest >= 128; rest = (rest - 128) >>> 7) bytes[end++] = rest | 0x80
  bytes[end] = rest
  return end + 1
}
