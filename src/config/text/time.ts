/** Times as configuration.txt 2.5 writes them: a number and `us`, `ms` (the default), `s`, `m`, `h` or `d`. */

/** The longest time HAProxy accepts, in milliseconds (about 24.8 days). */
const maxTime = 0x7fff_ffff

const unitsInMicroseconds = new Map([
  ['us', 1],
  ['ms', 1000],
  ['', 1000],
  ['s', 1_000_000],
  ['m', 60_000_000],
  ['h', 3_600_000_000],
  ['d', 86_400_000_000],
])

/** What a time is, or what is wrong with it. `junk`: characters after the unit, which HAProxy 2.6 only warns about. */
export type ParsedTime = { readonly ms: number; readonly junk: string } | { readonly problem: string }

/** Milliseconds, rounded up. */
export function parseTime(text: string): ParsedTime {
  const match = /^(\d+)(us|ms|s|m|h|d|)(.*)$/s.exec(text)
  const [, digits = '', unit = '', junk = ''] = match ?? []
  const factor = unitsInMicroseconds.get(unit)
  if (match === null || factor === undefined || (unit === '' && junk !== '')) {
    return { problem: `'${text}' is not a time` }
  }
  const ms = Math.ceil((Number(digits) * factor) / 1000)
  if (ms > maxTime) return { problem: `'${text}' is longer than ${maxTime} ms (about 24.8 days)` }
  return { ms, junk }
}
