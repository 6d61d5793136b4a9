/** `capture request|response header` and `declare capture`: slots for the log (configuration.txt 4.2, 8.8). */
import type { ProxyDraft } from '../draft/proxy.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { unsupportedList } from './keyword.ts'
import type { Keyword } from './keyword.ts'
import { keyword } from './proxy-keyword.ts'
import type { ProxySection } from './proxy-keyword.ts'

const sections: readonly ProxySection[] = ['frontend', 'listen']

function readLength(args: Args): number | undefined {
  if (args.oneOf("'len'", ['len']) === undefined) return undefined
  const length = args.integer('<length>', 1)
  return length !== undefined && args.end() ? length : undefined
}

function capture(side: 'request' | 'response'): Keyword<ProxyDraft> {
  const apply = (proxy: ProxyDraft, args: Args): void => {
    const header: Word | undefined = args.expect("<name> and 'len' <length>")
    const length = header === undefined ? undefined : readLength(args)
    if (length !== undefined) proxy.captures[side].push({ header, length })
  }
  const doc = `keep a header of the ${side} for the log`
  return keyword(`capture ${side} header`, sections, '<name> len <length>', doc, apply)
}

function declare(side: 'request' | 'response'): Keyword<ProxyDraft> {
  const apply = (proxy: ProxyDraft, args: Args): void => {
    const length = readLength(args)
    if (length !== undefined) proxy.captures[side].push({ header: undefined, length })
  }
  const doc = `a slot for '${side === 'request' ? 'http-request' : 'http-response'} capture ... id'`
  return keyword(`declare capture ${side}`, sections, 'len <length>', doc, apply, {
    since: '1.6',
    strict: true,
  })
}

/** All of them. */
export const captureKeywords: readonly Keyword<ProxyDraft>[] = [
  capture('request'),
  capture('response'),
  ...unsupportedList<ProxyDraft>('cookie', sections, 'no', { prefix: 'capture ' }),
  declare('request'),
  declare('response'),
]
