/** What a request of a stream is to an application: parameters, and no `Expect`. */
import { deriveParams } from '../../fcgi/codec/environment.ts'
import type { ParamList } from '../../fcgi/codec/param-list.ts'
import type { EnvironmentRules } from '../../fcgi/index.ts'
import type { RequestHead } from '../../http1/index.ts'
import { formatIp } from '../../net/ip.ts'
import type { SampleEndpoint, Stream } from '../../sample/stream.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'

/**
 * Its parameters, as the `fcgi-app` section says.
 * @throws FcgiError when the section cannot make any of the request.
 */
export function paramsOf(stream: Stream, head: RequestHead, plan: FcgiPlan): ParamList {
  return deriveParams(environmentRequest(stream, head), plan.app, applyRules(stream, plan))
}

/**
 * Applications know nothing of `Expect: 100-continue`, and the client would wait for its answer. Takes the header away,
 * and answers whether it was there: whoever has waited for the body before has removed it.
 */
export function takeExpect({ expectsContinue, framing, headers }: RequestHead): boolean {
  if (!expectsContinue || framing === 0 || !headers.has('expect')) return false
  headers.delete('expect')
  return true
}

function environmentRequest({ source, destination }: Stream, head: RequestHead) {
  return {
    method: head.method,
    target: head.target,
    version: head.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1',
    headers: head.headers,
    // As HAProxy has it for a unix socket.
    remoteAddress: isUnix(source) ? 'unix' : addressText(source),
    remotePort: portOf(source),
    localAddress: addressText(destination),
    localPort: portOf(destination),
    tls: false,
  }
}

function isUnix(endpoint: SampleEndpoint | undefined): boolean {
  return endpoint?.address.length === 0
}

function portOf(endpoint: SampleEndpoint | undefined): number {
  return endpoint === undefined || isUnix(endpoint) ? 0 : endpoint.port
}

/** The bytes of an address that is met again are the same object: see addresses.ts. */
const addressTexts = new WeakMap<Uint8Array, string>()

function addressText(endpoint: SampleEndpoint | undefined): string {
  if (endpoint === undefined || endpoint.address.length === 0) return ''
  const { address } = endpoint
  const known = addressTexts.get(address)
  if (known !== undefined) return known
  const text = formatIp(address)
  addressTexts.set(address, text)
  return text
}

function applyRules(stream: Stream, plan: FcgiPlan): EnvironmentRules {
  if (plan.rules.length === 0) return {}
  const passHeaders = new Set<string>()
  const setParams: [string, string][] = []
  for (const { condition, name, format } of plan.rules) {
    if (condition !== undefined && !condition(stream)) continue
    if (format === undefined) passHeaders.add(name.toLowerCase())
    else setParams.push([name, format(stream)])
  }
  return { passHeaders, setParams }
}
