/** Longer ones cost no less than a call into the runtime. In bytes. */
const longest = 16

/**
 * Short text of ASCII, made here: the runtime's reading of UTF-8 costs nearly twice as much. Undefined when it is longer, or anything
 * else, or stands at the end of the buffer: so many bytes are read whatever the text has, for the number of parameters of a call is
 * no variable, and what is too many is cut off.
 */
export function shortText(bytes: Buffer, at: number, count: number): string | undefined {
  if (count > longest || at + longest > bytes.length) return undefined
  let all = 0
  for (let index = 0; index < count; index++) all |= bytes[at + index] as number // the buffer goes on
  if (all > 127) return undefined
  const text = sixteenAt(bytes, at)
  return count === longest ? text : text.substring(0, count)
}

/** One call with sixteen parameters; the caller has checked that they are there. */
function sixteenAt(bytes: Buffer, at: number): string {
  return String.fromCharCode(
    bytes[at] as number,
    bytes[at + 1] as number,
    bytes[at + 2] as number,
    bytes[at + 3] as number,
    bytes[at + 4] as number,
    bytes[at + 5] as number,
    bytes[at + 6] as number,
    bytes[at + 7] as number,
    bytes[at + 8] as number,
    bytes[at + 9] as number,
    bytes[at + 10] as number,
    bytes[at + 11] as number,
    bytes[at + 12] as number,
    bytes[at + 13] as number,
    bytes[at + 14] as number,
    bytes[at + 15] as number,
  )
}
