/** What a scripted peer is told, and what it tells. */
import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../net/endpoint.ts'
import {
  hasMethods,
  integer,
  oneOf,
  optional,
  optionalInteger,
  requireArgument,
  resolveOptions,
  type OptionSpec,
  type Resolved,
  type Specs,
} from '../base/options.ts'
import type { Action } from '../spop/ack.ts'
import { timeoutOption } from './arguments.ts'
import { TestingError } from './errors.ts'
import { peerVersions, type PeerVersion } from './peer-manners.ts'
import type { NotifyIds } from './peer-notify.ts'
import { isEndpointLike } from '../net/endpoint.ts'
import { isAcceptor, type Acceptor } from '../net/memory-socket.ts'
import { type Target } from './target.ts'

/** Sizes are bytes, times milliseconds. One of `stream`, `endpoint` and `agent` says where the agent is. */
export interface ScriptedPeerOptions {
  /** Whose manners to have. */
  readonly version: PeerVersion
  /** A connected stream. */
  readonly stream?: Duplex | undefined
  /** An address, such as `127.0.0.1:12345` or `/run/agent.sock`. */
  readonly endpoint?: string | Endpoint | undefined
  /** An agent of this process: it is connected in memory. */
  readonly agent?: Acceptor | undefined
  /** @default a random UUID */
  readonly engineId?: string | undefined
  /** What HELLO announces. @default 16380 */
  readonly maxFrameSize?: number | undefined
  /** What HELLO announces. @default `pipelining,async` up to 3.0, `pipelining` since */
  readonly capabilities?: string | undefined
  /** How long each step of the script waits. @default 2000 */
  readonly timeout?: number | undefined
}

/** How to send a NOTIFY. */
export interface NotifySettings {
  /** Up to 3.0: the client's stream that it belongs to; a new one when it is not given. */
  readonly stream?: number | undefined
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
  /** By a DISCONNECT, or without one. */
  readonly how: 'disconnect' | 'fin' | 'reset'
  /** The status of the DISCONNECT, where there was one. */
  readonly status: number | undefined
  /** In words. */
  readonly why: string
}

type WithDefault = 'version' | 'maxFrameSize' | 'timeout'

/** What a scripted peer was told, with the gaps filled for which one value is right for all versions. */
export type PeerSettings = Pick<Resolved<ScriptedPeerOptions>, WithDefault> & {
  readonly [Key in Exclude<keyof ScriptedPeerOptions, WithDefault>]: ScriptedPeerOptions[Key] | undefined
}

/** Something that may be missing, and is right when `isRight` says so. */
function given<Value>(rule: string, isRight: (value: unknown) => boolean): OptionSpec<Value | undefined> {
  return { fallback: undefined, check: (value) => (isRight(value) ? undefined : rule) }
}

const specs = {
  version: oneOf('3.5', peerVersions),
  stream: given<Duplex>('must be a stream', (value) => hasMethods(value, 'on', 'write', 'destroy')),
  endpoint: given<string | Endpoint>('must be an address', isEndpointLike),
  agent: given<Acceptor>('must have the method accept, as agents have', isAcceptor),
  engineId: optional<string>('string'),
  // Sizes that an agent must refuse are for testing, too.
  maxFrameSize: integer(16_380, { max: 0xffff_ffff }),
  capabilities: optional<string>('string'),
  timeout: timeoutOption(2000),
} satisfies Record<keyof ScriptedPeerOptions, OptionSpec<unknown>>

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function resolvePeerOptions(options: ScriptedPeerOptions): PeerSettings {
  const settings = resolveOptions(specs as Specs<ScriptedPeerOptions>, options, 'createScriptedPeer')
  const { version } = options
  const rule = `must be one of ${peerVersions.join(', ')}`
  // Which version it is decides what a test sees: there is no default.
  requireArgument((version as unknown) !== undefined, "createScriptedPeer: option 'version'", rule, version)
  return settings
}

const notifySpecs = { stream: optionalInteger() }

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function resolveNotifySettings(settings: NotifySettings): { readonly stream: number | undefined } {
  return resolveOptions(notifySpecs as Specs<NotifySettings>, settings, 'notify')
}

/** Where the agent is. @throws TestingError `ERR_TESTING_SCRIPT` when nothing says it. */
export function targetOf({ stream, endpoint, agent }: PeerSettings): Target {
  if (stream !== undefined) return () => stream
  const target = endpoint ?? agent
  if (target === undefined)
    throw new TestingError('ERR_TESTING_SCRIPT', "give 'stream', 'endpoint' or 'agent'")
  return target
}

/** Bytes from hexadecimal digits; blanks do not count. @throws TestingError `ERR_TESTING_SCRIPT` for anything else. */
export function parseHex(digits: string): Buffer {
  requireArgument(typeof digits === 'string', 'parseHex: the digits', 'must be a string', digits)
  const text = digits.replaceAll(/\s+/g, '')
  if (!/^([0-9a-fA-F]{2})*$/.test(text))
    throw new TestingError('ERR_TESTING_SCRIPT', `'${digits}' is not hexadecimal`)
  return Buffer.from(text, 'hex')
}
