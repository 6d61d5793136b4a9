/** Asks once, over a connection that is there, and shows an inspector what both ends say. */
import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { Writer } from '../bytes/writer.ts'
import { encodeBeginRequest, Role } from '../fcgi/codec/begin-request.ts'
import { encodeParams, type Param } from '../fcgi/codec/params.ts'
import { encodeRecord, RecordType, streamContentSize } from '../fcgi/codec/record.ts'
import { encodeDisconnect } from '../spop/disconnect.ts'
import { defaultMaxFrameSize } from '../spop/frame-head.ts'
import { encodeHaproxyHello } from '../spop/hello.ts'
import { encodeNotify, type MessageInput } from '../spop/notify.ts'
import type { Entry } from './entry.ts'
import type { InspectedConnection } from './inspector.ts'

/** The connection, and what looks at it. */
export interface Call {
  readonly stream: Duplex
  readonly inspected: InspectedConnection
  /** The time, in milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds that an answer may take. */
  readonly timeout: number
}

/** What came of a call. */
export type CallOutcome = 'answered' | 'timeout' | 'closed'

/** What is said when: the entries of the inspector take it further. */
interface Script {
  begin(say: (bytes: Buffer) => void): void
  /** Answers whether that was the answer. */
  onEntry(entry: Entry, say: (bytes: Buffer) => void): boolean
}

/** A call that is being made: it is told what the inspector tells. */
export class Caller {
  readonly #script: Script
  #onEntry: ((entry: Entry) => void) | undefined

  constructor(script: Script) {
    this.#script = script
  }

  /** For the inspector of the connection. */
  onEntry(entry: Entry): void {
    this.#onEntry?.(entry)
  }

  /** Makes the call, and lets go of the connection. */
  run({ stream, inspected, now, timeout }: Call): Promise<CallOutcome> {
    return new Promise((resolve) => {
      const finish = (outcome: CallOutcome): void => {
        clearTimeout(timer)
        this.#onEntry = undefined
        stream.end(() => stream.destroy())
        resolve(outcome)
      }
      const timer = setTimeout(() => {
        inspected.expire(now())
        finish('timeout')
      }, timeout)
      const say = (bytes: Buffer): void => {
        if (stream.writable) stream.write(bytes)
        inspected.push('client', bytes, now())
      }
      this.#onEntry = (entry) => {
        if (this.#script.onEntry(entry, say)) finish('answered')
      }
      stream.on('data', (chunk: Buffer) => inspected.push('server', chunk, now()))
      stream.on('error', () => {})
      stream.on('close', () => {
        if (this.#onEntry === undefined) return
        inspected.end('server', 'fin', now())
        finish('closed')
      })
      this.#script.begin(say)
    })
  }
}

function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return Buffer.from(writer.view())
}

/**
 * One NOTIFY, as HAProxy with pipelining sends it.
 * @throws SpopError `ERR_SPOP_VALUE` when a value cannot be sent.
 */
export function spopScript(message: MessageInput): Script {
  const notify = bytesOf((writer) => void encodeNotify(writer, 1, 1, [message]))
  const hello = {
    type: 'haproxy-hello',
    supportedVersions: '2.0',
    maxFrameSize: defaultMaxFrameSize,
    capabilities: 'pipelining',
    healthcheck: false,
    engineId: randomUUID(),
  } as const
  const goodbye = { type: 'haproxy-disconnect', statusCode: 0, message: 'normal' } as const
  return {
    begin: (say) => say(bytesOf((writer) => encodeHaproxyHello(writer, hello))),
    onEntry: (entry, say) => {
      if (entry.kind !== 'frame' || entry.from !== 'server') return false
      if (entry.name === 'AGENT-HELLO') say(notify)
      if (entry.name !== 'ACK') return false
      say(bytesOf((writer) => encodeDisconnect(writer, goodbye)))
      return true
    },
  }
}

/**
 * One request to a FastCGI application, as a responder.
 * @throws FcgiError for a parameter that cannot be sent.
 */
export function fcgiScript(params: Iterable<Param>, body: Buffer, onBody: (bytes: Buffer) => void): Script {
  const id = 1
  const request = bytesOf((writer) => {
    encodeBeginRequest(writer, id, Role.Responder, false)
    encodeParams(writer, id, params)
    for (let at = 0; at < body.length; at += streamContentSize) {
      encodeRecord(writer, RecordType.Stdin, id, body.subarray(at, at + streamContentSize))
    }
    encodeRecord(writer, RecordType.Stdin, id, Buffer.alloc(0))
  })
  return {
    begin: (say) => say(request),
    onEntry: (entry) => {
      if (entry.kind !== 'frame' || entry.from !== 'server') return false
      if (entry.name === 'STDOUT') onBody(entry.bytes.subarray(8, 8 + entry.size))
      return entry.name === 'END_REQUEST'
    },
  }
}
