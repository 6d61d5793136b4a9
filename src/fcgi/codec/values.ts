/** GET_VALUES and GET_VALUES_RESULT (section 4.1): what an application says about its limits. */
import { Writer } from '../../bytes/writer.ts'
import { checkIterable, checkRange, checkText, readArgument } from '../arguments.ts'
import { decodePairs, encodeLength } from './name-value.ts'
import { encodeRecord, managementId, RecordType } from './record.ts'

/** The names that the specification defines. */
export const valueNames = ['FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS'] as const

/** What an application said; what it did not say is undefined. */
export interface FcgiValues {
  /** Most connections at a time. */
  readonly maxConns: number | undefined
  /** Most requests at a time. */
  readonly maxReqs: number | undefined
  /** Whether one connection may carry several requests at a time. */
  readonly mpxsConns: boolean | undefined
}

/**
 * Writes GET_VALUES asking for `names`.
 * @throws FcgiError `ERR_FCGI_RECORD_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function encodeGetValues(writer: Writer, names: readonly string[]): void {
  checkIterable('the names', names, 'must be an array of strings')
  const pairs = readArgument('the names', () => Array.from(names, (name) => [name, ''] as const))
  encodePairs(writer, RecordType.GetValues, pairs)
}

/**
 * Writes GET_VALUES_RESULT.
 * @throws FcgiError `ERR_FCGI_RECORD_SIZE`; UsageError `ERR_SLUICE_OPTION`.
 */
export function encodeGetValuesResult(
  writer: Writer,
  pairs: readonly (readonly [name: string, value: string])[],
): void {
  encodePairs(writer, RecordType.GetValuesResult, pairs)
}

function encodePairs(
  writer: Writer,
  type: RecordType,
  pairs: readonly (readonly [name: string, value: string])[],
): void {
  const content = new Writer(128)
  checkIterable('the values', pairs, 'must be an array of pairs')
  readArgument('the values', () => {
    for (const pair of pairs) encodePair(content, pair)
  })
  encodeRecord(writer, type, managementId, content.view())
}

function encodePair(content: Writer, pair: readonly [name: string, value: string]): void {
  checkIterable('a value', pair, 'must be a pair of strings')
  const [name, value] = pair
  checkText('the name of a value', name)
  checkText('a value', value)
  encodeLength(content, name.length)
  encodeLength(content, value.length)
  content.text(name, 'latin1')
  content.text(value, 'latin1')
}

/**
 * The names that a GET_VALUES asks for.
 * @throws FcgiError `ERR_FCGI_TRUNCATED`; UsageError `ERR_SLUICE_OPTION`.
 */
export function decodeGetValues(bytes: Buffer, start = 0, end?: number): string[] {
  const names: string[] = []
  decodePairs(bytes, start, checkRange(bytes, start, end), (source, from, to) =>
    names.push(source.toString('latin1', from, to)),
  )
  return names
}

/**
 * What a GET_VALUES_RESULT says. Names are compared without case, as HAProxy does; unknown names and values that are no
 * decimal number are skipped. An empty result, which Go sends behind its first, says nothing.
 * @throws FcgiError `ERR_FCGI_TRUNCATED`; UsageError `ERR_SLUICE_OPTION`.
 */
export function decodeGetValuesResult(bytes: Buffer, start = 0, end?: number): FcgiValues {
  let maxConns: number | undefined
  let maxReqs: number | undefined
  let mpxsConns: boolean | undefined
  decodePairs(
    bytes,
    start,
    checkRange(bytes, start, end),
    (source, nameStart, nameEnd, valueStart, valueEnd) => {
      const value = source.toString('latin1', valueStart, Math.min(valueEnd, valueStart + 16))
      const number = /^\d{1,9}$/.test(value) ? Number(value) : undefined
      const name = source.toString('latin1', nameStart, Math.min(nameEnd, nameStart + 32)).toUpperCase()
      if (name === 'FCGI_MAX_CONNS') maxConns = number
      else if (name === 'FCGI_MAX_REQS') maxReqs = number
      else if (name === 'FCGI_MPXS_CONNS') mpxsConns = number === 1
    },
  )
  return { maxConns, maxReqs, mpxsConns }
}
