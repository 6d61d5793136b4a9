/** strftime in the C locale, and the date forms of HAProxy's logs. */

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** A moment broken into its parts, in UTC or in local time. */
interface Parts {
  readonly year: number
  /** 0 to 11 */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 0 to 365 */
  readonly yearDay: number
  /** East of UTC. */
  readonly offsetMinutes: number
  readonly epoch: number
  readonly utc: boolean
}

function breakDown(epoch: number, utc: boolean): Parts {
  const moment = new Date(epoch * 1000)
  const offsetMinutes = utc ? 0 : -moment.getTimezoneOffset()
  const shown = utc ? moment : new Date(moment.getTime() + offsetMinutes * 60_000)
  const year = shown.getUTCFullYear()
  return {
    year,
    month: shown.getUTCMonth(),
    day: shown.getUTCDate(),
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
    weekday: shown.getUTCDay(),
    yearDay: Math.floor((shown.getTime() - Date.UTC(year, 0, 1)) / 86_400_000),
    offsetMinutes,
    epoch,
    utc,
  }
}

const pad = (value: number, width = 2, fill = '0'): string => String(value).padStart(width, fill)

function zone({ offsetMinutes }: Parts): string {
  const size = Math.abs(offsetMinutes)
  return `${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`
}

/** ISO 8601: weeks start on Monday, and the first has the year's first Thursday. */
function isoWeek({ year, yearDay, weekday }: Parts): { year: number; week: number } {
  const week = Math.floor((yearDay - ((weekday + 6) % 7) + 10) / 7)
  if (week < 1) return { year: year - 1, week: weeksIn(year - 1) }
  return week > weeksIn(year) ? { year: year + 1, week: 1 } : { year, week }
}

function weeksIn(year: number): number {
  const first = new Date(Date.UTC(year, 0, 1)).getUTCDay()
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return first === 4 || (leap && first === 3) ? 53 : 52
}

const hour12 = (parts: Parts): number => parts.hour % 12 || 12

const conversions: ReadonlyMap<string, (parts: Parts) => string> = new Map<string, (parts: Parts) => string>([
  ['a', (p) => (days[p.weekday] ?? '').slice(0, 3)],
  ['A', (p) => days[p.weekday] ?? ''],
  ['b', (p) => (months[p.month] ?? '').slice(0, 3)],
  ['h', (p) => (months[p.month] ?? '').slice(0, 3)],
  ['B', (p) => months[p.month] ?? ''],
  ['c', (p) => formatParts('%a %b %e %H:%M:%S %Y', p)],
  ['C', (p) => pad(Math.floor(p.year / 100))],
  ['d', (p) => pad(p.day)],
  ['D', (p) => formatParts('%m/%d/%y', p)],
  ['e', (p) => pad(p.day, 2, ' ')],
  ['F', (p) => formatParts('%Y-%m-%d', p)],
  ['g', (p) => pad(isoWeek(p).year % 100)],
  ['G', (p) => String(isoWeek(p).year)],
  ['H', (p) => pad(p.hour)],
  ['I', (p) => pad(hour12(p))],
  ['j', (p) => pad(p.yearDay + 1, 3)],
  ['k', (p) => pad(p.hour, 2, ' ')],
  ['l', (p) => pad(hour12(p), 2, ' ')],
  ['m', (p) => pad(p.month + 1)],
  ['M', (p) => pad(p.minute)],
  ['n', () => '\n'],
  ['p', (p) => (p.hour < 12 ? 'AM' : 'PM')],
  ['P', (p) => (p.hour < 12 ? 'am' : 'pm')],
  ['r', (p) => formatParts('%I:%M:%S %p', p)],
  ['R', (p) => formatParts('%H:%M', p)],
  ['s', (p) => String(Math.floor(p.epoch))],
  ['S', (p) => pad(p.second)],
  ['t', () => '\t'],
  ['T', (p) => formatParts('%H:%M:%S', p)],
  ['u', (p) => String(p.weekday || 7)],
  ['U', (p) => pad(Math.floor((p.yearDay + 7 - p.weekday) / 7))],
  ['V', (p) => pad(isoWeek(p).week)],
  ['w', (p) => String(p.weekday)],
  ['W', (p) => pad(Math.floor((p.yearDay + 7 - ((p.weekday + 6) % 7)) / 7))],
  ['x', (p) => formatParts('%m/%d/%y', p)],
  ['X', (p) => formatParts('%H:%M:%S', p)],
  ['y', (p) => pad(((p.year % 100) + 100) % 100)],
  ['Y', (p) => String(p.year)],
  ['z', zone],
  ['Z', (p) => (p.utc ? 'GMT' : zoneName(p))],
  ['%', () => '%'],
])

function zoneName(parts: Parts): string {
  if (parts.offsetMinutes === 0) return 'UTC'
  const shown = new Date(parts.epoch * 1000).toLocaleTimeString('en-US', { timeZoneName: 'short' })
  return shown.slice(shown.lastIndexOf(' ') + 1)
}

function formatParts(format: string, parts: Parts): string {
  return format.replace(
    /%[EO]?(.)/gs,
    (written, letter: string) => conversions.get(letter)?.(parts) ?? written,
  )
}

/**
 * Seconds since 1970 as C's strftime writes them. An empty string when no date is so far away. Conversions that C
 * does not have stay as they are.
 */
export function strftime(format: string, epoch: number, utc: boolean): string {
  return Number.isNaN(new Date(epoch * 1000).getTime()) ? '' : formatParts(format, breakDown(epoch, utc))
}

/** Lines of one second have one date. */
let lastSecond = Number.NaN
let lastDate = ''

/** `02/Jan/2006:15:04:05.678`, in local time: `%t` and `%tr`. */
export function formatLogDate(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000)
  const rest = Math.floor(milliseconds) - whole * 1000
  if (whole !== lastSecond) {
    lastSecond = whole
    lastDate = strftime('%d/%b/%Y:%H:%M:%S', whole, false)
  }
  return `${lastDate}.${pad(rest, 3)}`
}

/** `02/Jan/2006:15:04:05 +0100`: `%T` and `%trg` in UTC, `%Tl` and `%trl` in local time. */
export function formatClfDate(milliseconds: number, utc: boolean): string {
  return strftime('%d/%b/%Y:%H:%M:%S %z', Math.floor(milliseconds / 1000), utc)
}
