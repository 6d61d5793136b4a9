/** Durations, rates and numbers on the command line of `sluice bench`: what is wrong is named, with what would be right. */
import { UsageError } from '../base/errors.ts'
import type { Stage } from '../load/schedule.ts'

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const longest = 24 * 3_600_000

function refuse(flag: string, given: string, wanted: string): never {
  throw new UsageError('ERR_SLUICE_OPTION', `${flag} ${given}: wanted ${wanted}`)
}

/** Milliseconds of `500us`, `250ms`, `10s`, `1.5m`. A unit is wanted: 10 could be either of two. */
export function parseDuration(flag: string, given: string, least = 0, most = longest): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)(us|ms|s|m|h)$/.exec(given)
  const value = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN)
  if (value >= least && value <= most) return value
  return refuse(
    flag,
    given,
    `a duration with its unit, such as 250ms or 10s, from ${formatDuration(least)} to ${formatDuration(most)}`,
  )
}

/** `1.5s`, in the largest unit that is not below 1. */
export function formatDuration(ms: number): string {
  const [unit, factor] = Object.entries(units).findLast(([, each]) => ms >= each) ?? ['ms', 1]
  return `${Number((ms / factor).toFixed(3))}${unit}`
}

/** A whole number between two others. */
export function parseWhole(flag: string, given: string, least: number, most: number): number {
  const value = Number(given)
  if (/^\d{1,15}$/.test(given) && value >= least && value <= most) return value
  return refuse(flag, given, `a whole number from ${least} to ${most}`)
}

/** More than this no process sends. */
const mostRate = 5_000_000

/** So many a second; a fraction is one in several seconds. `1k` and `1.5m` are thousands and millions. */
export function parseRate(flag: string, given: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([km]?)$/i.exec(given)
  const factor = { '': 1, k: 1000, m: 1e6 }[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN
  const value = Number(match?.[1]) * factor
  if (value > 0 && value <= mostRate) return value
  return refuse(flag, given, `exchanges a second, such as 500 or 20k, above 0 and up to ${mostRate}`)
}

/** `10s:1000,30s:1000-5000`: stretches of time with their rate, or with one that grows evenly. */
export function parseStages(flag: string, given: string): Stage[] {
  return given.split(',').map((text) => {
    const match = /^([^:]+):([^-:]+)(?:-([^-:]+))?$/.exec(text)
    if (match === null)
      refuse(flag, text, 'DURATION:RATE or DURATION:FROM-TO, such as 10s:1000 or 30s:1000-5000')
    const duration = parseDuration(flag, match[1] ?? '', 10)
    const from = parseRate(flag, match[2] ?? '')
    return { duration, from, to: match[3] === undefined ? from : parseRate(flag, match[3]) }
  })
}

/** `20ms` or `20ms-50ms`. */
export function parseDelay(flag: string, given: string): readonly [least: number, most: number] {
  const [from = '', to = from] = given.split('-')
  const [least, most] = [parseDuration(flag, from), parseDuration(flag, to)]
  if (least <= most) return [least, most]
  return refuse(flag, given, 'DELAY or LEAST-MOST, the first not above the second')
}
