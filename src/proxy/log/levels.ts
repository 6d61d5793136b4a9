/** The facilities and levels of syslog, by the names that the configuration uses (RFC 5424 section 6.2.1). */

const facilities =
  'kern user mail daemon auth syslog lpr news uucp cron auth2 ftp ntp audit alert cron2 local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  )

const levels = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const

/** How urgent a line is. */
export type LogLevel = (typeof levels)[number]

/** 0 to 23. */
export function facilityNumber(name: string): number {
  return Math.max(0, facilities.indexOf(name))
}

/** 0, the most urgent, to 7. */
export function levelNumber(name: string): number {
  const at = levels.findIndex((each) => each === name)
  return at < 0 ? levels.length - 1 : at
}
