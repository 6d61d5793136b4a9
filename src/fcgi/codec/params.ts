/**
 * PARAMS (section 5.2): the parameters of a request, as a stream of records that an empty record ends.
 *
 * The stream may be cut anywhere, and the decoder (params-decoder.ts) takes it so. The encoder cuts between pairs only, since php-fpm closes
 * the connection when a pair straddles two records; so one pair is at most 65535 bytes.
 */
import { Buffer } from 'node:buffer'
import { writeLatin1 } from '../../bytes/latin1.ts'
import type { Writer } from '../../bytes/writer.ts'
import { checkEncoding, checkIterable, isParam, checkWriter, refuseParam, unreadable } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { encodeLength, lengthSize } from './name-value.ts'
import { ParamList } from './param-list.ts'
import { longLength } from './param-name.ts'
import type { ParamName } from './param-name.ts'
import { encodeRecordHeader, headerSize, maxContentSize, putRecordHeader, RecordType } from './record.ts'

/** How text becomes bytes: `latin1` is one byte per character, as HTTP has it. */
export type ParamEncoding = 'latin1' | 'utf8'

/** A parameter: text in the encoding that is given beside it, or bytes. A Map of such pairs is an iterable of them. */
export type Param = readonly [name: string, value: string | Uint8Array]

/** What the parameters of a request may cost a responder. */
export interface ParamLimits {
  /** Bytes of all pairs together, lengths included. */
  readonly maxParamsSize: number
  /** How many pairs. */
  readonly maxParams: number
}

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
    if (encoding === 'latin1' && params instanceof ParamList && encodeList(writer, id, params)) return
    encodePairs(writer, id, params, encoding)
  } catch (error) {
    writer.reset(first)
    throw unreadable('the parameters', error)
  }
}

const wide = /[\u0100-\uffff]/

/**
 * Writes one text for all pairs, joined without a look at a character, and then the lengths of the values. False: nothing is
 * written, for one record does not hold it, or a name or a value has what cannot be sent.
 */
function encodeList(writer: Writer, id: number, { names, values }: ParamList): boolean {
  let text = ''
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as ParamName // arrays of one length
    const value = values[at] as string
    text += (value.length < longLength ? name.short : name.long) + value
  }
  // V8 keeps most texts with a byte for each character, and knows that such a one has none of the second kind.
  if (text.length > maxContentSize || text.includes('\0') || wide.test(text)) return false
  const header = writer.reserve(headerSize + text.length)
  const { bytes } = writer
  putRecordHeader(bytes, header, RecordType.Params, id, text.length)
  writeLatin1(bytes, text, header + headerSize)
  putLengths(bytes, header + headerSize, values)
  if (text !== '') encodeRecordHeader(writer, RecordType.Params, id, 0)
  return true
}

/** The pairs begin at `start`; their names are short. */
function putLengths(bytes: Buffer, start: number, values: readonly string[]): void {
  let at = start
  for (const { length } of values) {
    const nameSize = bytes[at] as number // a pair begins here
    if (length < longLength) {
      bytes[at + 1] = length
      at += 2 + nameSize + length
    } else {
      bytes[at + 1] = 0x80
      bytes[at + 2] = length >>> 16
      bytes[at + 3] = length >>> 8
      bytes[at + 4] = length
      at += 5 + nameSize + length
    }
  }
}

function encodePairs(writer: Writer, id: number, params: Iterable<Param>, encoding: ParamEncoding): void {
  let header = writer.reserve(headerSize)
  for (const [name, value] of params) {
    if (!isParam(name, value)) refuseParam([name, value])
    const size = encoding === 'latin1' ? quickSize(name, value) : pairSize(name, value, encoding)
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

/** As {@link pairSize}, without a look at the characters: what is written is looked at then. */
function quickSize(name: string, value: string | Uint8Array): number {
  const size = lengthSize(name.length) + lengthSize(value.length) + name.length + value.length
  const isPlain = name !== '' && typeof value === 'string' && size <= maxContentSize
  return isPlain ? size : pairSize(name, value, 'latin1')
}

const notInLatin1 = /[\0\u0100-\uffff]/
const notInUtf8 = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

function pairSize(name: string, value: string | Uint8Array, encoding: ParamEncoding): number {
  checkText(name, name, encoding)
  if (name === '') throw new FcgiError('ERR_FCGI_PARAM_VALUE', 'its name is empty')
  if (typeof value === 'string') checkText(name, value, encoding)
  else if (value.includes(0)) throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${showName(name)} has a NUL`)
  const nameSize = byteSize(name, encoding)
  const valueSize = byteSize(value, encoding)
  const size = lengthSize(nameSize) + lengthSize(valueSize) + nameSize + valueSize
  if (size > maxContentSize)
    throw new FcgiError('ERR_FCGI_PARAM_SIZE', `${showName(name)} takes ${size} bytes`)
  return size
}

function checkText(name: string, text: string, encoding: ParamEncoding): void {
  if (!(encoding === 'latin1' ? notInLatin1 : notInUtf8).test(text)) return
  const why = text.includes('\0') ? 'a NUL' : `a character that is not ${encoding}`
  throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${showName(name)} has ${why}`)
}

/** A name in a message, cut when it is long. */
export function showName(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)
}

function byteSize(text: string | Uint8Array, encoding: ParamEncoding): number {
  return typeof text === 'string' && encoding === 'utf8' ? Buffer.byteLength(text) : text.length
}

function encodePair(writer: Writer, name: string, value: string | Uint8Array, encoding: ParamEncoding): void {
  encodeLength(writer, byteSize(name, encoding))
  encodeLength(writer, byteSize(value, encoding))
  if (encoding === 'utf8') writer.text(name)
  else if (!putLatin1(writer, name)) checkText(name, name, encoding)
  if (typeof value !== 'string') writer.copy(value)
  else if (encoding === 'utf8') writer.text(value)
  else if (!putLatin1(writer, value)) checkText(name, value, encoding)
}

/** A call into C++ costs more than this loop for the short texts that most parameters are. */
const shortText = 48

/** False: there is a character that cannot be sent. */
function putLatin1(writer: Writer, text: string): boolean {
  const { length } = text
  const start = writer.reserve(length)
  const { bytes } = writer
  if (length > shortText) {
    writeLatin1(bytes, text, start)
    return !notInLatin1.test(text)
  }
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0 || code > 0xff) return false
    bytes[start + at] = code
  }
  return true
}
