/**
 * Which script serves a request: nginx's `try_files`, with `index` and `fastcgi_split_path_info`, and what is left to others.
 * A file is looked for by its exact name, so on file systems that do not tell `A.PHP` from `a.php` neither runs as the other,
 * and none of them is handed out as text.
 */
import { decodePath, normalizePath, pathOf } from '../codec/path.ts'
import type { ScriptFiles } from './script-files.ts'

/** What is done with a request. */
export type Decision =
  /** A script runs it. `script` is its path below the root; `query` takes the place of the request's. */
  | {
      readonly kind: 'run'
      readonly script: string
      readonly pathInfo: string
      readonly query: string | undefined
    }
  /** A file that is no script, by its path below the root; or nothing: whoever serves files, or the 404 page, is next. */
  | { readonly kind: 'other'; readonly file: string | undefined }
  /** A folder was asked for without its slash. */
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'status'; readonly status: number }

/** What decides, beside the files. */
export interface TryFilesSettings {
  readonly tryFiles: readonly string[]
  readonly index: readonly string[]
  readonly maxPathSize: number
}

/** A request target that was cut up. */
interface Target {
  /** As it was sent. */
  readonly raw: string
  /** Decoded, without dot segments. */
  readonly path: string
  readonly query: string
}

const nothing: Decision = { kind: 'other', file: undefined }
const notFound: Decision = { kind: 'status', status: 404 }

/**
 * Decides.
 * @param target - of the request; what is above the root is cut off already, and nothing but a query is the root without its slash.
 * @throws FcgiError `ERR_FCGI_PATH`, `ERR_FCGI_PATH_TRAVERSAL`
 */
export async function decide(
  target: string,
  files: ScriptFiles,
  settings: TryFilesSettings,
): Promise<Decision> {
  // The root itself, without a slash: only what is mounted can be asked so.
  const isRoot = target === '' || target.startsWith('?')
  const whole = isRoot ? target : pathOf(target)
  const mark = whole.indexOf('?')
  const raw = mark < 0 ? whole : whole.slice(0, mark)
  const path = isRoot ? '' : normalizePath(decodePath(raw, settings.maxPathSize))
  const asked: Target = { raw, path, query: mark < 0 ? '' : whole.slice(mark + 1) }
  for (const entry of settings.tryFiles) {
    const found = await tryEntry(entry, asked, files, settings.index)
    if (found !== undefined) return found
  }
  return nothing
}

async function tryEntry(
  entry: string,
  asked: Target,
  files: ScriptFiles,
  index: readonly string[],
): Promise<Decision | undefined> {
  if (entry.startsWith('=')) return { kind: 'status', status: Number(entry.slice(1)) }
  if (!entry.startsWith('$uri')) return fallback(entry, asked)
  if (isHidden(asked.path)) return undefined
  const path = asked.path.replace(/\/$/, '') + entry.slice('$uri'.length)
  // '/' and '$uri.html': no name stands there for the end to be put to, and glued to the root it names what lies beside it.
  if (!path.startsWith('/')) return undefined
  if (entry.endsWith('/')) return tryFolder(path, asked, files, index)
  return tryFile(entry === '$uri' ? asked.path : path, files)
}

/** A script, or a script with a PATH_INFO behind it, or a file. */
async function tryFile(path: string, files: ScriptFiles): Promise<Decision | undefined> {
  for (const match of path.matchAll(/\.php(?=\/|$)/g)) {
    const end = match.index + '.php'.length
    const kind = await files.kind(path.slice(0, end))
    // Nothing is below it either: a path may have thousands of such names, and each look takes a thread of four.
    if (kind === 'none') return undefined
    if (kind === 'folder') continue
    return { kind: 'run', script: path.slice(0, end), pathInfo: path.slice(end), query: undefined }
  }
  if (path.endsWith('/') || (await files.kind(path)) !== 'file') return undefined
  return /\.php$/i.test(path) ? notFound : { kind: 'other', file: path }
}

async function tryFolder(
  folder: string,
  asked: Target,
  files: ScriptFiles,
  index: readonly string[],
): Promise<Decision | undefined> {
  for (const name of index) {
    if ((await files.kind(folder + name)) !== 'file') continue
    if (!asked.path.endsWith('/')) {
      const query = asked.query === '' ? '' : `?${asked.query}`
      // What begins with two slashes would be another host's, and to browsers a backslash is a slash.
      const raw = asked.raw.replace(/^\/+/, '/').replaceAll('\\', '%5C')
      return { kind: 'redirect', location: `${raw}/${query}` }
    }
    if (!name.endsWith('.php')) return { kind: 'other', file: folder + name }
    return { kind: 'run', script: folder + name, pathInfo: '', query: undefined }
  }
  return undefined
}

/** The front controller, with the query that its entry gives it. */
function fallback(entry: string, { path, query }: Target): Decision {
  const mark = entry.indexOf('?')
  if (mark < 0) return { kind: 'run', script: entry, pathInfo: '', query: undefined }
  const filled = entry
    .slice(mark + 1)
    .replace(/\$(?:args|query_string|uri)/g, (name) => (name === '$uri' ? encodePath(path) : query))
  return { kind: 'run', script: entry.slice(0, mark), pathInfo: '', query: filled }
}

/** A path as part of a query: nothing in it is the end of a value, and each character is a byte. */
function encodePath(path: string): string {
  return path.replace(/[^\w\-.~/]/g, (byte) => {
    const digits = byte.charCodeAt(0).toString(16).padStart(2, '0')
    return `%${digits.toUpperCase()}`
  })
}

/** Names that begin with a dot are nobody's to ask for, but for what RFC 8615 has put there. */
function isHidden(path: string): boolean {
  return path.includes('/.') && /\/\.(?!well-known(?:\/|$))/.test(path)
}

/** What is wrong with the entries of an option `tryFiles`; undefined when nothing is. */
export function tryFilesComplaint(given: unknown): string | undefined {
  const right =
    Array.isArray(given) &&
    given.length > 0 &&
    given.every(
      (each) => typeof each === 'string' && /^(?:=[2-5]\d\d|\$uri[^?$]*|\/[^?$]*\.php(?:\?.*)?)$/.test(each),
    )
  return right
    ? undefined
    : "must be an array of '$uri', '$uri/', '$uri.php', a script such as '/index.php?$args' and '=404'"
}
