/**
 * Recorded conversations between HAProxy and an agent: one JSON object a line, as a proxy between the two writes it.
 *
 * ```
 * {"ms": 478, "conn": 1, "dir": "haproxy>agent", "hex": "0000004e01…"}
 * {"ms": 478, "conn": 1, "dir": "haproxy>agent", "event": "rst"}
 * ```
 */
import { Buffer } from 'node:buffer'
import { requireArgument } from '../base/options.ts'
import { TestingError } from './errors.ts'

/** One chunk, or the end of one direction. */
export interface CaptureStep {
  /** Milliseconds since the recording began. */
  readonly time: number
  /** Who sent it. */
  readonly from: 'haproxy' | 'agent'
  /** Empty when `event` is there. */
  readonly bytes: Buffer
  /** How the direction ended; undefined for bytes. */
  readonly event: 'fin' | 'rst' | undefined
}

/** One connection of a recording. */
export interface CapturedConnection {
  /** What the capture calls it: `conn`. */
  readonly number: number
  /** In the order of time. */
  readonly steps: readonly CaptureStep[]
}

const sides = new Map<unknown, CaptureStep['from']>([
  ['haproxy>agent', 'haproxy'],
  ['agent>haproxy', 'agent'],
])

/**
 * Reads a recording; its connections come in the order in which they began.
 * @throws TestingError `ERR_TESTING_CAPTURE` naming the line.
 */
export function parseCapture(text: string): CapturedConnection[] {
  requireArgument(typeof text === 'string', 'parseCapture: the recording', 'must be a string', text)
  const connections = new Map<number, CaptureStep[]>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const { connection, step } = parseLine(line, index + 1)
    const steps = connections.get(connection)
    if (steps === undefined) connections.set(connection, [step])
    else steps.push(step)
  }
  return Array.from(connections, ([number, steps]) => ({ number, steps }))
}

function parseLine(line: string, number: number): { connection: number; step: CaptureStep } {
  const entry = parseJson(line, number)
  const { ms = 0, conn, dir, hex = '', event } = entry
  const from = sides.get(dir)
  if (typeof conn !== 'number' || typeof ms !== 'number' || from === undefined) {
    throw new TestingError(
      'ERR_TESTING_CAPTURE',
      `line ${number}: wanted conn, ms and dir, got ${line.slice(0, 80)}`,
    )
  }
  if (typeof hex !== 'string' || !/^([0-9a-f]{2})*$/i.test(hex)) {
    throw new TestingError('ERR_TESTING_CAPTURE', `line ${number}: 'hex' is not hexadecimal`)
  }
  if (event !== undefined && event !== 'fin' && event !== 'rst') {
    throw new TestingError('ERR_TESTING_CAPTURE', `line ${number}: 'event' is neither fin nor rst`)
  }
  return { connection: conn, step: { time: ms, from, bytes: Buffer.from(hex, 'hex'), event } }
}

interface Entry {
  readonly ms?: unknown
  readonly conn?: unknown
  readonly dir?: unknown
  readonly hex?: unknown
  readonly event?: unknown
}

function parseJson(line: string, number: number): Entry {
  try {
    const parsed: unknown = JSON.parse(line)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch (cause) {
    throw new TestingError('ERR_TESTING_CAPTURE', `line ${number} is not JSON`, { cause })
  }
  throw new TestingError('ERR_TESTING_CAPTURE', `line ${number} is not an object`)
}
