/** Where a handler is mounted: what of a path is above the root of its scripts. */
import type { IncomingMessage } from 'node:http'

/** A request target, cut where the root begins. */
export interface Mounted {
  /** As the client sent it. */
  readonly whole: string
  /** What was cut off; without a slash at its end. */
  readonly base: string
  /** What is looked for. The mount itself, asked for without its slash, leaves nothing, or a query alone. */
  readonly target: string
}

/** Express and its kin cut off where a handler is mounted, and keep what came. */
export function mountedOf(request: IncomingMessage): Mounted {
  const { url = '' } = request
  const { originalUrl } = request as { originalUrl?: unknown }
  return cutOff(typeof originalUrl === 'string' ? originalUrl : url, url)
}

/** @param url - what is left of `whole`; one that is no end of it was rewritten. */
export function cutOff(whole: string, url: string): Mounted {
  if (whole === url) return { whole, base: '', target: url }
  // A mounted handler is given `/` for the mount itself, and `/?a` for `/mount?a`.
  const target = whole.endsWith(url) ? url : url.slice(1)
  if (!whole.endsWith(target)) return { whole, base: '', target: url }
  return { whole, base: whole.slice(0, whole.length - target.length).replace(/\/$/, ''), target }
}

/** Below a prefix of a router. What came may write its names in another way, and a parameter stands for any name. */
export function belowPrefix(request: IncomingMessage, prefix: string): Mounted {
  const { url = '' } = request
  const depth = prefix.split('/').filter((name) => name !== '').length
  const [base] = new RegExp(`^(?:/[^/?]*){${depth}}`).exec(url) ?? ['']
  return { whole: mountedOf(request).whole, base, target: url.slice(base.length) }
}

/** Where a folder below a mount is. What begins with two slashes would be another host's, and to browsers a backslash is one. */
export function redirectTo(base: string, location: string): string {
  return `${base.replaceAll('\\', '%5C')}${location}`.replace(/^\/+/, '/')
}
