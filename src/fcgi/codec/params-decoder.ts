/** PARAMS as a responder takes them: gathered wherever they were cut, and decoded when the stream is over. */
import { latin1Text } from '../../bytes/latin1.ts'
import { Writer } from '../../bytes/writer.ts'
import { checkBuffer, checkEncoding, checkLimits } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { decodePairs } from './name-value.ts'
import { showName } from './params.ts'
import type { ParamEncoding } from './params.ts'

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
    const bytes = this.#rest?.view() ?? this.#first
    if (bytes === undefined) return new Map()
    return this.#encoding === 'latin1' ? this.#readLatin1(bytes) : this.#readUtf8(bytes)
  }

  /** Made text once, and cut. */
  #readLatin1(bytes: Buffer): Map<string, string> {
    const params = new Map<string, string>()
    const text = latin1Text(bytes, 0, bytes.length)
    const { maxParams } = this.#limits
    let count = 0
    // The next one; those that are lengths are passed over.
    let nul = text.indexOf('\0')
    decodePairs(bytes, 0, bytes.length, (_, nameStart, nameEnd, valueStart, valueEnd) => {
      if (++count > maxParams) refuseCount(maxParams)
      const before = lastNames[count]
      const isSame = before?.length === nameEnd - nameStart && text.startsWith(before, nameStart)
      const name = isSame ? before : internName(bytes, nameStart, nameEnd, text)
      if (!isSame && count < lastNames.length) lastNames[count] = name
      while (nul >= 0 && nul < nameStart) nul = text.indexOf('\0', nul + 1)
      if (nul >= 0 && nul < valueEnd) refuseNul(name)
      params.set(name, text.slice(valueStart, valueEnd))
    })
    return params
  }

  #readUtf8(bytes: Buffer): Map<string, string> {
    const params = new Map<string, string>()
    const { maxParams } = this.#limits
    let count = 0
    decodePairs(bytes, 0, bytes.length, (_, nameStart, nameEnd, valueStart, valueEnd) => {
      if (++count > maxParams) refuseCount(maxParams)
      const name = bytes.toString('utf8', nameStart, nameEnd)
      const value = bytes.toString('utf8', valueStart, valueEnd)
      if (name.includes('\0') || value.includes('\0')) refuseNul(name)
      params.set(name, value)
    })
    return params
  }
}

function refuseCount(most: number): never {
  throw new FcgiError('ERR_FCGI_PARAMS_LIMIT', `more than ${most} parameters`)
}

function refuseNul(name: string): never {
  throw new FcgiError('ERR_FCGI_PARAM_VALUE', `${showName(name)} has a NUL`, { fault: 'peer' })
}

/** Of the parameters before, by their places: a gateway sends the same ones for most requests. */
const lastNames: string[] = Array.from({ length: 64 }, () => '')

const slots = 1024
/** Longer names are not kept: they are rare, and memory stays bounded. */
const longestKept = 64
const names: (string | undefined)[] = Array.from({ length: slots }, () => undefined)

/**
 * The name at `start` … `end` of `bytes`, whose text is `text`: each kept once, for the same few come with every request,
 * and a Map knows the hash of a string that it has seen. Names that collide replace each other.
 */
function internName(bytes: Buffer, start: number, end: number, text: string): string {
  let hash = 0
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0 // within bounds
  const slot = (hash ^ (hash >>> 10)) & (slots - 1)
  const known = names[slot]
  if (known !== undefined && known.length === end - start && text.startsWith(known, start)) return known
  const name = text.slice(start, end)
  if (name.length > longestKept) return name
  // A string of its own: a slice would keep all the text.
  return (names[slot] = Buffer.from(name, 'latin1').toString('latin1'))
}
