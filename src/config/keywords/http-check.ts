/** `option httpchk` and `http-check` (configuration.txt 4.2): `connect`, `send` and `expect`. */
import { defaultRound } from '../draft/http-check.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import type { CheckText, HttpCheckConnect, HttpCheckRound, HttpExpect } from '../model/http-check.ts'
import type { Args } from '../text/args.ts'
import type { Place } from '../text/diagnostics.ts'
import { addressWord } from '../text/word.ts'
import type { Word } from '../text/word.ts'
import type { Keyword } from './keyword.ts'
import { backends } from './proxy-keyword.ts'

/** `option httpchk [<method>] [<uri>] [<version>]`: with one word it is the URI. It is about the first round. */
function applyHttpchk(proxy: ProxyDraft, args: Args): void {
  const words = [args.next(), args.next(), args.next()].map((word) => word?.text)
  if (!args.end()) return
  const [method, uri] = words[1] === undefined ? [undefined, words[0]] : words
  dropInherited(proxy)
  const [first, ...others] = proxy.httpChecks.rounds
  const asked = {
    ...first,
    method: method ?? first.method,
    uri: uri ?? first.uri,
    version: words[2] ?? first.version,
  }
  proxy.httpChecks = { rounds: [asked, ...others] }
  proxy.options.httpCheck = proxy.httpChecks
  proxy.options.spopCheck = false
}

/** What HAProxy 2.6 has of it, and is not here. */
const isHaproxys = (name: string): boolean =>
  /^(?:disable-on-404|send-state|unset-var\(.*\)|set-var(?:-fmt)?\(.*\))$/.test(name)

/** HAProxy has one list of rules for each section, and takes the one of `defaults` only where a section has none. */
function dropInherited(proxy: ProxyDraft): void {
  if (proxy.hasInheritedChecks) proxy.httpChecks = { rounds: [defaultRound] }
  proxy.hasInheritedChecks = false
}

function applyHttpCheck(proxy: ProxyDraft, args: Args): void {
  dropInherited(proxy)
  const word = args.expect("'connect', 'send' or 'expect'")
  if (word === undefined) return
  proxy.httpCheckPlace ??= args.place
  if (word.text === 'connect') applyConnect(proxy, args, word.place)
  else if (word.text === 'send') applySend(proxy, args, word.place)
  else if (word.text === 'expect') applyExpect(proxy, args, word.place)
  else if (word.text === 'comment') args.expect('<text>')
  else {
    const hint = "of http-check there are 'connect', 'send' and 'expect'"
    const code = isHaproxys(word.text) ? 'CFG_VALUE_UNSUPPORTED' : 'CFG_ARGUMENT'
    args.error(code, word.place, `'http-check ${word.text}' is not there`, hint)
    return
  }
  if (proxy.options.httpCheck !== undefined) proxy.options.httpCheck = proxy.httpChecks
}

const roundOf = ({ httpChecks: { rounds } }: ProxyDraft): HttpCheckRound => rounds.at(-1) ?? rounds[0]

function changeRound(proxy: ProxyDraft, changes: Partial<HttpCheckRound>): void {
  const [first, ...others] = proxy.httpChecks.rounds
  const last = others.pop()
  const rounds = last === undefined ? [] : [...others, { ...last, ...changes }]
  proxy.httpChecks = { rounds: [last === undefined ? { ...first, ...changes } : first, ...rounds] }
}

/** HAProxy wants `connect`, `send` and `expect` in this order, again and again, once there is a `connect`. */
function applyConnect(proxy: ProxyDraft, args: Args, place: Place): void {
  const connect = readConnect(args)
  if (connect === undefined) return
  const round = roundOf(proxy)
  const isUntouched = proxy.httpChecks.rounds.length === 1 && round.connect === undefined
  if (isUntouched && (round.isSaid || round.expects.length > 0)) {
    return args.error('CFG_ARGUMENT', place, "a check with 'http-check connect' begins with one")
  }
  if (isUntouched) return changeRound(proxy, { connect })
  if (!round.isSaid || round.expects.length === 0) {
    const missing = round.isSaid ? 'expect' : 'send'
    return args.error('CFG_ARGUMENT', place, `'http-check ${missing}' is missing before it`)
  }
  const [first, ...others] = proxy.httpChecks.rounds
  proxy.httpChecks = { rounds: [first, ...others, { ...defaultRound, connect }] }
}

const unsupportedConnect = new Set(['ssl', 'sni', 'alpn', 'send-proxy', 'via-socks4'])

function readConnect(args: Args): HttpCheckConnect | undefined {
  let connect: HttpCheckConnect = { isDefault: false, proto: undefined, port: undefined, address: undefined }
  for (let word = args.peek(); word !== undefined; word = args.peek()) {
    const changes = readConnectWord(args, word)
    if (changes === undefined) return undefined
    connect = { ...connect, ...changes }
  }
  return connect
}

/** Undefined after a complaint. */
function readConnectWord(args: Args, word: Word): Partial<HttpCheckConnect> | undefined {
  args.skip(1)
  switch (word.text) {
    case 'default':
      return { isDefault: true }
    // Closed with a FIN, or with a RST: it makes no difference to the check.
    case 'linger':
      return {}
    case 'comment':
      return args.expect('<text>') === undefined ? undefined : {}
    case 'port':
      return readPort(args)
    case 'addr': {
      const address = args.expect('<address>')
      return address === undefined ? undefined : { address: addressWord(address) }
    }
    case 'proto': {
      const proto = args.oneOf('<name>', ['fcgi', 'h1'])
      return proto === undefined ? undefined : { proto }
    }
    default:
      if (unsupportedConnect.has(word.text)) {
        return args.error('CFG_VALUE_UNSUPPORTED', word.place, `'${word.text}' of checks is not there`)
      }
      return args.error('CFG_ARGUMENT', word.place, `unknown argument '${word.text}'`)
  }
}

/** HAProxy takes an expression, too. */
function readPort(args: Args): Partial<HttpCheckConnect> | undefined {
  const word = args.peek()
  if (word !== undefined && /^[a-z]/.test(word.text)) {
    return args.error('CFG_VALUE_UNSUPPORTED', word.place, 'expressions in health checks are not there')
  }
  const port = args.integer('<port>', 1, 65_535)
  return port === undefined ? undefined : { port }
}

function applySend(proxy: ProxyDraft, args: Args, place: Place): void {
  const round = roundOf(proxy)
  if (round.isSaid || round.expects.length > 0) {
    return args.error('CFG_ARGUMENT', place, "'http-check connect' is missing before it")
  }
  let changes: Partial<HttpCheckRound> = {}
  const headers: [string, CheckText][] = []
  for (let word = args.next(); word !== undefined; word = args.next()) {
    const value = args.expect(`a value after '${word.text}'`)
    if (value === undefined) return
    if (word.text === 'comment') continue
    if (word.text === 'hdr') {
      const field = args.expect(`a value of the header '${value.text}'`)
      const text = field === undefined ? undefined : readFormat(args, field)
      if (text === undefined) return
      headers.push([value.text, text])
      continue
    }
    const read = readSent(args, word, value)
    if (read === undefined) return
    changes = { ...changes, ...read }
  }
  changeRound(proxy, { ...changes, headers, isSaid: true })
}

/** Undefined after a complaint. `uri` and `body` are no formats, what ends with `-lf` is one. */
function readSent(args: Args, { text, place }: Word, value: Word): Partial<HttpCheckRound> | undefined {
  switch (text) {
    case 'meth':
      return { method: value.text }
    case 'uri':
      return { uri: value.text }
    case 'ver':
      return { version: value.text }
    case 'body':
      return { body: value.text }
    case 'uri-lf':
    case 'body-lf': {
      const format = readFormat(args, value)
      if (format === undefined) return undefined
      return text === 'uri-lf' ? { uri: format } : { body: format }
    }
    default:
      return args.error(
        'CFG_ARGUMENT',
        place,
        `unknown argument '${text}'`,
        'known are meth, uri, uri-lf, ver, hdr, body and body-lf',
      )
  }
}

/** The names of log lines tell of a stream, of which there is none: HAProxy takes them, and writes what it happens to have. */
const alias = /%(?:\{[^}]*\})?(?!H(?![A-Za-z0-9]))[A-Za-z0-9]/
const expression = /%(?:\{[^}]*\})?\[[^\]]*\]/g

/** A log format; one without variables is text in which `%%` is a percent sign. */
function readFormat(args: Args, word: Word): CheckText | undefined {
  const text = word.text.replaceAll('%%', '')
  if (!text.includes('%')) return word.text.replaceAll('%%', '%')
  const found = alias.exec(text.replaceAll(expression, ''))
  if (found === null) return word
  const message = `'${found[0]}' in health checks is not there`
  return args.error('CFG_VALUE_UNSUPPORTED', word.place, message, "there are '%[expression]' and '%H'")
}

function applyExpect(proxy: ProxyDraft, args: Args, place: Place): void {
  const round = roundOf(proxy)
  if (round.connect !== undefined && !round.isSaid) {
    return args.error('CFG_ARGUMENT', place, "'http-check send' is missing before it")
  }
  if (args.accept('comment') && args.expect('<text>') === undefined) return
  const negated = args.accept('!')
  const kind = args.oneOf('<match>', ['status', 'rstatus', 'string', 'rstring'])
  const pattern = kind === undefined ? undefined : args.expect('<pattern>')
  if (kind === undefined || pattern === undefined || !args.end()) return
  const expect = readExpect(kind, negated, pattern)
  if (expect === undefined) {
    return args.error('CFG_ARGUMENT', pattern.place, `'${pattern.text}' is no pattern for '${kind}'`)
  }
  changeRound(proxy, { expects: [...round.expects, expect] })
}

function readExpect(kind: HttpExpect['kind'], negated: boolean, pattern: Word): HttpExpect | undefined {
  if (kind === 'string') return { kind, negated, text: pattern.text }
  if (kind !== 'status') return { kind, negated, pattern }
  const found = pattern.text.split(',').map((each) => /^([1-9]\d\d)(?:-([1-9]\d\d))?$/.exec(each))
  const ranges = found.map((each) => [Number(each?.[1]), Number(each?.[2] ?? each?.[1])] as const)
  return ranges.every(([from, to]) => from <= to) ? { kind, negated, ranges } : undefined
}

/** Both. */
export const httpCheckKeywords: readonly Keyword<ProxyDraft>[] = [
  {
    name: 'option httpchk',
    sections: backends,
    support: 'yes',
    syntax: '[<uri> | <method> <uri> [<version>]]',
    fallback: 'off',
    doc: 'health checks are HTTP requests, to FastCGI servers over FastCGI',
    since: '1.1',
    apply: applyHttpchk,
  },
  {
    name: 'http-check',
    sections: backends,
    support: 'yes',
    syntax:
      '{connect [default] [port <number>] [addr <address>] [proto {fcgi | h1}] [linger] [comment <text>] | send [meth <method>] [{uri <uri> | uri-lf <format>}] [ver <version>] [hdr <name> <format>]... [{body <text> | body-lf <format>}] [comment <text>] | expect [comment <text>] [!] {status | rstatus | string | rstring} <pattern>}',
    fallback: 'none',
    doc: "where 'option httpchk' asks, what it asks, and what it wants to hear, again and again with several 'connect'. 'uri-lf', 'body-lf' and the value of 'hdr' are log formats of '%[expression]', '%H' and '%%', made anew for each check: 'srv_name' and 'be_name' are known there. No other names of log lines, no TLS, and no port by an expression: they are refused, and so are the other rules of http-check ('set-var', 'disable-on-404')",
    since: '1.3',
    apply: applyHttpCheck,
  },
]
