/**
 * What stands before a log line, by the `format` of its target (configuration.txt 4.2 "log"). HAProxy does not do all that
 * its manual says: see the comments of `formatLogHeader` (`build_log_header` in src/log.c).
 */
import type { LogDestination } from '../plan/log.ts'

/** What the headers are made of. */
export interface LogHeader {
  readonly facility: number
  readonly level: number
  /** Milliseconds since 1970. */
  readonly date: number
  /** `log-send-hostname`; undefined without it. */
  readonly hostname: string | undefined
  readonly tag: string
  readonly pid: number
  /** The structured data of RFC 5424; empty for none. */
  readonly structured: string
}

/** The header, ready for the line to follow. */
export function formatLogHeader({ format }: LogDestination, header: LogHeader): string {
  const { facility, level, date, hostname, tag, pid, structured } = header
  const priority = `<${facility * 8 + level}>`
  switch (format) {
    case 'raw':
      return ''
    case 'iso':
      // The manual promises the tag, too.
      return `${isoDate(date)} `
    case 'short':
      // As systemd takes it: the level alone.
      return `<${level}>`
    case 'timed':
      return `<${level}>${isoDate(date)} `
    case 'priority':
      return priority
    case 'rfc5424': {
      const data = structured === '' ? '-' : structured
      return `${priority}1 ${isoDate(date)} ${hostname ?? '-'} ${tag} ${pid} - ${data} `
    }
    case 'rfc3164':
      return `${priority}${syslogDate(date)} ${hostname ?? 'localhost'} ${tag}[${pid}]: `
    case 'local':
      return `${priority}${syslogDate(date)} ${tag}[${pid}]: `
    default: {
      const host = hostname === undefined ? '' : `${hostname} `
      return `${priority}${syslogDate(date)} ${host}${tag}[${pid}]: `
    }
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Lines of one second have one date. */
let lastSecond = Number.NaN
let lastDate = ''

function syslogDate(date: number): string {
  const second = Math.floor(date / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastDate = formatSyslogDate(date)
  }
  return lastDate
}

/** `Nov  5 12:34:56`, local time. */
function formatSyslogDate(date: number): string {
  const at = new Date(date)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = String(at.getDate()).padStart(2, ' ')
  return `${months[at.getMonth()]} ${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `2026-11-20T12:34:56.123456+01:00`, local time. */
function isoDate(date: number): string {
  const at = new Date(date)
  const offset = -at.getTimezoneOffset()
  const local = new Date(date + offset * 60_000).toISOString().slice(0, 23)
  const two = (value: number) => String(value).padStart(2, '0')
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
  return `${local}000${zone}`
}
