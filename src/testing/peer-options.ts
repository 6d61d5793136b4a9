/** What a scripted peer is told, and what it tells. */
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../endpoint.ts'
import type { Action } from '../spop/ack.ts'
import { TestingError } from './errors.ts'
import type { PeerVersion } from './peer-manners.ts'
import type { NotifyIds } from './peer-notify.ts'
import type { Acceptor, Target } from './target.ts'

/** Sizes are bytes, times milliseconds. One of `stream`, `endpoint` and `agent` says where the agent is. */
export interface ScriptedPeerOptions {
  /** Whose manners to have. */
  readonly version: PeerVersion
  /** A connected stream. */
  readonly stream?: Duplex
  /** An address, such as `127.0.0.1:12345` or `/run/agent.sock`. */
  readonly endpoint?: string | Endpoint
  /** An agent of this process: it is connected in memory. */
  readonly agent?: Acceptor
  /** @default a random UUID */
  readonly engineId?: string
  /** What HELLO announces. @default 16380 */
  readonly maxFrameSize?: number
  /** What HELLO announces. @default `pipelining,async` up to 3.0, `pipelining` since */
  readonly capabilities?: string
  /** How long each step of the script waits. @default 2000 */
  readonly timeout?: number
}

/** How to send a NOTIFY. */
export interface NotifySettings {
  /** Up to 3.0: the client's stream that it belongs to; a new one when it is not given. */
  readonly stream?: number
}

/** An ACK that HAProxy takes. */
export interface PeerAck extends NotifyIds {
  /** The actions that HAProxy carries out. */
  readonly actions: readonly Action[]
  /** Why HAProxy drops an action and all behind it, silently; undefined when it takes all. */
  readonly dropped: string | undefined
  /** The whole frame. */
  readonly bytes: Buffer
}

/** How a connection ended. */
export interface PeerEnd {
  /** Who began to end it. */
  readonly by: 'agent' | 'haproxy'
  readonly how: 'disconnect' | 'fin' | 'reset'
  /** The status of the DISCONNECT, where there was one. */
  readonly status: number | undefined
  readonly why: string
}

/** Where the agent is. @throws TestingError `ERR_TESTING_SCRIPT` when nothing says it. */
export function targetOf({ stream, endpoint, agent }: ScriptedPeerOptions): Target {
  if (stream !== undefined) return () => stream
  const target = endpoint ?? agent
  if (target === undefined)
    throw new TestingError('ERR_TESTING_SCRIPT', "give 'stream', 'endpoint' or 'agent'")
  return target
}

/** Bytes from hexadecimal digits; blanks do not count. @throws TestingError `ERR_TESTING_SCRIPT` for anything else. */
export function parseHex(digits: string): Buffer {
  const text = digits.replaceAll(/\s+/g, '')
  if (!/^([0-9a-fA-F]{2})*$/.test(text))
    throw new TestingError('ERR_TESTING_SCRIPT', `'${digits}' is not hexadecimal`)
  return Buffer.from(text, 'hex')
}
