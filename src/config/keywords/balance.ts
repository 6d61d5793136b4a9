/** `balance` (configuration.txt 4.2). */
import type { ProxyDraft } from '../draft/proxy.ts'
import { defaults } from '../model/defaults.ts'
import { balanceAlgorithms } from '../model/index.ts'
import type { BalanceAlgorithm } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import { didYouMean } from '../../base/suggest.ts'

/** Those that the proxy has; the others are errors, since requests would go to other servers. */
export const implementedAlgorithms: ReadonlySet<BalanceAlgorithm> = new Set([
  'roundrobin',
  'static-rr',
  'leastconn',
  'first',
  'random',
])

/** Reads a `balance` line into `proxy`. */
export function applyBalance(proxy: ProxyDraft, args: Args): void {
  const word = args.next()
  if (word === undefined) {
    proxy.balance = { algorithm: defaults.balance, parameter: undefined, args: [] }
    return
  }
  const [, name = '', parameter] = /^([^(]*)(?:\((.*)\))?$/s.exec(word.text) ?? []
  const algorithm = balanceAlgorithms.find((each) => each === name)
  if (algorithm === undefined) {
    const hint = didYouMean(name, balanceAlgorithms) ?? `known are ${balanceAlgorithms.join(', ')}`
    return args.error('CFG_ARGUMENT', word.place, `unknown algorithm '${word.text}'`, hint)
  }
  if (algorithm === 'random' && !/^(?:0*[1-9]\d{0,5})?$/.test(parameter ?? '')) {
    const message = `the number of draws must be at least 1, not '${parameter ?? ''}'`
    return args.error('CFG_ARGUMENT', word.place, message)
  }
  proxy.balance = { algorithm, parameter: parameter === '' ? undefined : parameter, args: args.rest() }
  if (implementedAlgorithms.has(algorithm)) return
  const known = [...implementedAlgorithms].join(', ')
  const message = `'${algorithm}' is not implemented`
  args.error('CFG_VALUE_UNSUPPORTED', word.place, message, `implemented: ${known}`)
}
