/** Request targets (RFC 9112 section 3.2): origin, absolute, authority and asterisk form, and the Host that goes with them. */
import { Character, spanOf } from './characters.ts'
import { Http1Error } from './errors.ts'

/** The form of a request target. */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk'

/**
 * Which form a target has, given its method.
 * @throws Http1Error `ERR_HTTP1_TARGET` when it has none, or one that the method does not allow.
 */
export function targetForm(method: string, target: string): TargetForm {
  if (method === 'CONNECT') {
    if (isAuthorityWithPort(target)) return 'authority'
    throw new Http1Error('ERR_HTTP1_TARGET', 'CONNECT wants host:port')
  }
  if (target.charCodeAt(0) === 0x2f) return 'origin'
  if (target === '*') {
    if (method === 'OPTIONS') return 'asterisk'
    throw new Http1Error('ERR_HTTP1_TARGET', `'*' is for OPTIONS, not ${method}`)
  }
  if (targetAuthority(target) !== undefined) return 'absolute'
  throw new Http1Error(
    'ERR_HTTP1_TARGET',
    `${JSON.stringify(target.slice(0, 40))} has none of the four forms`,
  )
}

/**
 * The authority of an absolute-form target without user information, or undefined when the target has another form
 * or an authority that is empty or malformed.
 */
export function targetAuthority(target: string): string | undefined {
  const found = /^[a-z]+:\/\/([^/?]*)/i.exec(target)
  const authority = found?.[1]
  // User information in http URIs is a means of deceit (RFC 9110 section 4.2.4): '@' is not in the set.
  if (authority === undefined || !isHost(authority) || authority.startsWith(':')) return undefined
  return authority
}

/** The path and query of a target: what follows the authority of an absolute form, `/` when nothing does. */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 0x2f) return target
  const found = /^[a-z]+:\/\/[^/?]*/i.exec(target)
  if (found === null) return target
  const rest = target.slice(found[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

function isAuthorityWithPort(target: string): boolean {
  return isHost(target) && /^(?:\[[^\]]+\]|[^:]+):\d{1,5}$/.test(target)
}

const COLON = 0x3a

/** Whether `value` may stand in a Host field: `reg-name[:port]` or `[IP-literal][:port]`. The empty value is not asked for. */
export function isHost(value: string): boolean {
  const name = spanOf(value, 0, Character.RegName)
  if (name === value.length) return name > 0
  if (value.charCodeAt(name) === COLON) return spanOf(value, name + 1, Character.Digit) === value.length
  return name === 0 && /^\[[0-9A-Za-z:._~!$&'()*+,;=%-]+\](?::\d*)?$/.test(value)
}

/** Whether two hosts are the same, letter case and the scheme's default port aside. */
export function sameHost(scheme: string, left: string, right: string): boolean {
  const port = scheme.toLowerCase() === 'https' ? ':443' : ':80'
  const plain = (host: string) => {
    const lower = host.toLowerCase()
    if (lower.endsWith(port)) return lower.slice(0, -port.length)
    return lower.endsWith(':') ? lower.slice(0, -1) : lower
  }
  return plain(left) === plain(right)
}

/**
 * Whether the Host of a CONNECT is its authority. The port may be left out of Host when it is one of a scheme's, since a
 * CONNECT names no scheme (`h1_validate_connect_authority` of HAProxy).
 */
export function sameTunnel(authority: string, host: string): boolean {
  const left = authority.toLowerCase()
  const right = host.toLowerCase().replace(/:$/, '')
  return left === right || left === `${right}:80` || left === `${right}:443`
}
