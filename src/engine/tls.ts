/** TLS towards agents: the option `tls` of an engine, and the transports that it makes. */
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  TLSSocket,
  type ConnectionOptions,
} from 'node:tls'
import { errorMessage } from '../base/errors.ts'
import { isPlainObject } from '../base/options.ts'
import { complaintOfPaths } from '../net/tls-material.ts'
import type { ConnectTo, Transport } from './socket.ts'

const names = [
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'crl',
  'servername',
  'rejectUnauthorized',
  'checkServerIdentity',
  'minVersion',
  'maxVersion',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'ALPNProtocols',
] as const satisfies readonly (keyof ConnectionOptions)[]

/**
 * What `tls.connect` of node:tls takes and an engine leaves to its user. `{}` trusts the authorities that Node.js knows; the
 * certificate must name the host of the endpoint, or `servername`.
 */
export type EngineTls = Pick<ConnectionOptions, (typeof names)[number]>

/** What is wrong with the option `tls`. */
export function complaintOfTls(tls: unknown): string | undefined {
  if (!isPlainObject(tls)) return 'must be a plain object'
  const unknown = Object.keys(tls).find((name) => !(names as readonly string[]).includes(name))
  if (unknown !== undefined) return `has an unknown name '${unknown}'; known are ${names.join(', ')}`
  // Node.js takes 0 and '' for true: who wrote them would believe otherwise.
  const { rejectUnauthorized } = tls
  if (rejectUnauthorized !== undefined && typeof rejectUnauthorized !== 'boolean')
    return "must have true or false as 'rejectUnauthorized'"
  return complaintOfPaths(tls) ?? complaintOfNode(tls)
}

function complaintOfNode(tls: EngineTls): string | undefined {
  try {
    createSecureContext(tls)
    return undefined
  } catch (error) {
    return `cannot be used: ${errorMessage(error)}`
  }
}

/** Connects with TLS; certificates and keys are read once. */
export function tlsConnector(tls: EngineTls): ConnectTo {
  const secureContext = createSecureContext(tls)
  return (endpoint) => {
    const unix = endpoint.type === 'unix'
    const where = unix ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port }
    // A name is told and asked for; behind a unix socket there is none but the one that is given.
    const checked = unix && tls.servername === undefined ? withoutName : checkServerIdentity
    return connect({ checkServerIdentity: checked, ...tls, ...where, secureContext }).setNoDelay(true)
  }
}

/** The authority has signed it, and that is all that can be asked. */
const withoutName = (): undefined => undefined

/** The event behind which a transport takes and gives bytes: with TLS, when the agent has shown who it is. */
export function readyEvent(transport: Transport): 'connect' | 'secureConnect' {
  return transport instanceof TLSSocket ? 'secureConnect' : 'connect'
}
