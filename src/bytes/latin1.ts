/**
 * What `Buffer.toString` and `Buffer.write` call after checking their arguments: on short strings the checks cost as much
 * as the work. Present in every Node.js, though not in its documentation.
 */
interface Latin1 {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, at: number): number
}

/** The bytes from `start` to `end`, both within the buffer, as text with one character per byte. */
export function latin1Text(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1).latin1Slice(start, end)
}

/** Writes text with one byte per character; the caller has made room. Answers how many bytes that were. */
export function writeLatin1(bytes: Buffer, text: string, at: number): number {
  return (bytes as unknown as Latin1).latin1Write(text, at)
}
