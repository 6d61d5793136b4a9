/** ACK (SPOE.txt 3.2.7) and the actions in it (3.4). */
import { KnownTexts } from '../bytes/known-texts.ts'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument, show } from '../base/options.ts'
import { checkIds, checkIterable, checkReader, checkText, checkWriter } from './arguments.ts'
import { SpopError } from './errors.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, type Id } from './frame-head.ts'
import { writeString } from './string.ts'
import { decodeTypedData, encodeValue, type TypedData, type Value } from './typed-data.ts'
import { readVarint } from './varint.ts'

/** Types of actions. */
export const ActionType = { SetVar: 1, UnsetVar: 2 } as const

/** Scopes of variables, as HAProxy's configuration names them, in the order of their numbers. */
export const scopes = ['proc', 'sess', 'txn', 'req', 'res'] as const

/** A scope: process, session, transaction, request or response. */
export type Scope = (typeof scopes)[number]

/** The number of a scope on the wire. */
export const ScopeCode = { proc: 0, sess: 1, txn: 2, req: 3, res: 4 } as const satisfies Record<Scope, number>

/** What HAProxy is told to do. */
export type Action =
  | { readonly type: 'set-var'; readonly scope: Scope; readonly name: string; readonly value: TypedData }
  | { readonly type: 'unset-var'; readonly scope: Scope; readonly name: string }

/** An action to be sent. */
export type ActionInput =
  | { readonly type: 'set-var'; readonly scope: Scope; readonly name: string; readonly value: Value }
  | { readonly type: 'unset-var'; readonly scope: Scope; readonly name: string }

/** The answer to one NOTIFY. */
export interface AckFrame {
  readonly type: 'ack'
  /** The stream id: with the frame id it names the exchange. */
  readonly streamId: Id
  /** The frame id. */
  readonly frameId: Id
  /** Whether the payload is whole; HAProxy takes no other ACKs. */
  readonly fin: boolean
  /** The agent wants no more fragments of this NOTIFY. */
  readonly abort: boolean
  /** In the order in which HAProxy is to do them. */
  readonly actions: readonly Action[]
}

/** Agents set the same few variables in every answer. */
const names = new KnownTexts(64)

const setVarArgs = 3
const unsetVarArgs = 2

/**
 * Reads all actions of an ACK.
 * HAProxy stops silently at the first action that is wrong and keeps those before it; so does the engine, which is
 * why `onWrong` exists: it gets the error instead of the caller, and reading ends.
 */
export function decodeActions(reader: Reader, onWrong?: (error: SpopError) => void): Action[] {
  checkReader(reader)
  if (onWrong !== undefined && typeof onWrong !== 'function') {
    refuseArgument('decodeActions: onWrong', 'must be a function', onWrong)
  }
  const actions: Action[] = []
  try {
    while (reader.remaining > 0) actions.push(decodeAction(reader))
  } catch (error) {
    if (onWrong === undefined || !(error instanceof SpopError)) throw error
    onWrong(error)
  }
  return actions
}

function decodeAction(reader: Reader): Action {
  const type = reader.uint8()
  if (type !== ActionType.SetVar && type !== ActionType.UnsetVar) {
    throw new SpopError('ERR_SPOP_INVALID_FRAME', `action of type ${type} at byte ${reader.at - 1}`)
  }
  const count = reader.uint8()
  const wanted = type === ActionType.SetVar ? setVarArgs : unsetVarArgs
  if (count !== wanted) {
    throw new SpopError(
      'ERR_SPOP_INVALID_FRAME',
      `action of type ${type} with ${count} arguments, wanted ${wanted}`,
    )
  }
  const scope = decodeScope(reader)
  const name = names.read(reader, readVarint(reader))
  if (type === ActionType.UnsetVar) return { type: 'unset-var', scope, name }
  return { type: 'set-var', scope, name, value: decodeTypedData(reader) }
}

function decodeScope(reader: Reader): Scope {
  const code = reader.uint8()
  const scope = scopes[code]
  if (scope === undefined)
    throw new SpopError('ERR_SPOP_INVALID_FRAME', `scope ${code} at byte ${reader.at - 1}`)
  return scope
}

/** Writes `set-var`: nothing is left behind when the value cannot be sent. */
export function encodeSetVar(writer: Writer, scope: Scope, name: string, value: Value): void {
  checkWriter(writer)
  const start = writer.at
  encodeSetVarHead(writer, scope, name)
  try {
    encodeValue(writer, value)
  } catch (error) {
    writer.reset(start)
    throw error
  }
}

/** Writes `set-var` without its value. @throws SpopError `ERR_SPOP_VALUE` for what is no scope. */
export function encodeSetVarHead(writer: Writer, scope: Scope, name: string): void {
  encodeActionHead(writer, ActionType.SetVar, setVarArgs, scope, name)
}

/** Writes `unset-var`: three fields and no value, or HAProxy drops every action behind it. */
export function encodeUnsetVar(writer: Writer, scope: Scope, name: string): void {
  checkWriter(writer)
  encodeActionHead(writer, ActionType.UnsetVar, unsetVarArgs, scope, name)
}

/** The number of a scope on the wire; -1 for what is none. Not a look-up by name: 'constructor' would find something. */
export function scopeCode(scope: Scope): number {
  switch (scope) {
    case 'proc':
      return ScopeCode.proc
    case 'sess':
      return ScopeCode.sess
    case 'txn':
      return ScopeCode.txn
    case 'req':
      return ScopeCode.req
    case 'res':
      return ScopeCode.res
    default:
      return -1
  }
}

function encodeActionHead(writer: Writer, type: number, count: number, scope: Scope, name: string): void {
  const code = scopeCode(scope)
  if (code < 0) {
    throw new SpopError('ERR_SPOP_VALUE', `scope ${show(scope)}, wanted one of ${scopes.join(', ')}`, {
      fault: 'local',
    })
  }
  checkText('the name of a variable', name)
  const start = writer.reserve(3)
  const bytes = writer.bytes
  bytes[start] = type
  bytes[start + 1] = count
  bytes[start + 2] = code
  writeString(writer, name)
}

/**
 * Writes a whole ACK and returns its length without the length field. ACKs are never fragmented: HAProxy does not
 * accept it.
 * @throws SpopError `ERR_SPOP_VALUE` when a value cannot be sent; nothing of the frame is left in the writer then.
 */
export function encodeAck(
  writer: Writer,
  streamId: Id,
  frameId: Id,
  actions: Iterable<ActionInput>,
  abort = false,
): number {
  checkWriter(writer)
  checkIds(streamId, frameId)
  checkIterable('the actions', actions)
  const flags = abort ? FrameFlag.Fin | FrameFlag.Abort : FrameFlag.Fin
  const start = writer.at
  try {
    beginFrame(writer, FrameType.Ack, flags, streamId, frameId)
    for (const action of actions) {
      if (!isAction(action)) refuseArgument('an action', 'must be of type set-var or unset-var', action)
      if (action.type === 'set-var') encodeSetVar(writer, action.scope, action.name, action.value)
      else encodeUnsetVar(writer, action.scope, action.name)
    }
    return endFrame(writer, start)
  } catch (error) {
    writer.reset(start)
    throw error
  }
}

function isAction(given: ActionInput): boolean {
  return (
    typeof given === 'object' && given !== null && (given.type === 'set-var' || given.type === 'unset-var')
  )
}
