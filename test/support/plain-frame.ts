/**
 * SPOP frames as plain JSON, for vectors and messages. A typed value is `null`, true, false, a string, or an object of
 * one key: `{"int32": -5}`, `{"uint64": "18446744073709551615"}` (text beyond 2^53), `{"ipv4": "192.0.2.1"}`,
 * `{"binary": "00ff"}`, `{"latin1": "\u00e9"}` (a string that is not UTF-8).
 */
import {
  IpAddress,
  Message,
  StringData,
  type Action,
  type Frame,
  type Id,
  type Item,
  type Scope,
  type TypedData,
} from 'sluice/spop'

/** A frame as {@link plainFrame} makes it. */
export type PlainFrame = Readonly<Record<string, unknown>>

const plainNumber = (value: number | bigint) => (typeof value === 'bigint' ? `${value}` : value)
const numberOf = (value: unknown) => (typeof value === 'string' ? BigInt(value) : (value as number))

/** What a typed value looks like in a vector. */
export function plainValue(data: TypedData): unknown {
  switch (data.type) {
    case 'null':
      return null
    case 'boolean':
      return data.value
    case 'string':
      return Buffer.from(data.value).equals(data.bytes) ? data.value : { latin1: data.latin1 }
    case 'binary':
      return { binary: data.value.toString('hex') }
    case 'ipv4':
    case 'ipv6':
      return { [data.type]: data.value.toString() }
    default:
      return { [data.type]: plainNumber(data.value) }
  }
}

/** The reverse of {@link plainValue}. */
export function valueOf(plain: unknown): TypedData {
  if (plain === null) return { type: 'null' }
  if (typeof plain === 'boolean') return { type: 'boolean', value: plain }
  if (typeof plain === 'string') return new StringData(plain)
  const [type, value] = Object.entries(plain as object)[0] ?? []
  switch (type) {
    case 'latin1':
      return new StringData(Buffer.from(value as string, 'latin1'))
    case 'binary':
      return { type, value: Buffer.from(value as string, 'hex') }
    case 'ipv4':
    case 'ipv6':
      return { type, value: IpAddress.parse(value as string) }
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return { type, value: numberOf(value) }
    default:
      throw new Error(`no such type: ${type}`)
  }
}

const plainItems = (items: readonly Item[]) => items.map(([name, value]) => [name, plainValue(value)])
const itemsOf = (plain: unknown): Item[] =>
  (plain as [string, unknown][]).map(([name, value]) => [name, valueOf(value)])

function plainAction(action: Action): unknown[] {
  const { type, scope, name } = action
  return type === 'set-var' ? [type, scope, name, plainValue(action.value)] : [type, scope, name]
}

function actionOf([type, scope, name, value]: [string, Scope, string, unknown]): Action {
  return type === 'set-var'
    ? { type, scope, name, value: valueOf(value) }
    : { type: 'unset-var', scope, name }
}

/** A frame as JSON: absent keys are left out, and so are `fin: true` and `abort: false`. */
export function plainFrame(frame: Frame): PlainFrame {
  const plain: Record<string, unknown> = { ...frame }
  if ('streamId' in frame) {
    plain['streamId'] = plainNumber(frame.streamId)
    plain['frameId'] = plainNumber(frame.frameId)
    if (frame.fin) delete plain['fin']
    if (!frame.abort) delete plain['abort']
  }
  if (frame.type === 'notify') {
    plain['messages'] = frame.messages.map(({ name, args }) => [name, plainItems(args)])
    plain['fragment'] = frame.fragment?.toString('hex')
    if (frame.fragment !== undefined) delete plain['messages']
  }
  if (frame.type === 'ack') plain['actions'] = frame.actions.map(plainAction)
  if ('payload' in frame) plain['payload'] = frame.payload.toString('hex')
  for (const [key, value] of Object.entries(plain)) if (value === undefined) delete plain[key]
  return plain
}

/** The reverse of {@link plainFrame}. */
export function frameOf(plain: PlainFrame): Frame {
  const { streamId, frameId } = plain
  const ids = { streamId: numberOf(streamId) as Id, frameId: numberOf(frameId) as Id }
  const flags = { fin: plain['fin'] !== false, abort: plain['abort'] === true }
  const bytes = (key: string) => Buffer.from(plain[key] as string, 'hex')
  switch (plain['type']) {
    case 'notify': {
      const messages = (plain['messages'] ?? []) as [string, unknown][]
      const fragment = plain['fragment'] === undefined ? undefined : bytes('fragment')
      const made = messages.map(([name, args]) => new Message(name, itemsOf(args)))
      return { type: 'notify', ...ids, ...flags, messages: made, fragment }
    }
    case 'ack': {
      const actions = plain['actions'] as [string, Scope, string, unknown][]
      return { type: 'ack', ...ids, ...flags, actions: actions.map(actionOf) }
    }
    case 'unset':
      return { type: 'unset', ...ids, ...flags, payload: bytes('payload') }
    case 'unknown':
      return {
        type: 'unknown',
        frameType: plain['frameType'] as number,
        ...ids,
        ...flags,
        payload: bytes('payload'),
      }
    default:
      return plain as unknown as Frame // HELLO and DISCONNECT are plain already
  }
}
