/** PARAMS as a responder takes them: gathered wherever they were cut, and decoded when the stream is over. */
import { Buffer } from 'node:buffer'
import { latin1Text } from '../../bytes/latin1.ts'
import { Writer } from '../../bytes/writer.ts'
import { checkBuffer, checkEncoding, checkLimits } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { decodePairs } from './name-value.ts'
import { ParamList } from './param-list.ts'
import { paramName } from './param-name.ts'
import type { ParamName } from './param-name.ts'
import { showName } from './params.ts'
import type { ParamEncoding, ParamLimits } from './params.ts'

/** Gathers the content of PARAMS records, wherever they were cut, and decodes it at the end of the stream. */
export class ParamsReader {
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
   * Takes the content of one record, which must stay as it is until {@link ParamsReader.finish}.
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
  finish(): ParamList {
    const params = new ParamList()
    const bytes = this.#rest?.view() ?? this.#first
    if (bytes === undefined) return params
    if (this.#encoding === 'latin1') this.#readLatin1(bytes, params)
    else this.#readUtf8(bytes, params)
    return params
  }

  /** Made text once, and cut. */
  #readLatin1(bytes: Buffer, params: ParamList): void {
    const text = latin1Text(bytes, 0, bytes.length)
    const { maxParams } = this.#limits
    let count = 0
    // The next one; those that are lengths are passed over.
    let nul = text.indexOf('\0')
    decodePairs(bytes, 0, bytes.length, (_, nameStart, nameEnd, valueStart, valueEnd) => {
      if (++count > maxParams) refuseCount(maxParams)
      const before = lastNames[count]
      const isSame = before?.text.length === nameEnd - nameStart && isTextAt(before.text, bytes, nameStart)
      const name = isSame ? before : internName(bytes, nameStart, nameEnd, text)
      if (!isSame && count < lastNames.length) lastNames[count] = name
      while (nul >= 0 && nul < nameStart) nul = text.indexOf('\0', nul + 1)
      if (nul >= 0 && nul < valueEnd) refuseNul(name.text)
      params.set(name, text.slice(valueStart, valueEnd))
    })
  }

  #readUtf8(bytes: Buffer, params: ParamList): void {
    const { maxParams } = this.#limits
    let count = 0
    decodePairs(bytes, 0, bytes.length, (_, nameStart, nameEnd, valueStart, valueEnd) => {
      if (++count > maxParams) refuseCount(maxParams)
      const name = bytes.toString('utf8', nameStart, nameEnd)
      const value = bytes.toString('utf8', valueStart, valueEnd)
      if (name.includes('\0') || value.includes('\0')) refuseNul(name)
      params.set(paramName(name), value)
    })
  }
}

function refuseCount(most: number): never {
  throw new FcgiError('ERR_FCGI_PARAMS_LIMIT', `more than ${most} parameters`)
}

function refuseNul(name: string): never {
  throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${showName(name)} has a NUL`, { fault: 'peer' })
}

/** Of the parameters before, by their places: a gateway sends the same ones for most requests. */
const lastNames: ParamName[] = Array.from({ length: 64 }, () => paramName(''))

function isTextAt(text: string, bytes: Buffer, start: number): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false
  return true
}

const slots = 1024
const names: (ParamName | undefined)[] = Array.from({ length: slots }, () => undefined)

/**
 * The name at `start` … `end` of `bytes`, whose text is `text`, found without making a text of it. Names that collide replace
 * each other.
 */
function internName(bytes: Buffer, start: number, end: number, text: string): ParamName {
  let hash = 0
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0 // within bounds
  const slot = (hash ^ (hash >>> 10)) & (slots - 1)
  const known = names[slot]
  if (known?.text.length === end - start && text.startsWith(known.text, start)) return known
  // A string of its own: a slice would keep all the text.
  const name = paramName(Buffer.from(text.slice(start, end), 'latin1').toString('latin1'))
  if (name.kept) names[slot] = name
  return name
}
