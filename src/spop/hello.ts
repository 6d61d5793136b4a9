/**
 * HAPROXY-HELLO and AGENT-HELLO (SPOE.txt 3.2.4, 3.2.5). Decoding keeps what was there and what was not: judging it
 * is the handshake's business (negotiation.ts).
 */
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { checkObject, checkReader, checkWriter } from './arguments.ts'
import { SpopError } from './errors.ts'
import { beginFrame, endFrame, FrameFlag, FrameType } from './frame-head.ts'
import { decodeKvList, encodeKvList, type Item } from './kv-list.ts'
import type { TypedData, Value } from './typed-data.ts'

/** The first frame from HAProxy. Absent keys are undefined; unknown keys are skipped. */
export interface HaproxyHelloFrame {
  readonly type: 'haproxy-hello'
  /** Comma-separated, such as `2.0, 1.5`. */
  readonly supportedVersions: string | undefined
  /** In bytes, without the length field. */
  readonly maxFrameSize: number | undefined
  /** Comma-separated; empty in health checks. */
  readonly capabilities: string | undefined
  /** Whether it is a health check: the answer to HELLO is all that is wanted. */
  readonly healthcheck: boolean
  /** HAProxy up to 3.0: a UUID per agent and thread; later: per agent. Absent in health checks. */
  readonly engineId: string | undefined
}

/** The agent's answer. Absent keys are undefined. */
export interface AgentHelloFrame {
  readonly type: 'agent-hello'
  /** The version that the agent has chosen, such as `2.0`. */
  readonly version: string | undefined
  /** The largest frame that it takes, in bytes, without the length field. */
  readonly maxFrameSize: number | undefined
  /** Comma-separated. */
  readonly capabilities: string | undefined
}

/** A KV-LIST looked up by exact name; the first of a repeated name counts. */
class Keys {
  readonly #items: readonly Item[]

  constructor(items: readonly Item[]) {
    this.#items = items
  }

  #find(name: string): TypedData | undefined {
    return this.#items.find(([key]) => key === name)?.[1]
  }

  text(name: string): string | undefined {
    const data = this.#find(name)
    if (data === undefined) return undefined
    if (data.type === 'string') return data.value
    throw new SpopError('ERR_SPOP_INVALID_FRAME', `"${name}" is ${data.type}, wanted string`)
  }

  /** Any of the four integer types will do: peers differ. */
  integer(name: string): number | undefined {
    const data = this.#find(name)
    if (data === undefined) return undefined
    const { type } = data
    if (type === 'int32' || type === 'uint32' || type === 'int64' || type === 'uint64')
      return Number(data.value)
    throw new SpopError('ERR_SPOP_INVALID_FRAME', `"${name}" is ${type}, wanted an integer`)
  }

  /** The value counts, not the presence: `healthcheck` may be there and false. */
  flag(name: string): boolean {
    const data = this.#find(name)
    return data?.type === 'boolean' && data.value
  }
}

/** `reader` stands at the payload. */
export function decodeHaproxyHello(reader: Reader): HaproxyHelloFrame {
  checkReader(reader)
  const keys = new Keys(decodeKvList(reader))
  return {
    type: 'haproxy-hello',
    supportedVersions: keys.text('supported-versions'),
    maxFrameSize: keys.integer('max-frame-size'),
    capabilities: keys.text('capabilities'),
    healthcheck: keys.flag('healthcheck'),
    engineId: keys.text('engine-id'),
  }
}

/** In HAProxy's own order of keys. */
export function encodeHaproxyHello(writer: Writer, hello: HaproxyHelloFrame): void {
  checkWriter(writer)
  checkObject('the frame', hello)
  const items: (readonly [string, Value])[] = []
  if (hello.supportedVersions !== undefined) items.push(['supported-versions', hello.supportedVersions])
  if (hello.maxFrameSize !== undefined) items.push(sizeItem(hello.maxFrameSize))
  if (hello.capabilities !== undefined) items.push(['capabilities', hello.capabilities])
  if (hello.healthcheck) items.push(['healthcheck', true])
  if (hello.engineId !== undefined) items.push(['engine-id', hello.engineId])
  encodeHello(writer, FrameType.HaproxyHello, items)
}

/** `reader` stands at the payload. */
export function decodeAgentHello(reader: Reader): AgentHelloFrame {
  checkReader(reader)
  const keys = new Keys(decodeKvList(reader))
  return {
    type: 'agent-hello',
    version: keys.text('version'),
    maxFrameSize: keys.integer('max-frame-size'),
    capabilities: keys.text('capabilities'),
  }
}

/** The three keys in the order of the document; health checks want all of them, `capabilities` even when empty. */
export function encodeAgentHello(writer: Writer, hello: AgentHelloFrame): void {
  checkWriter(writer)
  checkObject('the frame', hello)
  const items: (readonly [string, Value])[] = []
  if (hello.version !== undefined) items.push(['version', hello.version])
  if (hello.maxFrameSize !== undefined) items.push(sizeItem(hello.maxFrameSize))
  if (hello.capabilities !== undefined) items.push(['capabilities', hello.capabilities])
  encodeHello(writer, FrameType.AgentHello, items)
}

function sizeItem(value: number): readonly [string, Value] {
  return ['max-frame-size', { type: 'uint32', value }]
}

function encodeHello(writer: Writer, type: number, items: readonly (readonly [string, Value])[]): void {
  const start = beginFrame(writer, type, FrameFlag.Fin, 0, 0)
  encodeKvList(writer, items)
  endFrame(writer, start)
}
