/** Headers that belong to one connection, or to the framing of a message: kept true whatever the rules did. */
import { connectionNames, ConnectionOption, Framing, HeaderKind } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'

/** What a Connection field cannot take away: without these the message is another one. */
const kept = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'connection',
])

/** Never meant for the next hop (RFC 9110 section 7.6.1). */
const ofOneHop = ['keep-alive', 'proxy-connection']

/** Most messages have none of these: one look says so. */
const connectionKinds =
  (1 << HeaderKind.Connection) | (1 << HeaderKind.KeepAlive) | (1 << HeaderKind.ProxyConnection)
const framingKinds = (1 << HeaderKind.ContentLength) | (1 << HeaderKind.TransferEncoding)
const upgradeKind = 1 << HeaderKind.Upgrade
const teKind = 1 << HeaderKind.Te

/**
 * Takes what a message says to us alone out of it, as it arrives, so that rules see what the other side will see: the
 * fields that its Connection field names, and all of that field but `upgrade`.
 * @param connection bits of ConnectionOption
 */
export function cleanConnection(headers: HeaderList, connection: number): void {
  if (connection === 0) return
  if ((connection & ConnectionOption.Other) !== 0) {
    const names = new Set(connectionNames(headers))
    headers.deleteWhere((key) => names.has(key) && !kept.has(key))
  }
  const upgrade = (connection & ConnectionOption.Upgrade) === 0 ? undefined : upgradeToken(headers)
  const first = headers.indexOf('connection')
  // It stays where it stood.
  if (upgrade !== undefined && headers.indexOf('connection', first + 1) < 0) headers.replace(first, upgrade)
  else {
    headers.delete('connection')
    if (upgrade !== undefined) headers.add('connection', upgrade)
  }
}

/** As it was spelt. */
function upgradeToken(headers: HeaderList): string | undefined {
  return headers
    .all('connection')
    .flatMap((value) => value.split(','))
    .map((token) => token.trim())
    .find((token) => token.toLowerCase() === 'upgrade')
}

/** Makes a message say of its connection what is so: `words`, or nothing. */
export function setConnection(headers: HeaderList, words: string | undefined): void {
  if (words === undefined && !headers.mayHave(connectionKinds)) return
  for (const key of ofOneHop) if (headers.has(key)) headers.delete(key)
  if (words !== undefined && headers.get('connection') === words) return
  if (headers.has('connection')) headers.delete('connection')
  if (words !== undefined) headers.add('connection', words)
}

/** What an answer says of its connection, `words` or nothing, and beside an Upgrade field that it offers another protocol. */
export function offeringUpgrade(headers: HeaderList, words: string | undefined): string | undefined {
  if (!headers.mayHave(upgradeKind) || !headers.has('upgrade')) return words
  const upgrade = upgradeToken(headers)
  return words === undefined || upgrade === undefined ? (words ?? upgrade) : `${words}, ${upgrade}`
}

/** `TE` says one thing that is passed on: that trailers are welcome. */
export function cleanTe(headers: HeaderList): void {
  if (!headers.mayHave(teKind)) return
  const first = headers.indexOf('te')
  if (first < 0) return
  const values = headers.all('te')
  const trailers = values.some((value) => /(^|[,\s])trailers($|[,;\s])/i.test(value))
  if (trailers && values.length === 1) headers.replace(first, 'trailers')
  else if (trailers) headers.set('te', 'trailers')
  else headers.delete('te')
}

/**
 * Makes Content-Length and Transfer-Encoding say how the body is sent: rules may have removed or changed them, and then
 * the next reader would find another end.
 */
export function fixFraming(headers: HeaderList, framing: Framing): void {
  if (framing === 0 && !headers.mayHave(framingKinds)) return
  if (saysLength(headers, framing)) return
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

/** What nearly every message does, found without an array: that one length, or none when there is no body. */
function saysLength(headers: HeaderList, framing: Framing): boolean {
  if (framing < 0 || headers.has('transfer-encoding')) return false
  const at = headers.indexOf('content-length')
  if (at < 0) return framing === 0
  return headers.values[at] === String(framing) && headers.indexOf('content-length', at + 1) < 0
}

/** A message without framing at all: 1xx and 204 answers (RFC 9110 section 8.6, RFC 9112 section 6.1). */
export function dropFraming(headers: HeaderList): void {
  if (headers.has('content-length')) headers.delete('content-length')
  if (headers.has('transfer-encoding')) headers.delete('transfer-encoding')
}

/** Answers to HEAD and 304 describe a body that is not there: one length or one coding, or neither. */
export function fixDescribedFraming(headers: HeaderList): void {
  const lengths = headers.all('content-length')
  const codings = headers.all('transfer-encoding')
  const sound = lengths.length <= 1 && lengths.every((value) => /^\d{1,15}$/.test(value))
  if (!sound || (lengths.length > 0 && codings.length > 0)) headers.delete('content-length')
  if (codings.length > 1 || codings.some((value) => value.toLowerCase() !== 'chunked'))
    headers.delete('transfer-encoding')
}
