/** What a FastCGI application is asked: the records of one request, as bytes that are ready but for ids and templates. */
import { Buffer } from 'node:buffer'
import { Writer } from '../bytes/writer.ts'
import { encodeBeginRequest, Role } from '../fcgi/codec/begin-request.ts'
import { encodeParams, type Param } from '../fcgi/codec/params.ts'
import { encodeRecord, headerSize, RecordType, streamContentSize } from '../fcgi/codec/record.ts'
import { parseTemplate, type Template, type Turn } from './template.ts'

/** A parameter whose value may hold templates. */
export type ParamTemplate = readonly [name: string, value: string]

/** What a request is made of. */
export interface FcgiRequestTemplate {
  /** `CONTENT_LENGTH` is told by the body, unless it is among them. */
  readonly params: readonly ParamTemplate[]
  /** May hold templates; empty for none. */
  readonly body: string
}

/** One request, written again and again. */
export class FcgiRequestBytes {
  readonly #params: readonly (readonly [name: string, value: Template])[]
  readonly #body: Template
  readonly #saysLength: boolean
  /** All records with the id 0, when they are the same each time, and where their ids stand. */
  readonly #fixed: Buffer | undefined
  readonly #idsAt: readonly number[]

  /** @throws UsageError `ERR_SLUICE_OPTION`, FcgiError for parameters that cannot be sent. */
  constructor({ params, body }: FcgiRequestTemplate) {
    this.#params = params.map(([name, value]) => [name, parseTemplate(value, `--param ${name}=${value}`)])
    this.#body = parseTemplate(body, '--body')
    this.#saysLength = params.some(([name]) => name === 'CONTENT_LENGTH')
    const isFixed = [this.#body, ...this.#params.map(([, value]) => value)].every(
      ({ fixed }) => fixed !== undefined,
    )
    this.#fixed = isFixed ? this.#once() : undefined
    this.#idsAt = this.#fixed === undefined ? [] : idsOf(this.#fixed)
  }

  #once(): Buffer {
    const writer = new Writer()
    // Nothing of it asks for a turn.
    this.#encode(writer, 1, undefined)
    return Buffer.from(writer.view())
  }

  /** Appends a request with this id. @throws FcgiError for a parameter that cannot be sent. */
  write(writer: Writer, id: number, turn: Turn): void {
    const fixed = this.#fixed
    if (fixed === undefined) {
      this.#encode(writer, id, turn)
      turn.seq++
      return
    }
    const start = writer.at
    writer.copy(fixed)
    const { bytes } = writer
    for (const at of this.#idsAt) {
      bytes[start + at] = id >>> 8
      bytes[start + at + 1] = id
    }
  }

  #encode(writer: Writer, id: number, turn: Turn | undefined): void {
    const fill = (template: Template) => template.fixed ?? (turn === undefined ? '' : template.text(turn))
    const body = Buffer.from(fill(this.#body))
    const params: Param[] = this.#params.map(([name, value]) => [name, Buffer.from(fill(value))])
    if (!this.#saysLength) params.push(['CONTENT_LENGTH', body.length === 0 ? '' : String(body.length)])
    encodeBeginRequest(writer, id, Role.Responder, true)
    encodeParams(writer, id, params)
    for (let at = 0; at < body.length; at += streamContentSize) {
      encodeRecord(writer, RecordType.Stdin, id, body.subarray(at, at + streamContentSize))
    }
    encodeRecord(writer, RecordType.Stdin, id, Buffer.alloc(0))
  }
}

/** Where the request ids of whole records stand. */
function idsOf(bytes: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at < bytes.length;) {
    found.push(at + 2)
    at += headerSize + bytes.readUInt16BE(at + 4) + (bytes[at + 6] as number) // whole records
  }
  return found
}
