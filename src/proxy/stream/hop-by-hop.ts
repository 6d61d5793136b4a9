/** Headers that belong to one connection, or to the framing of a message: kept true whatever the rules did. */
import { Framing } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'

/**
 * Takes `close`, `keep-alive` and, unless `keepUpgrade`, `upgrade` out of the Connection headers; what else they name
 * is passed on, as HAProxy does.
 */
export function cleanConnection(headers: HeaderList, keepUpgrade: boolean): void {
  let empty = false
  for (let at = 0; at < headers.length; at++) {
    if (headers.keys[at] !== 'connection') continue
    const value = headers.values[at] as string // at < length
    const kept = value
      .split(',')
      .map((token) => token.trim())
      .filter((token) => !isOurs(token.toLowerCase(), keepUpgrade))
      .join(', ')
    headers.replace(at, kept)
    if (kept === '') empty = true
  }
  if (!empty) return
  const left = headers.all('connection').filter((value) => value !== '')
  headers.delete('connection')
  for (const value of left) headers.add('connection', value)
}

function isOurs(token: string, keepUpgrade: boolean): boolean {
  return token === '' || token === 'close' || token === 'keep-alive' || (token === 'upgrade' && !keepUpgrade)
}

/**
 * Makes Content-Length and Transfer-Encoding say how the body is sent: rules may have removed or changed them, and then
 * the next reader would find another end.
 */
export function fixFraming(headers: HeaderList, framing: Framing): void {
  const lengths = headers.all('content-length')
  const codings = headers.all('transfer-encoding')
  if (framing === Framing.Chunked) {
    if (lengths.length > 0) headers.delete('content-length')
    if (codings.length !== 1 || codings[0]?.toLowerCase() !== 'chunked')
      headers.set('transfer-encoding', 'chunked')
    return
  }
  if (codings.length > 0) headers.delete('transfer-encoding')
  if (framing === Framing.UntilClose) {
    if (lengths.length > 0) headers.delete('content-length')
  } else if (lengths.length !== 1 || Number(lengths[0]) !== framing) {
    if (framing > 0 || lengths.length > 0) headers.set('content-length', String(framing))
  }
}
