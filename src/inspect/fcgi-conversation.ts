/** One connection of FastCGI: its records, and the requests that they belong to. */
import { Buffer } from 'node:buffer'
import { errorMessage } from '../base/errors.ts'
import { decodeBeginRequest, Role } from '../fcgi/codec/begin-request.ts'
import { decodeEndRequest } from '../fcgi/codec/end-request.ts'
import { decodePairs } from '../fcgi/codec/name-value.ts'
import { headerSize, managementId, RecordType, recordTypeName } from '../fcgi/codec/record.ts'
import { decodeUnknownType } from '../fcgi/codec/unknown-type.ts'
import type { ConversationHost, InspectSettings } from './conversation.ts'
import type { Detail, Finding, NamedValue, Side } from './entry.ts'
import { FcgiRequest, type RequestStep } from './fcgi-request.ts'
import { findFcgi, protocolStatusText } from './fcgi-rules.ts'
import type { CutFrame } from './frame-cutter.ts'
import { recordSender } from './frame-start.ts'
import { FramedConversation } from './framed-conversation.ts'
import { maskLoose } from './mask.ts'
import { formatMs } from './rules.ts'

const managementTypes: readonly number[] = [
  RecordType.GetValues,
  RecordType.GetValuesResult,
  RecordType.UnknownType,
]
const roleNames = new Map<number, string>([
  [Role.Responder, 'RESPONDER'],
  [Role.Authorizer, 'AUTHORIZER'],
  [Role.Filter, 'FILTER'],
])

/** A record that was cut out of its stream. */
interface CutRecord {
  readonly type: number
  readonly id: number
  /** The whole record: ours to write to. */
  readonly bytes: Buffer
  readonly content: Buffer
}

interface Judgement extends Partial<RequestStep> {
  readonly after?: number
  /** Kept back for the capture. */
  readonly held?: boolean
}

/** A connection between a web server and an application. */
export class FcgiConversation extends FramedConversation {
  readonly #requests = new Map<number, FcgiRequest>()
  #multiplexing = false
  #valuesAsked = false
  #ended = false

  constructor(connection: number, midway: boolean, settings: InspectSettings, host: ConversationHost) {
    super('fcgi', connection, midway, settings, host)
  }

  protected notFrames(what: string): Finding {
    return findFcgi('record.not-fcgi', what)
  }

  protected truncated(held: number): Finding {
    return findFcgi('record.truncated', held)
  }

  protected onEnd(from: Side, time: number): readonly Finding[] {
    const findings = this.#ended ? [] : this.#judgeEnd(from, time)
    this.#ended = true
    for (const request of this.#requests.values()) this.release(request.release(undefined))
    return findings
  }

  expire(): void {
    // How long an answer may take is not known: HAProxy's timeout server begins anew with each byte.
  }

  protected onFrame(from: Side, cut: CutFrame, time: number): void {
    const bytes = Buffer.from(cut.bytes)
    const size = bytes.readUInt16BE(4)
    const record: CutRecord = {
      type: bytes[1] as number, // a record is never shorter than its header
      id: bytes.readUInt16BE(2),
      bytes,
      content: bytes.subarray(headerSize, headerSize + size),
    }
    const { findings = [], details = [], released = [], after, held } = this.#judge(from, record, time)
    this.host.emit({
      kind: 'frame',
      ...this.base(time, [...judgeHead(record, from), ...findings]),
      from,
      protocol: 'fcgi',
      name: recordTypeName(record.type),
      ids: record.id === managementId ? undefined : String(record.id),
      size,
      flags: [],
      details,
      after,
      messages: [],
      continues: false,
      bytes: cut.bytes,
    })
    this.release(released)
    if (held !== true) this.host.keep(this.connection, from, bytes, time)
  }

  #judge(from: Side, record: CutRecord, time: number): Judgement {
    try {
      return managementTypes.includes(record.type) ? this.#manage(record) : this.#apply(from, record, time)
    } catch (error) {
      return { findings: [findFcgi('record.undecodable', record.type, errorMessage(error))] }
    }
  }

  #manage({ type, content }: CutRecord): Judgement {
    if (type === RecordType.UnknownType) {
      const unknown = recordTypeName(decodeUnknownType(content))
      return { details: [valuesOf([{ name: 'type', type: 'string', value: unknown }])] }
    }
    const values: NamedValue[] = []
    decodePairs(content, 0, content.length, (bytes, nameAt, nameEnd, valueAt, valueEnd) => {
      const [name, value] = [
        bytes.toString('latin1', nameAt, nameEnd),
        bytes.toString('latin1', valueAt, valueEnd),
      ]
      if (name === 'FCGI_MPXS_CONNS' && value === '1') this.#multiplexing = true
      values.push({ name, type: 'string', value })
    })
    this.#valuesAsked = type === RecordType.GetValues
    return { details: [valuesOf(values)] }
  }

  #apply(from: Side, record: CutRecord, time: number): Judgement {
    const { type, id, content } = record
    if (type === RecordType.BeginRequest) return this.#begin(record, time)
    const request = this.#requests.get(id)
    const expected = recordSender(type)
    if (request === undefined || expected !== from) {
      const isMissing = expected === from && !this.midway
      return isMissing ? { findings: [findFcgi('request.inactive', recordTypeName(type), id)] } : {}
    }
    switch (type) {
      case RecordType.Params:
        return { ...request.takeParams({ bytes: record.bytes, payload: content, time }), held: true }
      case RecordType.Stdin:
        return request.takeStdin(content.length)
      case RecordType.Stdout: {
        const isFirst = request.stdout === 0
        const step = request.takeStdout(content)
        return isFirst ? { ...step, after: time - request.time } : step
      }
      case RecordType.Stderr:
        return this.#stderr(content)
      case RecordType.EndRequest:
        return this.#endRequest(request, content, time)
      default:
        return {}
    }
  }

  #begin({ id, content }: CutRecord, time: number): Judgement {
    const findings: Finding[] = []
    const [other] = this.#requests.values()
    if (this.#requests.has(id)) findings.push(findFcgi('request.again', id))
    else if (other !== undefined && !this.#multiplexing)
      findings.push(findFcgi('request.multiplexed', other.id))
    const { role, keepConn } = decodeBeginRequest(content)
    const before = this.#requests.get(id)
    if (before !== undefined) this.release(before.release(undefined))
    this.#requests.set(id, new FcgiRequest(id, time, role === Role.Responder, this.settings.showSecrets))
    const values = valuesOf([
      { name: 'role', type: 'uint16', value: roleNames.get(role) ?? role },
      { name: 'keep-conn', type: 'boolean', value: keepConn },
    ])
    return { findings, details: [values] }
  }

  #stderr(content: Buffer): Judgement {
    if (content.length === 0) return {}
    if (!this.settings.showSecrets) maskLoose(content)
    return { findings: [findFcgi('stderr.text', JSON.stringify(content.toString('latin1', 0, 300).trim()))] }
  }

  #endRequest(request: FcgiRequest, content: Buffer, time: number): Judgement {
    this.#requests.delete(request.id)
    const { appStatus, protocolStatus } = decodeEndRequest(content)
    const findings: Finding[] = []
    if (protocolStatus !== 0) findings.push(findFcgi('end.refused', protocolStatus))
    else findings.push(...request.judgeEnd())
    if (appStatus !== 0) findings.push(findFcgi('end.exit', appStatus))
    const details = valuesOf([
      { name: 'app-status', type: 'uint32', value: appStatus },
      { name: 'protocol-status', type: 'uint8', value: protocolStatusText(protocolStatus) },
    ])
    return { findings, details: [details], released: request.release(undefined), after: time - request.time }
  }

  #judgeEnd(from: Side, time: number): Finding[] {
    const findings = [...this.#requests.values()].map((request) => {
      if (from === 'client') return findFcgi('request.given-up', request.id)
      const since = formatMs(time - request.time)
      const sofar = request.hasHead ? `, with ${request.stdout} bytes of its answer sent` : ''
      return findFcgi('end.missing', request.id, `, ${since} after its beginning${sofar}`)
    })
    return this.#valuesAsked ? [...findings, findFcgi('values.unanswered')] : findings
  }
}

function judgeHead({ type, id, bytes, content }: CutRecord, from: Side): Finding[] {
  const sender = recordSender(type)
  if (sender === undefined) return [findFcgi('record.type', type)]
  const findings: Finding[] = []
  const name = recordTypeName(type)
  if (sender !== from)
    findings.push(findFcgi('record.direction', name, from === 'client' ? 'a web server' : 'an application'))
  if (managementTypes.includes(type) !== (id === managementId)) findings.push(findFcgi('record.id', name, id))
  const padding = bytes[6] as number // a record is never shorter than its header
  if (content.length + padding > 0xffff) findings.push(findFcgi('record.padding', content.length, padding))
  return findings
}

function valuesOf(values: readonly NamedValue[]): Detail {
  return { kind: 'values', name: '', values }
}
