/** What stands before a log line, by the `format` of its target (configuration.txt 4.2 "log"). */
import type { LogDestination } from '../plan/log.ts'

/** What the headers are made of. */
export interface LogHeader {
  readonly priority: number
  /** Milliseconds since 1970. */
  readonly date: number
  readonly hostname: string
  readonly tag: string
  readonly pid: number
  /** The structured data of RFC 5424; empty for none. */
  readonly structured: string
}

/** The header, ready for the line to follow. */
export function formatLogHeader({ format }: LogDestination, header: LogHeader): string {
  const { priority, date, hostname, tag, pid, structured } = header
  switch (format) {
    case 'raw':
      return ''
    case 'short':
    case 'priority':
      return `<${priority}>`
    case 'timed':
      return `<${priority}>${isoDate(date)} `
    case 'iso':
      return `${isoDate(date)} ${tag}[${pid}]: `
    case 'rfc5424':
      return `<${priority}>1 ${isoDate(date)} ${hostname} ${tag} ${pid} - ${structured === '' ? '-' : structured} `
    case 'local':
      return `<${priority}>${syslogDate(date)} ${tag}[${pid}]: `
    default:
      return `<${priority}>${syslogDate(date)} ${hostname} ${tag}[${pid}]: `
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Nov  5 12:34:56`, local time. */
function syslogDate(date: number): string {
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
