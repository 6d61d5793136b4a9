/** The Connection header and what follows from it: keep-alive, upgrades (RFC 9112 section 9, RFC 9110 section 7.6.1, 7.8). */
import type { HeaderList } from './header-list.ts'

/** Tokens of Connection headers, as bits. */
export const ConnectionOption = {
  Close: 1,
  KeepAlive: 2,
  Upgrade: 4,
  /** Some other token: the name of a header that goes no further than this hop. */
  Other: 8,
} as const

/** The bits of one Connection value. */
export function parseConnection(value: string): number {
  // What nearly every message has.
  if (value === 'keep-alive') return ConnectionOption.KeepAlive
  if (value === 'close') return ConnectionOption.Close
  let bits = 0
  for (const token of value.split(',')) {
    const word = token.trim().toLowerCase()
    if (word === 'close') bits |= ConnectionOption.Close
    else if (word === 'keep-alive') bits |= ConnectionOption.KeepAlive
    else if (word === 'upgrade') bits |= ConnectionOption.Upgrade
    else if (word !== '') bits |= ConnectionOption.Other
  }
  return bits
}

/** Whether the connection stays open after this message, as far as its sender says; `minor` is the HTTP/1 minor version. */
export function isPersistent(minor: number, connection: number): boolean {
  if ((connection & ConnectionOption.Close) !== 0) return false
  return minor >= 1 || (connection & ConnectionOption.KeepAlive) !== 0
}

/** The names of headers, in lower case, that the Connection headers say go no further. */
export function connectionNames(headers: HeaderList): string[] {
  const names: string[] = []
  for (const value of headers.all('connection')) {
    for (const token of value.split(',')) {
      const word = token.trim().toLowerCase()
      if (word !== '' && word !== 'close' && word !== 'keep-alive' && word !== 'upgrade') names.push(word)
    }
  }
  return names
}
