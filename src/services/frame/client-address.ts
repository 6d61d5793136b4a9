/** Whose address counts: the connection's, or one of `X-Forwarded-For` when proxies that are trusted have added to it. */
import { CidrMap } from '../../net/cidr-map.ts'
import { IpAddress } from '../../net/ip-address.ts'
import { parseIp, wordAt } from '../../net/ip.ts'

/**
 * The sample for `xff` in snippets: of all values the last one, which is what the nearest proxy has seen. It is cut, for a frame that
 * is too large is not sent, and who is judged must not be able to make it so; and it is cut behind, where nothing is
 * lost: the end of a whole field would be.
 */
export const lastForwarded = 'req.hdr(x-forwarded-for),bytes(0,64)'

/** Ranges of proxies that are believed. */
export type TrustedProxies = CidrMap<true>

/** @throws UsageError for what is no range; the schema has checked them. */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const map: TrustedProxies = new CidrMap()
  for (const range of ranges) map.set(range, true)
  return map
}

/**
 * An IPv4-mapped address as IPv4. Lists, databases and limits know clients so, and a listener on `::` sees them otherwise.
 */
export function unmapped(address: IpAddress): IpAddress {
  if (address.family === 4) return address
  const { bytes } = address
  const isMapped = wordAt(bytes, 0) === 0 && wordAt(bytes, 4) === 0 && wordAt(bytes, 8) === 0xffff
  return isMapped ? IpAddress.fromUint32(wordAt(bytes, 12)) : address
}

/** An address in text, unmapped; undefined for what is none. */
export function parseAddress(text: string): IpAddress | undefined {
  const bytes = parseIp(text.trim())
  return bytes === undefined ? undefined : unmapped(IpAddress.fromBytes(bytes))
}

/**
 * The client's address. `forwarded` counts only behind trusted proxies, from the right: the first address that is not one of
 * them. What cannot be read ends the search, for anybody can have written it.
 */
export function clientAddress(
  source: IpAddress | undefined,
  forwarded: string | undefined,
  trusted: TrustedProxies,
): IpAddress | undefined {
  if (source === undefined) return undefined
  let client = unmapped(source)
  if (forwarded === undefined || trusted.size === 0) return client
  for (const part of forwarded.split(',').toReversed()) {
    if (!trusted.has(client)) return client
    const before = parseAddress(part)
    if (before === undefined) return client
    client = before
  }
  return client
}
