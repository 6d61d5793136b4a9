/** Paths of request targets, one character per byte: what is refused before an application or a file system sees them. */
import { originForm } from '../../http1/index.ts'
import { FcgiError } from '../errors.ts'

/** The path and query of a request target; nothing for `*` and for `host:port`. */
export function pathOf(target: string): string {
  const path = originForm(target)
  return path.startsWith('/') ? path : ''
}

/**
 * Decodes the path of a target, without its query.
 * @param maxSize - longest result, in bytes.
 * @throws FcgiError `ERR_FCGI_PATH` for none, a `%` without two digits, NUL, CR, LF, and one that is too long.
 */
export function decodePath(path: string, maxSize: number): string {
  if (path === '') throw new FcgiError('ERR_FCGI_PATH', 'the request has none')
  const decoded = path.includes('%') ? decodeTriplets(path) : path
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\0\r\n]/.test(decoded)) throw new FcgiError('ERR_FCGI_PATH', 'it has a NUL, CR or LF')
  if (decoded.length > maxSize) throw new FcgiError('ERR_FCGI_PATH', `more than ${maxSize} bytes`)
  return decoded
}

function decodeTriplets(path: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) throw new FcgiError('ERR_FCGI_PATH', 'a % without two digits')
  return path.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** Whether the path is above its beginning at any segment. */
export function climbsOut(path: string): boolean {
  if (!path.includes('..')) return false
  let depth = 0
  for (const segment of path.split('/')) {
    if (segment === '..') depth--
    else if (segment !== '' && segment !== '.') depth++
    if (depth < 0) return true
  }
  return false
}

/**
 * A decoded path without `.`, `..` and empty segments; a slash at its end stays.
 * @throws FcgiError `ERR_FCGI_PATH_TRAVERSAL` for one that climbs above its beginning.
 */
export function normalizePath(path: string): string {
  if (!/\/\.?\.?(?:\/|$)/.test(path.slice(0, -1)) && !/\/\.\.?$/.test(path)) return path
  if (climbsOut(path)) throw new FcgiError('ERR_FCGI_PATH_TRAVERSAL')
  const kept: string[] = []
  const segments = path.split('/')
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  const isFolder = last === '' || last === '.' || last === '..'
  return `/${kept.join('/')}${isFolder && kept.length > 0 ? '/' : ''}`
}
