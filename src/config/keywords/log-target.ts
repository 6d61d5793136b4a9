/** `log` and `log-stderr` lines (configuration.txt 4.2 "log"). */
import { parseIp } from '../../net/ip.ts'
import { defaults } from '../model/defaults.ts'
import type { LogAddress, LogTarget } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import { didYouMean } from '../../base/suggest.ts'
import { addressWord } from '../text/word.ts'
import type { Word } from '../text/word.ts'

const formats = ['local', 'rfc3164', 'rfc5424', 'priority', 'short', 'timed', 'iso', 'raw'] as const

const facilities =
  'kern user mail daemon auth syslog lpr news uucp cron auth2 ftp ntp audit alert cron2 local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  )

const levels = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const

/** Applies a `log` line to `logs`: adds a target, adds `global`, or empties the list for `no log`. */
export function applyLog(logs: LogTarget[], args: Args, allowGlobal: boolean): void {
  if (args.modifier === 'no') {
    if (args.end()) logs.length = 0
    return
  }
  if (args.peek()?.text === 'global' && args.remaining === 1) {
    if (allowGlobal) logs.push({ kind: 'global', place: args.place })
    else args.error('CFG_ARGUMENT', args.place, "'log global' stands in the global section itself")
    return
  }
  const target = readTarget(args)
  if (target !== undefined) logs.push(target)
}

function readTarget(args: Args): LogTarget | undefined {
  const address = args.expect('<address> and <facility>')
  if (address === undefined) return undefined
  let length: number | undefined = defaults.logLength
  if (args.accept('len')) length = args.integer('<length>', 80, 65535)
  if (length === undefined) return undefined
  let format: string | undefined
  if (args.accept('format')) {
    format = args.oneOf('<format>', formats)
    if (format === undefined) return undefined
  }
  if (args.peek()?.text === 'sample') {
    args.error('CFG_VALUE_UNSUPPORTED', args.peek()?.place ?? args.place, "'sample' is not implemented")
    args.skip(2)
  }
  const facility = args.oneOf('<facility>', facilities)
  if (facility === undefined) return undefined
  const level = args.remaining > 0 ? args.oneOf('<level>', levels) : 'debug'
  if (level === undefined) return undefined
  const minLevel = args.remaining > 0 ? args.oneOf('<minlevel>', levels) : 'emerg'
  if (minLevel === undefined || !args.end()) return undefined
  const to = readAddress(args, addressWord(address))
  if (to === undefined) return undefined
  return { kind: 'target', place: args.place, to, length, format, facility, level, minLevel }
}

function readAddress(args: Args, word: Word): LogAddress | undefined {
  const text = word.text
  if (text === 'stdout' || text === 'fd@1') return { type: 'stdout' }
  if (text === 'stderr' || text === 'fd@2') return { type: 'stderr' }
  if (/^fd@\d{1,6}$/.test(text)) return { type: 'fd', fd: Number(text.slice(3)) }
  if (text.startsWith('/')) return { type: 'unix', path: text }
  if (text.startsWith('unix@')) return { type: 'unix', path: text.slice(5) }
  if (/^(ring@|tcp[46]?@)/.test(text)) {
    const message = `'${text}': logs go to datagram sockets, stdout or stderr only`
    return args.error('CFG_VALUE_UNSUPPORTED', word.place, message)
  }
  return readUdp(args, word, text.replace(/^(udp[46]?|ipv[46])@/, ''))
}

const syslogPort = 514

function readUdp(args: Args, word: Word, text: string): LogAddress | undefined {
  const { host, port } = splitHost(text)
  // As for `bind`, any address of this machine: what is sent there stays here.
  if ((host === '' || host === '*') && text !== '' && port <= 65535)
    return { type: 'udp', host: '0.0.0.0', port }
  if (host !== '' && host !== 'global' && port <= 65535) return { type: 'udp', host, port }
  const hint =
    text === 'global'
      ? "'global' stands alone"
      : (didYouMean(text, ['stdout', 'stderr']) ?? 'use stdout, stderr, host:port or the path of a socket')
  return args.error('CFG_ADDRESS', word.place, `'${word.text}' is no place for logs`, hint)
}

/** Host and port; without a port it is syslog's own. A port that is no number is Infinity. */
function splitHost(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':')
  const isBare = colon < text.lastIndexOf(']') || parseIp(text) !== undefined
  const host = isBare ? text : text.slice(0, colon < 0 ? text.length : colon)
  const digits = isBare || colon < 0 ? '' : text.slice(colon + 1)
  const port = digits === '' ? syslogPort : Number(digits)
  const inner = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return { host: inner, port: /^\d*$/.test(digits) ? port : Number.POSITIVE_INFINITY }
}
