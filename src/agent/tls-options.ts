/** The option `tls`: what is wrong with it, and how it is replaced while the agent runs. */
import { createServer, type SecureContextOptions, type TlsOptions } from 'node:tls'
import { errorMessage, UsageError } from '../base/errors.ts'
import { isPlainObject } from '../base/options.ts'
import { complaintOfPaths } from '../net/tls-material.ts'

/** What `setSecureContext` may replace. */
const contextNames: readonly (keyof SecureContextOptions)[] = [
  'cert',
  'key',
  'pfx',
  'passphrase',
  'ca',
  'crl',
  'minVersion',
  'maxVersion',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'dhparam',
  'honorCipherOrder',
  'secureOptions',
  'allowPartialTrustChain',
  'ticketKeys',
  'privateKeyEngine',
  'privateKeyIdentifier',
]

/** What `tls.createServer` takes and an agent leaves to its user; how sockets behave is the agent's business. */
const tlsNames: readonly (keyof TlsOptions)[] = [
  ...contextNames,
  'requestCert',
  'rejectUnauthorized',
  'SNICallback',
  'secureProtocol',
  'ALPNProtocols',
  'ALPNCallback',
  'sessionTimeout',
  'sessionIdContext',
  'handshakeTimeout',
  'pskCallback',
  'pskIdentityHint',
  'clientCertEngine',
  'enableTrace',
  'keepAlive',
  'keepAliveInitialDelay',
]

/** What is wrong with the option `tls`. */
export function complaintOfTls(tls: unknown): string | undefined {
  if (!isPlainObject(tls)) return 'must be a plain object'
  const unknown = Object.keys(tls).find((name) => !(tlsNames as readonly string[]).includes(name))
  if (unknown !== undefined) return `has an unknown name '${unknown}'; known are ${tlsNames.join(', ')}`
  // Node.js takes a requestCert of 'yes' or 1 for no, without a word: nobody would be asked for a certificate.
  for (const name of ['requestCert', 'rejectUnauthorized']) {
    const value = tls[name]
    if (value !== undefined && typeof value !== 'boolean') return `must have true or false as '${name}'`
  }
  const has = (name: string) => tls[name] !== undefined && tls[name] !== null
  const pair = has('cert') && (has('key') || has('privateKeyIdentifier'))
  if (!pair && !['pfx', 'SNICallback', 'pskCallback'].some(has))
    return 'has no certificate: cert and key, pfx or SNICallback is wanted'
  return complaintOfPaths(tls) ?? complaintOfNode(tls)
}

/** A server that never listens shows now what would go wrong later. */
function complaintOfNode(tls: TlsOptions): string | undefined {
  try {
    createServer(tls)
    return undefined
  } catch (error) {
    return `cannot be used: ${errorMessage(error)}`
  }
}

/**
 * The options `tls` with some of them replaced; what is not given stays, `ca` above all: without it everybody's would do.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function replaceSecureContext(tls: TlsOptions | undefined, given: SecureContextOptions): TlsOptions {
  const where = 'setSecureContext()'
  const refuse = (why: string): never => {
    throw new UsageError('ERR_SLUICE_OPTION', `${where}: ${why}`)
  }
  if (tls === undefined) return refuse('the agent has no option tls')
  const { pfx, cert } = given ?? {}
  if (!isPlainObject(given)) return refuse('the options must be a plain object')
  const unknown = Object.keys(given).find((name) => !(contextNames as readonly string[]).includes(name))
  if (unknown !== undefined) refuse(`unknown option '${unknown}'; known are ${contextNames.join(', ')}`)
  const kept: TlsOptions = { ...tls }
  // One certificate takes the place of the other, in whichever form.
  if (pfx !== undefined) for (const name of ['cert', 'key'] as const) delete kept[name]
  if (cert !== undefined) delete kept.pfx
  const merged: TlsOptions = { ...kept, ...given }
  const complaint = complaintOfTls(merged)
  if (complaint !== undefined) refuse(`the option tls ${complaint}`)
  return merged
}
