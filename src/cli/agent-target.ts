/** How the tools are told which agent to talk to, and how: `spop://host:port`, and the certificates of `spops://`. */
import { UsageError } from '../base/errors.ts'
import type { EngineTls } from '../engine/index.ts'
import { parseEndpoint, type Endpoint } from '../net/endpoint.ts'
import { readFile } from './read-file.ts'

/** The options of TLS, as commander hands them over. */
export interface AgentTlsOptions {
  /** `--ca FILE`: the certificates that `spops://` trusts. */
  readonly ca?: string
  /** `--cert FILE`: the certificate that is shown to `spops://`, with `--key`. */
  readonly cert?: string
  /** `--key FILE`: its key. */
  readonly key?: string
  /** `--insecure`: `spops://` trusts anybody. */
  readonly insecure?: boolean
}

/** Where an agent is. */
export interface AgentTarget {
  readonly endpoint: Endpoint
  readonly tls: boolean
}

/**
 * Reads `spop://host:port`, `spops://host:port`, `spop+unix:///path`, or any address that `listen` takes.
 * @throws UsageError `ERR_SLUICE_ADDRESS`.
 */
export function parseAgentTarget(target: string): AgentTarget {
  if (target.startsWith('spop+unix://')) {
    return { endpoint: parseEndpoint(`unix@${target.slice('spop+unix://'.length)}`), tls: false }
  }
  const scheme = /^(spops?):\/\/(.*?)\/?$/.exec(target)
  const address = scheme?.[2] ?? target
  if (scheme === null && target.includes('://')) {
    throw new UsageError(
      'ERR_SLUICE_ADDRESS',
      `'${target}': use spop://host:port, spops://host:port or spop+unix:///path`,
    )
  }
  return { endpoint: parseEndpoint(address), tls: scheme?.[1] === 'spops' }
}

/**
 * The options of node:tls for a target; undefined where it is reached without TLS.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function tlsFor(where: string, { tls }: AgentTarget, options: AgentTlsOptions): EngineTls | undefined {
  if (tls) return tlsOptions(options)
  refuseTlsOptions(where, options)
  return undefined
}

/** Who names certificates believes that the connection is protected by them. */
function refuseTlsOptions(where: string, options: AgentTlsOptions): void {
  const name = (['ca', 'cert', 'key', 'insecure'] as const).find((each) => options[each] !== undefined)
  if (name === undefined) return
  const message = `--${name} is for TLS, and '${where}' is reached without it: use spops://host:port`
  throw new UsageError('ERR_SLUICE_OPTION', message)
}

function tlsOptions({ ca, cert, key, insecure }: AgentTlsOptions): EngineTls {
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError('ERR_SLUICE_OPTION', '--cert FILE and --key FILE belong together')
  const trusted = ca === undefined ? {} : { ca: readFile('--ca', ca) }
  const shown =
    cert === undefined || key === undefined
      ? {}
      : { cert: readFile('--cert', cert), key: readFile('--key', key) }
  return { ...trusted, ...shown, rejectUnauthorized: insecure !== true }
}
