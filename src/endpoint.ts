/**
 * Where to listen or to connect, in the forms that HAProxy's `bind` and `server` lines use: `host:port`, `:port`,
 * `*:port`, `[v6]:port`, `v6:port`, `/path`, `unix@/path`, `abns@name`, `fd@3`, with `ipv4@` and `ipv6@` accepted.
 */
import { UsageError } from './errors.ts'

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
  if (text.startsWith('unix@')) return unixEndpoint(text.slice(5), text)
  if (text.startsWith('abns@')) return unixEndpoint(`\0${text.slice(5)}`, text)
  if (text.startsWith('/') || text.startsWith('./')) return unixEndpoint(text, text)
  if (text.startsWith('fd@')) return fdEndpoint(text)
  const any = /^(ipv|tcp)6@/.test(text) ? '::' : '0.0.0.0'
  return tcpEndpoint(text.replace(/^(ipv[46]|tcp[46]?)@/, ''), text, any)
}

function refuse(text: string, why: string): never {
  throw new UsageError(
    'ERR_SLUICE_ADDRESS',
    `'${text}' is not an address: ${why}; use host:port, [v6]:port, /path, unix@/path, abns@name or fd@number`,
  )
}

function unixEndpoint(path: string, text: string): Endpoint {
  if (path === '' || path === '\0') refuse(text, 'the path is empty')
  // sockaddr_un.sun_path holds 108 bytes on Linux, the final NUL included.
  if (Buffer.byteLength(path) > 107)
    refuse(text, `a socket path has at most 107 bytes, this one ${Buffer.byteLength(path)}`)
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
  let host = rest.slice(0, colon)
  if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1)
  else if (host.endsWith(':') && host !== '::') host = host.slice(0, -1)
  return { type: 'tcp', host: host === '' || host === '*' ? any : host, port: Number(digits) }
}

/** The text of an endpoint, as {@link parseEndpoint} reads it. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.type === 'fd') return `fd@${endpoint.fd}`
  if (endpoint.type === 'unix') {
    return endpoint.path.startsWith('\0') ? `abns@${endpoint.path.slice(1)}` : `unix@${endpoint.path}`
  }
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`
}
