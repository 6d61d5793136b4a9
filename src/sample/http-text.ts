/**
 * Parts of HTTP text as fetches see them: comma-separated header values, cookies, query parameters and the parts of a
 * request target. The odd cases follow HAProxy 2.6 (src/http.c, src/http_htx.c), since ACLs rely on them.
 */
import type { SampleHeaders } from './stream.ts'

/** Space, tab, CR, LF. */
function isLinearSpace(code: number): boolean {
  return code === 0x20 || code === 9 || code === 13 || code === 10
}

/** Without the linear white space around it. */
export function trimSpace(text: string, from = 0, to = text.length): string {
  let first = from
  let last = to
  while (first < last && isLinearSpace(text.charCodeAt(first))) first++
  while (last > first && isLinearSpace(text.charCodeAt(last - 1))) last--
  return first === 0 && last === text.length ? text : text.slice(first, last)
}

/** Letters A to Z in lower case, other bytes untouched (String.toLowerCase would change latin1 letters). */
export function lowerAscii(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase()
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Letters a to z in upper case, other bytes untouched. */
export function upperAscii(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/^[\x00-\x7f]*$/.test(text)) return text.toUpperCase()
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

function sameName(name: string, wantedLower: string): boolean {
  return name.length === wantedLower.length && (name === wantedLower || name.toLowerCase() === wantedLower)
}

/** Where the value that starts at `from` ends: at a comma outside double quotes, or at the end of the line. */
function valueEnd(line: string, from: number): number {
  let quoted = false
  for (let at = from; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if (quoted) {
      if (code === 0x5c) at++
      else if (code === 0x22) quoted = false
    } else if (code === 0x22) quoted = true
    else if (code === 0x2c) return at
  }
  return line.length
}

function pushValues(line: string, into: string[]): void {
  if (!line.includes(',')) {
    into.push(trimSpace(line))
    return
  }
  let from = 0
  for (;;) {
    const end = valueEnd(line, from)
    into.push(trimSpace(line, from, end))
    if (end >= line.length) return
    from = end + 1
  }
}

/**
 * All values of a header, in order.
 * @param wantedLower the name in lower case; an empty one stands for every header
 * @param full whether a line is one value; otherwise commas outside quotes separate values
 */
export function headerValues(headers: SampleHeaders, wantedLower: string, full: boolean): string[] {
  const values: string[] = []
  for (const [name, line] of headers) {
    if (wantedLower !== '' && !sameName(name, wantedLower)) continue
    if (full) values.push(trimSpace(line))
    else pushValues(line, values)
  }
  return values
}

/**
 * One value of a header: the n-th from the front (1 and 0 are the first) or, when negative, from the back (-1 is the
 * last). Undefined when there are not so many.
 */
export function headerValue(
  headers: SampleHeaders,
  wantedLower: string,
  occurrence: number,
  full: boolean,
): string | undefined {
  const only = soleLine(headers, wantedLower)
  // The usual case, one line and no comma, needs no list.
  if (only !== undefined && (full || !only.includes(',')))
    return occurrence >= -1 && occurrence <= 1 ? trimSpace(only) : undefined
  const values = headerValues(headers, wantedLower, full)
  return values.at(occurrence < 0 ? occurrence : Math.max(occurrence - 1, 0))
}

function soleLine(headers: SampleHeaders, wantedLower: string): string | undefined {
  let found: string | undefined
  if (wantedLower === '') return undefined
  for (const [name, line] of headers) {
    if (!sameName(name, wantedLower)) continue
    if (found !== undefined) return undefined
    found = line
  }
  return found
}

/**
 * The values of a cookie in one value of a Cookie header (`list`) or of a Set-Cookie header, of which only the first
 * pair counts. An empty name finds every cookie. A cookie whose empty value ends the line is not found, as in HAProxy.
 */
export function cookieValues(line: string, cookie: string, list: boolean): string[] {
  const values: string[] = []
  for (let at = 0; at + cookie.length + 1 < line.length;) {
    const pair = readCookie(line, at, list)
    at = pair.next + 1
    if (pair.name.startsWith('$') || pair.value === undefined) continue
    if (cookie === '' || pair.name === cookie) values.push(pair.value)
    if (!list) break
  }
  return values
}

function readCookie(
  line: string,
  from: number,
  list: boolean,
): { name: string; value: string | undefined; next: number } {
  let equal = from
  while (equal < line.length) {
    const char = line[equal]
    if (char === '=' || char === ';' || (list && char === ',')) break
    equal++
  }
  const name = trimBlanks(line, from, equal)
  if (line[equal] !== '=') return { name, value: undefined, next: equal }
  const end = cookieEnd(line, equal + 1)
  return { name, value: trimBlanks(line, equal + 1, end), next: end }
}

function cookieEnd(line: string, from: number): number {
  let quoted = false
  for (let at = from; at < line.length; at++) {
    const char = line[at]
    if (quoted) {
      if (char === '\\') at++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === ',' || char === ';') return at
  }
  return line.length
}

function trimBlanks(text: string, from: number, to: number): string {
  let first = from
  let last = to
  while (first < last && (text[first] === ' ' || text[first] === '\t')) first++
  while (last > first && (text[last - 1] === ' ' || text[last - 1] === '\t')) last--
  return text.slice(first, last)
}

/** All values of a cookie among header lines named `headerLower`. */
export function cookiesOf(
  headers: SampleHeaders,
  headerLower: string,
  cookie: string,
  list: boolean,
): string[] {
  const found: string[] = []
  for (const line of headerValues(headers, headerLower, false)) {
    if (line.length >= cookie.length + 1) found.push(...cookieValues(line, cookie, list))
  }
  return found
}

/**
 * The values of a parameter in `a=1&b=2`. `&`, `;` and `delimiter` separate parameters; an empty name finds what
 * stands behind every equal sign.
 */
export function parameterValues(text: string, name: string, delimiter: string): string[] {
  const values: string[] = []
  let at = 0
  while (at < text.length) {
    const equal = name === '' ? text.indexOf('=', at) : findParameter(text, at, name, delimiter)
    if (equal < 0) break
    const end = parameterEnd(text, equal + 1, delimiter)
    values.push(text.slice(equal + 1, end))
    at = end
  }
  return values
}

function findParameter(text: string, from: number, name: string, delimiter: string): number {
  for (let at = from; at < text.length;) {
    if (text[at + name.length] === '=' && text.startsWith(name, at)) return at + name.length
    at = parameterEnd(text, at, delimiter) + 1
  }
  return -1
}

function parameterEnd(text: string, from: number, delimiter: string): number {
  let at = from
  for (; at < text.length; at++) {
    const char = text[at]
    if (char === '&' || char === ';' || char === delimiter) break
  }
  return at
}

/**
 * The path of a request target with its query: behind scheme and authority in the absolute form. Undefined for `*`,
 * for `host:port` and when there is none.
 */
export function pathAndQuery(target: string): string | undefined {
  if (target.charCodeAt(0) === 0x2f) return target
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(target)?.[0]
  if (scheme === undefined) return undefined
  const slash = target.indexOf('/', scheme.length)
  return slash < 0 ? undefined : target.slice(slash)
}

/** {@link pathAndQuery} without the query. */
export function pathOf(target: string): string | undefined {
  const path = pathAndQuery(target)
  const mark = path === undefined ? -1 : path.indexOf('?')
  return mark < 0 ? path : path?.slice(0, mark)
}
