/**
 * Where to listen or to connect, in the forms that HAProxy's `bind` and `server` lines use: `host:port`, `:port`,
 * `*:port`, `[v6]:port`, `v6:port`, `/path`, `unix@/path`, `abns@name`, `fd@3`, with `ipv4@` and `ipv6@` accepted.
 */
import { Buffer } from 'node:buffer'
import { UsageError } from '../base/errors.ts'
import { parseIp } from './ip.ts'
import { isPlainObject, show } from '../base/options.ts'

/** A TCP host and port, a unix socket, or an inherited file descriptor. */
export type Endpoint =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'fd'; readonly fd: number }

/**
 * Parses an endpoint. An empty or `*` host becomes `0.0.0.0`, and `::` behind `ipv6@`.
 * @throws UsageError `ERR_SLUICE_ADDRESS` naming the text and the forms that are accepted.
 */
export function parseEndpoint(text: string): Endpoint {
  if (typeof text !== 'string') refuseEndpoint(text, 'it is no text')
  if (text.startsWith('unix@')) return unixEndpoint(text.slice(5), text)
  if (text.startsWith('abns@')) return unixEndpoint(`\0${text.slice(5)}`, text)
  if (text.startsWith('/') || text.startsWith('./')) return unixEndpoint(text, text)
  if (text.startsWith('fd@')) return fdEndpoint(text)
  const any = /^(ipv|tcp)6@/.test(text) ? '::' : '0.0.0.0'
  return tcpEndpoint(text.replace(/^(ipv[46]|tcp[46]?)@/, ''), text, any)
}

/** Bytes: sockaddr_un.sun_path holds 108 on Linux, the final NUL included. */
export const longestSocketPath = 107

const textForms = 'host:port, [v6]:port, /path, unix@/path, abns@name or fd@number'
const objectForms =
  "{ type: 'tcp', host: string, port: 0 to 65535 }, { type: 'unix', path: string } or { type: 'fd', fd: number }"

function refuse(text: string, why: string): never {
  throw new UsageError('ERR_SLUICE_ADDRESS', `'${text}' is not an address: ${why}; use ${textForms}`)
}

function refuseEndpoint(given: unknown, why: string): never {
  throw new UsageError(
    'ERR_SLUICE_ADDRESS',
    `${show(given)} is not an address: ${why}; use text (${textForms}) or ${objectForms}`,
  )
}

/**
 * An endpoint given as text or as an object.
 * @throws UsageError `ERR_SLUICE_ADDRESS` naming what was given and the forms that are accepted.
 */
export function toEndpoint(given: string | Endpoint): Endpoint {
  return typeof given === 'string' ? parseEndpoint(given) : checkEndpoint(given)
}

/** Whether something is meant to be an endpoint; what is wrong with it in detail {@link toEndpoint} says. */
export function isEndpointLike(given: unknown): given is string | Endpoint {
  return typeof given === 'string' || (isPlainObject(given) && 'type' in given)
}

/**
 * Checks an endpoint that came from outside, where TypeScript may not have looked.
 * @throws UsageError `ERR_SLUICE_ADDRESS` naming what was given and the forms that are accepted.
 */
function checkEndpoint(given: unknown): Endpoint {
  if (!isPlainObject(given)) refuseEndpoint(given, 'it is neither text nor an endpoint')
  const { type, host, port, path, fd } = given
  const isWhole = (value: unknown, max: number) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
  if (type === 'tcp') {
    if (typeof host !== 'string' || host === '') refuseEndpoint(given, 'the host is missing')
    if (!isWhole(port, 65_535)) refuseEndpoint(given, `the port ${show(port)} is not 0 to 65535`)
  } else if (type === 'unix') {
    if (typeof path !== 'string') refuseEndpoint(given, 'the path is missing')
    unixEndpoint(path, path)
  } else if (type === 'fd') {
    if (!isWhole(fd, 0x7fff_ffff)) refuseEndpoint(given, `the descriptor ${show(fd)} is no number`)
  } else refuseEndpoint(given, `the type ${show(type)} is not tcp, unix or fd`)
  return given as Endpoint
}

function unixEndpoint(path: string, text: string): Endpoint {
  if (path === '' || path === '\0') refuse(text, 'the path is empty')
  const size = Buffer.byteLength(path)
  if (size > longestSocketPath)
    refuse(text, `a socket path has at most ${longestSocketPath} bytes, this one ${size}`)
  return { type: 'unix', path }
}

function fdEndpoint(text: string): Endpoint {
  const digits = text.slice(3)
  if (!/^\d{1,6}$/.test(digits)) refuse(text, 'fd@ wants a number')
  return { type: 'fd', fd: Number(digits) }
}

function tcpEndpoint(rest: string, text: string, any: string): Endpoint {
  const colon = rest.lastIndexOf(':')
  if (colon < 0) refuse(text, 'the port is missing')
  const digits = rest.slice(colon + 1)
  if (!/^\d{1,5}$/.test(digits) || Number(digits) > 65535)
    refuse(text, `the port '${digits}' is not 0 to 65535`)
  const host = hostOf(rest.slice(0, colon), text)
  return { type: 'tcp', host: host === '' || host === '*' ? any : host, port: Number(digits) }
}

/** What a resolver would be asked in vain, and would answer without a word of what is wrong, is refused here. */
function hostOf(written: string, text: string): string {
  const host = written.startsWith('[') && written.endsWith(']') ? written.slice(1, -1) : written
  const character = /[\s/[\]@?#'"\\]/.exec(host)?.[0]
  if (character !== undefined) refuse(text, `the host '${host}' holds '${character}'`)
  // Behind a percent sign stands the interface of a link-local address.
  if (host.includes(':') && parseIp(host.replace(/%.+$/, ''))?.length !== 16)
    refuse(text, `the host '${host}' is no IPv6 address`)
  return host
}

/** The text of an endpoint, as {@link parseEndpoint} reads it. @throws UsageError `ERR_SLUICE_ADDRESS`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (!isEndpointLike(endpoint) || typeof endpoint === 'string') refuseEndpoint(endpoint, 'it is no endpoint')
  if (endpoint.type === 'fd') return `fd@${endpoint.fd}`
  if (endpoint.type === 'unix') {
    return endpoint.path.startsWith('\0') ? `abns@${endpoint.path.slice(1)}` : `unix@${endpoint.path}`
  }
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`
}
