/** Frames for checks: good ones from the encoder, odd ones by hand. */
import { Writer } from '../../bytes/writer.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, type Id } from '../../spop/frame-head.ts'
import { encodeKvList } from '../../spop/kv-list.ts'
import { encodeMessages, type MessageInput } from '../../spop/notify.ts'
import type { Value } from '../../spop/typed-data.ts'

/** Keys and values of a HELLO or DISCONNECT. */
export type Keys = readonly (readonly [name: string, value: Value])[]

/** FIN, in network order. */
export const fin: number = FrameFlag.Fin
/** FIN and ABORT. */
export const finAbort: number = FrameFlag.Fin | FrameFlag.Abort

/** A frame of anything. */
export function frameOf(type: number, flags: number, streamId: Id, frameId: Id, payload: Uint8Array): Buffer {
  const writer = new Writer()
  const start = beginFrame(writer, type, flags, streamId, frameId)
  writer.copy(payload)
  endFrame(writer, start)
  return writer.view()
}

/** A KV-LIST. */
export function keysPayload(keys: Keys): Buffer {
  const writer = new Writer()
  encodeKvList(writer, keys)
  return writer.view()
}

/** The four keys of a HELLO, each of which may be replaced or, with undefined, left out. */
export interface HelloKeys {
  readonly versions?: Value | undefined
  readonly size?: Value | undefined
  readonly capabilities?: Value | undefined
  readonly engineId?: Value | undefined
}

const uint32 = (value: number): Value => ({ type: 'uint32', value })

/** The keys in HAProxy's order. */
export function helloKeys(replaced: HelloKeys = {}): Keys {
  const keys = {
    versions: '2.0',
    size: uint32(16_380),
    capabilities: 'pipelining',
    engineId: 'sluice-probe',
    ...replaced,
  }
  const all: [string, Value | undefined][] = [
    ['supported-versions', keys.versions],
    ['max-frame-size', keys.size],
    ['capabilities', keys.capabilities],
    ['engine-id', keys.engineId],
  ]
  return all.filter((pair): pair is [string, Value] => pair[1] !== undefined)
}

/** A HAPROXY-HELLO with these keys. */
export function helloOf(keys: Keys): Buffer {
  return frameOf(FrameType.HaproxyHello, fin, 0, 0, keysPayload(keys))
}

/** A HAPROXY-HELLO as usual, but for some keys. */
export function helloWith(replaced: HelloKeys): Buffer {
  return helloOf(helloKeys(replaced))
}

/** The payload of a NOTIFY. */
export function messagesPayload(messages: readonly MessageInput[]): Buffer {
  const writer = new Writer()
  encodeMessages(writer, messages)
  return writer.view()
}

/** A whole NOTIFY. */
export function notifyOf(streamId: Id, frameId: Id, messages: readonly MessageInput[]): Buffer {
  return frameOf(FrameType.Notify, fin, streamId, frameId, messagesPayload(messages))
}

/** A HAPROXY-DISCONNECT. */
export function disconnectOf(keys: Keys): Buffer {
  return frameOf(FrameType.HaproxyDisconnect, fin, 0, 0, keysPayload(keys))
}
