/** What HAProxy's `req.hdrs_bin` and `res.hdrs_bin` send (configuration.txt 7.3.6): a block of headers as bytes. */
import { Buffer } from 'node:buffer'
import type { Reader } from '../bytes/reader.ts'
import { SluiceError } from '../base/errors.ts'
import { integer, requireArgument, resolveOptions, type Specs } from '../base/options.ts'
import { createReader } from '../spop/frame-head.ts'
import { readVarint } from '../spop/varint.ts'
import { AgentError } from './errors.ts'

/** Bounds for {@link decodeHeadersBin}. */
export interface HeadersBinLimits {
  /** Headers that are taken; HAProxy itself has at most `tune.http.maxhdr`, 101 unless told otherwise. @default 1024 */
  readonly maxHeaders?: number | undefined
  /** Bytes of all names and values. HAProxy has at most its `tune.bufsize`. @default 1048576 */
  readonly maxSize?: number | undefined
}

const specs: Specs<HeadersBinLimits> = { maxHeaders: integer(1024), maxSize: integer(1_048_576) }

/**
 * Decodes the value of `req.hdrs_bin` or `res.hdrs_bin`: pairs of name and value, each a length (a varint) and that many
 * bytes, ended by two empty strings. Names are lower case, as HAProxy makes them; repeated headers stay apart and
 * in order; values are one character per byte, so nothing is lost.
 *
 * @throws AgentError `ERR_AGENT_HEADERS` when the block is cut, goes on behind its end, or is over a limit; UsageError
 * `ERR_SLUICE_OPTION`.
 * @example
 * ```ts
 * import { createAgent, decodeHeadersBin } from 'sluice/agent'
 *
 * const agent = createAgent()
 * // spoe-message check-headers: args headers=req.hdrs_bin
 * agent.message('check-headers', { headers: 'binary' }, ({ headers }, actions) => {
 *   const names = decodeHeadersBin(headers).map(([name]) => name)
 *   actions.setVar('txn', 'has_host', names.includes('host'))
 * })
 * ```
 */
export function decodeHeadersBin(
  bytes: Uint8Array,
  limits: HeadersBinLimits = {},
): [name: string, value: string][] {
  requireArgument(bytes instanceof Uint8Array, 'decodeHeadersBin: the block', 'must be bytes', bytes)
  const { maxHeaders, maxSize } = resolveOptions(specs, limits, 'decodeHeadersBin')
  if (bytes.length > maxSize)
    throw new AgentError('ERR_AGENT_HEADERS', `${bytes.length} bytes, the limit is ${maxSize}`)
  const reader = createReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  try {
    return readHeaders(reader, maxHeaders)
  } catch (error) {
    // A cut block, or a length that is no varint: those are coded already, but as faults of a connection.
    if (!(error instanceof SluiceError) || error instanceof AgentError) throw error
    throw new AgentError('ERR_AGENT_HEADERS', error.message, { cause: error })
  }
}

function readHeaders(reader: Reader, maxHeaders: number): [string, string][] {
  const headers: [string, string][] = []
  for (;;) {
    const name = reader.latin1(readVarint(reader))
    const value = reader.latin1(readVarint(reader))
    if (name === '' && value === '') break
    if (name === '') throw new AgentError('ERR_AGENT_HEADERS', `header ${headers.length} has no name`)
    if (headers.length === maxHeaders)
      throw new AgentError('ERR_AGENT_HEADERS', `more than ${maxHeaders} headers`)
    headers.push([name, value])
  }
  if (reader.remaining > 0)
    throw new AgentError('ERR_AGENT_HEADERS', `${reader.remaining} bytes behind the end`)
  return headers
}
