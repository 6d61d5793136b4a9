/**
 * Unsigned integers of the network's byte order, out of bytes that are known to be there. V8 looks up each method of a
 * Buffer anew wherever it is called, which costs more than the four bytes.
 */

/** Two bytes at `at`. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** Four bytes at `at`. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 0x100_0000 + ((uint16At(bytes, at + 1) << 8) | (bytes[at + 3] as number))
}
