/**
 * The variable-length integer of SPOP and of HAProxy's peers protocol, as `req.hdrs_bin` writes lengths
 * (SPOE.txt 3.1). Encoding only; the decoder and the whole 64-bit range are in spop/, which this layer may not import.
 */

/** Appends the bytes of `value`, a whole number below 2^31, to `into`. */
export function pushVarint(value: number, into: number[]): void {
  if (value < 240) {
    into.push(value)
    return
  }
  into.push((value & 0x0f) | 0xf0)
  let rest = (value - 240) >>> 4
  while (rest >= 128) {
    into.push((rest & 0x7f) | 0x80)
    rest = (rest - 128) >>> 7
  }
  into.push(rest)
}
