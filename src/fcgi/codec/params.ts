/**
 * PARAMS (section 5.2): the parameters of a request, as a stream of records that an empty record ends.
 *
 * The stream may be cut anywhere, and the decoder takes it so. The encoder cuts between pairs only, since php-fpm closes
 * the connection when a pair straddles two records; so one pair is at most 65535 bytes.
 */
import { Writer } from '../../bytes/writer.ts'
import {
  checkBuffer,
  checkEncoding,
  checkIterable,
  checkLimits,
  isParam,
  checkWriter,
  refuseParam,
  unreadable,
} from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { decodePairs, encodeLength, lengthSize } from './name-value.ts'
import { encodeRecordHeader, headerSize, maxContentSize, putRecordHeader, RecordType } from './record.ts'

/** How text becomes bytes: `latin1` is one byte per character, as HTTP has it. */
export type ParamEncoding = 'latin1' | 'utf8'

/** A parameter: text in the encoding that is given beside it, or bytes. A Map of such pairs is an iterable of them. */
export type Param = readonly [name: string, value: string | Uint8Array]

/**
 * Writes the parameters as records of `id`, and the empty record that ends them.
 * @throws FcgiError `ERR_FCGI_PARAM_SIZE` for a pair that no record holds; `ERR_FCGI_PARAM_VALUE` for an empty name, a NUL,
 * or a character that the encoding cannot express; UsageError `ERR_SLUICE_OPTION`. Nothing is left in the writer then.
 */
export function encodeParams(
  writer: Writer,
  id: number,
  params: Iterable<Param>,
  encoding: ParamEncoding = 'latin1',
): void {
  checkWriter(writer)
  checkIterable('the parameters', params, 'must be a Map, or pairs')
  checkEncoding(encoding)
  const first = writer.at
  try {
    encodePairs(writer, id, params, encoding)
  } catch (error) {
    writer.reset(first)
    throw unreadable('the parameters', error)
  }
}

function encodePairs(writer: Writer, id: number, params: Iterable<Param>, encoding: ParamEncoding): void {
  let header = writer.reserve(headerSize)
  for (const [name, value] of params) {
    if (!isParam(name, value)) refuseParam([name, value])
    const size = pairSize(name, value, encoding)
    if (writer.at - header - headerSize + size > maxContentSize) {
      putRecordHeader(writer.bytes, header, RecordType.Params, id, writer.at - header - headerSize)
      header = writer.reserve(headerSize)
    }
    encodePair(writer, name, value, encoding)
  }
  const content = writer.at - header - headerSize
  putRecordHeader(writer.bytes, header, RecordType.Params, id, content)
  // Without a single pair that record was the empty one already.
  if (content > 0) encodeRecordHeader(writer, RecordType.Params, id, 0)
}

const notInLatin1 = /[\0\u0100-\uffff]/
const notInUtf8 = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

function pairSize(name: string, value: string | Uint8Array, encoding: ParamEncoding): number {
  checkText(name, name, encoding)
  if (name === '') throw new FcgiError('ERR_FCGI_PARAM_VALUE', 'its name is empty')
  if (typeof value === 'string') checkText(name, value, encoding)
  else if (value.includes(0)) throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${show(name)} has a NUL`)
  const nameSize = byteSize(name, encoding)
  const valueSize = byteSize(value, encoding)
  const size = lengthSize(nameSize) + lengthSize(valueSize) + nameSize + valueSize
  if (size > maxContentSize) throw new FcgiError('ERR_FCGI_PARAM_SIZE', `${show(name)} takes ${size} bytes`)
  return size
}

function checkText(name: string, text: string, encoding: ParamEncoding): void {
  if (!(encoding === 'latin1' ? notInLatin1 : notInUtf8).test(text)) return
  const why = text.includes('\0') ? 'a NUL' : `a character that is not ${encoding}`
  throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${show(name)} has ${why}`)
}

function show(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)
}

function byteSize(text: string | Uint8Array, encoding: ParamEncoding): number {
  return typeof text === 'string' && encoding === 'utf8' ? Buffer.byteLength(text) : text.length
}

function encodePair(writer: Writer, name: string, value: string | Uint8Array, encoding: ParamEncoding): void {
  encodeLength(writer, byteSize(name, encoding))
  encodeLength(writer, byteSize(value, encoding))
  writer.text(name, encoding)
  if (typeof value === 'string') writer.text(value, encoding)
  else writer.copy(value)
}

/** What the parameters of a request may cost a responder. */
export interface ParamLimits {
  /** Bytes of all pairs together, lengths included. */
  readonly maxParamsSize: number
  /** How many pairs. */
  readonly maxParams: number
}

/** Gathers the content of PARAMS records, wherever they were cut, and decodes it at the end of the stream. */
export class ParamsDecoder {
  #first: Buffer | undefined
  #rest: Writer | undefined
  #size = 0
  readonly #limits: ParamLimits
  readonly #encoding: ParamEncoding

  /** @throws UsageError `ERR_SLUICE_OPTION`. */
  constructor(limits: ParamLimits, encoding: ParamEncoding = 'latin1') {
    checkLimits('maxParamsSize and maxParams', () => [limits.maxParamsSize, limits.maxParams])
    checkEncoding(encoding)
    this.#limits = limits
    this.#encoding = encoding
  }

  /**
   * Takes the content of one record, which must stay as it is until {@link ParamsDecoder.finish}.
   * @throws FcgiError `ERR_FCGI_PARAMS_LIMIT`, before memory is taken; UsageError `ERR_SLUICE_OPTION`.
   */
  push(content: Buffer): void {
    checkBuffer('the content', content)
    this.#size += content.length
    if (this.#size > this.#limits.maxParamsSize) {
      throw new FcgiError('ERR_FCGI_PARAMS_LIMIT', `more than ${this.#limits.maxParamsSize} bytes`)
    }
    if (this.#first === undefined) {
      this.#first = content
      return
    }
    if (this.#rest === undefined) {
      this.#rest = new Writer(this.#size * 2)
      this.#rest.copy(this.#first)
    }
    this.#rest.copy(content)
  }

  /**
   * The parameters in the order they came. When a name comes twice the last value counts, as in PHP.
   * @throws FcgiError `ERR_FCGI_TRUNCATED`, `ERR_FCGI_PARAMS_LIMIT`, `ERR_FCGI_PARAM_VALUE` for a NUL.
   */
  finish(): Map<string, string> {
    const params = new Map<string, string>()
    const bytes = this.#rest?.view() ?? this.#first
    let count = 0
    if (bytes === undefined) return params
    decodePairs(bytes, 0, bytes.length, (source, nameStart, nameEnd, valueStart, valueEnd) => {
      if (++count > this.#limits.maxParams) {
        throw new FcgiError('ERR_FCGI_PARAMS_LIMIT', `more than ${this.#limits.maxParams} parameters`)
      }
      const name = source.toString(this.#encoding, nameStart, nameEnd)
      const value = source.toString(this.#encoding, valueStart, valueEnd)
      if (name.includes('\0') || value.includes('\0')) {
        throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${show(name)} has a NUL`, { fault: 'peer' })
      }
      params.set(name, value)
    })
    return params
  }
}
