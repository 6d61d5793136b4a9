/**
 * Header names, each kept once. The same few names arrive with every message: a small cache, indexed by a hash of
 * the bytes, gives the strings of a name without making them anew.
 */

import { flatText } from '../bytes/flat-text.ts'

/** What a header means to the codec. */
export const HeaderKind = {
  Other: 0,
  Host: 1,
  ContentLength: 2,
  TransferEncoding: 3,
  Connection: 4,
  Expect: 5,
  Upgrade: 6,
  Te: 7,
  KeepAlive: 8,
  ProxyConnection: 9,
} as const
export type HeaderKind = (typeof HeaderKind)[keyof typeof HeaderKind]

const kinds = new Map<string, HeaderKind>([
  ['host', HeaderKind.Host],
  ['content-length', HeaderKind.ContentLength],
  ['transfer-encoding', HeaderKind.TransferEncoding],
  ['connection', HeaderKind.Connection],
  ['expect', HeaderKind.Expect],
  ['upgrade', HeaderKind.Upgrade],
  ['te', HeaderKind.Te],
  ['keep-alive', HeaderKind.KeepAlive],
  ['proxy-connection', HeaderKind.ProxyConnection],
])

/** A header name, as it came and in lower case. */
export class HeaderName {
  /** As received. */
  readonly name: string
  /** In lower case, for comparing. */
  readonly key: string
  /** What it means to the codec. */
  readonly kind: HeaderKind
  #lead: string | undefined

  /** @param name - known to be a token. {@link headerName} makes none anew for a name that is kept. */
  constructor(name: string) {
    this.name = name
    this.key = name.toLowerCase()
    this.kind = kinds.get(this.key) ?? HeaderKind.Other
  }

  /** What stands before a value when it is written: the end of the line before it, the name in lower case, a colon, a blank. */
  get lead(): string {
    return (this.#lead ??= flatText(`\r\n${this.key}: `))
  }
}

const slots = 1024
/** Longer names are not kept: they are rare, and memory stays bounded at 1024 short strings. */
export const longestKept = 48
const cache: (HeaderName | undefined)[] = Array.from({ length: slots }, () => undefined)

const named = new Map<string, HeaderName>()

/** The name that is given as text with every message: the first {@link slots} of them are kept. */
export function headerName(name: string): HeaderName {
  const known = named.get(name)
  if (known !== undefined) return known
  if (named.size >= slots || name.length > longestKept) return new HeaderName(name)
  // It may be a part of a text that is much longer.
  const kept = flatText(name)
  const made = new HeaderName(kept)
  named.set(kept, made)
  return made
}

/**
 * The name at `start` … `end` of `bytes`, which were checked to be a token; `hash` is any number computed from these
 * bytes. Names that collide replace each other, so a peer that sends made-up names costs no more than without a cache.
 */
export function internHeaderName(bytes: Uint8Array, start: number, end: number, hash: number): HeaderName {
  const slot = hash & (slots - 1)
  const known = cache[slot]
  if (known !== undefined && known.name.length === end - start && matches(known.name, bytes, start))
    return known
  let text = ''
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number) // at < end <= length
  const made = new HeaderName(text)
  if (end - start <= longestKept) cache[slot] = made
  return made
}

function matches(name: string, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) !== bytes[start + at]) return false
  return true
}
