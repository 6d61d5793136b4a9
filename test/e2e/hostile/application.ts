/** What the tables of this folder are made of: applications that break FastCGI, CGI and HTTP, each in one way. */
import { setTimeout as sleep } from 'node:timers/promises'
import { record, reply } from '../../fcgi/support.ts'
import type { Peer } from '../../fcgi/support.ts'

/** An application. */
export interface Hostile {
  readonly what: string
  /** What it does when BEGIN_REQUEST is there, and nothing else has been read, until nobody wants it any more. */
  readonly play: (peer: Peer, id: number, isWanted: () => boolean) => Promise<void> | void
  /** What the client library says: status and body, a code, or both. Alternatives have a `|` between them. */
  readonly library: string
  /** What the proxy's client is told: a status, with its body when it is the application's own. */
  readonly proxy: string
  /** The request; one with a body has 1 MB of it. @default 'GET' */
  readonly method?: 'GET' | 'HEAD' | 'POST'
  /** Nobody but a time-out ends it. */
  readonly silent?: boolean
  /** It does it already when somebody connects. */
  readonly atOnce?: boolean
  /** It brings the whole connection to a stand: other requests on it can but wait. */
  readonly stands?: boolean
}

/** The bytes for a request with that id. */
export type Make = (id: number) => readonly Buffer[]

/** Reads the request, and answers. */
export const answer =
  (make: Make): Hostile['play'] =>
  async (peer, id) => {
    await peer.until('STDIN', id)
    peer.send(...make(id))
  }

/** Reads until it has seen a record of that type, and then ends the connection. */
export const closeAt =
  (type: 'PARAMS' | 'STDIN', how: 'end' | 'reset', bytes: Make = () => []): Hostile['play'] =>
  async (peer, id) => {
    await peer.until(type, id)
    peer.send(...bytes(id))
    leave(peer, how)
  }

/** Ends a connection, politely or not. */
export function leave(peer: Peer, how: 'end' | 'reset'): void {
  if (how === 'end') peer.socket.end()
  else peer.socket.resetAndDestroy()
}

/** Reads the request, answers, and goes. */
export const answerAndClose = (make: Make) => closeAt('STDIN', 'end', make)

/** A whole response. */
export const hello = 'A: b\r\n\r\nhello'
/** STDOUT in one record, its end, and END_REQUEST. */
export const whole = (head: string) => answer((id) => [reply(id, head)])
/** Records of STDOUT. */
export const stdout = (id: number, ...pieces: (string | Buffer)[]) =>
  pieces.map((each) => record('STDOUT', id, each))

/** Content and header of a record that says another length. */
export function lying(type: string, id: number, content: string, length: number): Buffer {
  const bytes = record(type, id, content)
  bytes.writeUInt16BE(length, 4)
  return bytes
}

/** A record with another version. */
export function version(bytes: Buffer, value: number): Buffer {
  bytes[0] = value
  return bytes
}

/** It does no harm. */
export const fine = { library: '200 hello', proxy: '200 hello' } as const
/** There is nothing to show. */
export const bad = (code: string) => ({ library: `ERR_FCGI_${code}`, proxy: '502' })
/** The head is right, and the library has told of it; the proxy has not when the fault comes in the same turn. */
export const cut = (code: string) => ({ library: `200 cut ERR_FCGI_${code}`, proxy: '502' })
/** What there is is the client's, as with HAProxy and nginx, and the rest is missing. */
export const short = { library: '200 cut ERR_FCGI_RESPONSE_LENGTH', proxy: '200 cut' } as const

/** Nothing comes. */
export const late = { library: 'ERR_FCGI_RESPONSE_TIMEOUT', proxy: '504', silent: true } as const

/** Sends the same again and again, until it is not wanted any more. */
export function flood(make: (id: number) => Buffer): Hostile['play'] {
  return async (peer, id, isWanted) => {
    await peer.until('STDIN', id)
    const bytes = make(id)
    while (!peer.ended && isWanted()) {
      if (peer.socket.writableLength < 1_000_000) peer.socket.write(bytes)
      await sleep(0)
    }
  }
}
