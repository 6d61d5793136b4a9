/** Switching protocols (RFC 9110 section 7.8, RFC 6455 section 4): who may ask, and who may answer. */
import { createHash } from 'node:crypto'
import { HeaderKind } from '../../http1/index.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../../http1/index.ts'

/** RFC 6455 section 1.3 */
const websocketGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Makes the Upgrade field say what may be asked of a server; answers whether anything is left of it that the client asked
 * for. Not with a body, whose bytes would change their meaning at the switch; and never HTTP/2 in clear text, which has
 * been used to get past proxies and which nobody behind us speaks.
 */
export function cleanUpgrade({ headers, framing, upgrade }: RequestHead): boolean {
  if (!headers.mayHave(1 << HeaderKind.Upgrade) || !headers.has('upgrade')) return false
  if (framing !== 0) {
    headers.deleteWhere((key) => key === 'upgrade' || key === 'http2-settings')
    return false
  }
  for (let at = headers.length - 1; at >= 0; at--) {
    if (headers.fields[at]?.key !== 'upgrade') continue
    const value = headers.values[at] as string // at < length
    if (!/h2c/i.test(value)) continue
    headers.replace(at, withoutH2c(value))
  }
  if (headers.all('upgrade').every((value) => value === '')) {
    headers.deleteWhere((key) => key === 'upgrade' || key === 'http2-settings')
    return false
  }
  return upgrade !== undefined
}

function withoutH2c(value: string): string {
  return value
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '' && !/^h2c(?![\w-])/i.test(token))
    .join(', ')
}

/**
 * Whether a 101 is an answer to this request, as it went to the server. A websocket's must prove that it is none that a
 * cache kept or an attacker planted.
 */
export function answersUpgrade(request: RequestHead, response: ResponseHead): boolean {
  const { headers, upgrade, framing } = request
  if (upgrade === undefined || framing !== 0 || !headers.has('upgrade')) return false
  if (!names(headers, 'websocket')) return true
  if (!names(response.headers, 'websocket')) return !/^websocket$/i.test(upgrade.trim())
  const key = headers.get('sec-websocket-key') ?? ''
  const accept = createHash('sha1')
    .update(key + websocketGuid)
    .digest('base64')
  return key !== '' && response.headers.get('sec-websocket-accept') === accept
}

/** Whether a response, by its status, says that what follows is no HTTP, to whoever has sent a request with `method`. */
export function looksSwitched(method: string, { status }: ResponseHead): boolean {
  return status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)
}

/** A websocket's handshake without the key that its answer is made of (RFC 6455 section 4.1) is none. */
export function lacksWebsocketKey({ headers, upgrade, framing }: RequestHead): boolean {
  if (upgrade === undefined || framing !== 0 || !/^websocket$/i.test(upgrade.trim())) return false
  return (headers.get('sec-websocket-key') ?? '') === ''
}

function names(headers: HeaderList, protocol: string): boolean {
  return headers.all('upgrade').some((value) => value.toLowerCase().includes(protocol))
}
