/** `option httpchk` and `http-check` (configuration.txt 4.2). Of `http-check` there are one `send`, and `expect`. */
import type { ProxyDraft } from '../draft/proxy.ts'
import type { HttpExpect } from '../model/http-check.ts'
import type { Args } from '../text/args.ts'
import type { Keyword } from './keyword.ts'
import { backends } from './proxy-keyword.ts'

/** `option httpchk [<method>] [<uri>] [<version>]`: with one word it is the URI. */
function applyHttpchk(proxy: ProxyDraft, args: Args): void {
  const words = args.rest().map(({ text }) => text)
  const [method, uri] = words.length === 1 ? [undefined, words[0]] : words
  const before = proxy.httpChecks
  proxy.httpChecks = {
    ...before,
    method: method ?? before.method,
    uri: uri ?? before.uri,
    version: words[2] ?? before.version,
  }
  proxy.options.httpCheck = proxy.httpChecks
  proxy.options.spopCheck = false
}

function applyHttpCheck(proxy: ProxyDraft, args: Args): void {
  const word = args.expect("'send' or 'expect'")
  if (word === undefined) return
  if (word.text === 'send') applySend(proxy, args)
  else if (word.text === 'expect') applyExpect(proxy, args)
  else {
    const hint = "of http-check there are 'send' and 'expect'"
    args.error('CFG_VALUE_UNSUPPORTED', word.place, `'http-check ${word.text}' is not there`, hint)
    return
  }
  if (proxy.options.httpCheck !== undefined) proxy.options.httpCheck = proxy.httpChecks
}

function applySend(proxy: ProxyDraft, args: Args): void {
  let check = proxy.httpChecks
  const headers: [string, string][] = []
  for (let word = args.next(); word !== undefined; word = args.next()) {
    const value = args.expect(`a value after '${word.text}'`)
    if (value === undefined) return
    if (value.text.includes('%[')) {
      return args.error('CFG_VALUE_UNSUPPORTED', value.place, 'formats in health checks are not there')
    }
    if (word.text === 'meth') check = { ...check, method: value.text }
    else if (word.text === 'uri') check = { ...check, uri: value.text }
    else if (word.text === 'ver') check = { ...check, version: value.text }
    else if (word.text === 'body') check = { ...check, body: value.text }
    else if (word.text === 'hdr') {
      const field = args.expect(`a value of the header '${value.text}'`)
      if (field === undefined) return
      headers.push([value.text, field.text])
    } else {
      return args.error(
        'CFG_ARGUMENT',
        word.place,
        `unknown argument '${word.text}'`,
        'known are meth, uri, ver, hdr and body',
      )
    }
  }
  proxy.httpChecks = { ...check, headers }
}

function applyExpect(proxy: ProxyDraft, args: Args): void {
  if (args.accept('comment') && args.expect('<text>') === undefined) return
  const negated = args.accept('!')
  const kind = args.oneOf('<match>', ['status', 'rstatus', 'string', 'rstring'])
  const pattern = kind === undefined ? undefined : args.expect('<pattern>')
  if (kind === undefined || pattern === undefined || !args.end()) return
  const expect = readExpect(kind, negated, pattern.text)
  if (expect === undefined) {
    return args.error('CFG_ARGUMENT', pattern.place, `'${pattern.text}' is no pattern for '${kind}'`)
  }
  const { expects } = proxy.httpChecks
  proxy.httpChecks = { ...proxy.httpChecks, expects: [...expects, expect] }
}

function readExpect(kind: HttpExpect['kind'], negated: boolean, text: string): HttpExpect | undefined {
  switch (kind) {
    case 'status': {
      const ranges = text.split(',').map((each) => /^([1-9]\d\d)(?:-([1-9]\d\d))?$/.exec(each))
      if (ranges.includes(null)) return undefined
      return {
        kind,
        negated,
        ranges: ranges.map((found) => [Number(found?.[1]), Number(found?.[2] ?? found?.[1])]),
      }
    }
    case 'string':
      return { kind, negated, text }
    default:
      try {
        return { kind, negated, pattern: new RegExp(text) }
      } catch {
        return undefined
      }
  }
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
      '{send [meth <method>] [uri <uri>] [ver <version>] [hdr <name> <value>]... [body <text>] | expect [comment <text>] [!] {status | rstatus | string | rstring} <pattern>}',
    fallback: 'none',
    doc: "what 'option httpchk' asks, and what it wants to hear",
    since: '1.3',
    apply: applyHttpCheck,
  },
]
