/** The captured conversations of test/vectors/captures, as byte streams. */
import { readFileSync } from 'node:fs'

/** The versions of HAProxy that were captured. */
export const capturedVersions = ['2.6.12', '3.0.0', '3.2.0', '3.5-dev5'] as const

/** One of them. */
export type CapturedVersion = (typeof capturedVersions)[number]

/** One thing that happened on a connection. */
export interface CapturedChunk {
  readonly ms: number
  readonly conn: number
  readonly from: 'haproxy' | 'agent'
  /** The bytes, or how the side ended the connection. */
  readonly what: Buffer | 'fin' | 'rst'
}

interface Line {
  readonly ms: number
  readonly conn: number
  readonly dir: string
  readonly hex?: string
  readonly event?: 'fin' | 'rst'
}

/** Everything that happened, in order. */
export function readCapture(version: CapturedVersion): CapturedChunk[] {
  const text = readFileSync(`test/vectors/captures/haproxy-${version}.jsonl`, 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const { ms, conn, dir, hex, event } = JSON.parse(line) as Line
      const from = dir.startsWith('haproxy') ? 'haproxy' : 'agent'
      return { ms, conn, from, what: hex === undefined ? (event ?? 'fin') : Buffer.from(hex, 'hex') }
    })
}

/** All bytes of one direction of one connection. */
export function capturedStream(chunks: readonly CapturedChunk[], conn: number, from: string): Buffer {
  const bytes = chunks.filter((chunk) => chunk.conn === conn && chunk.from === from).map(({ what }) => what)
  return Buffer.concat(bytes.filter((what) => typeof what !== 'string'))
}

/** The numbers of the connections. */
export function capturedConnections(chunks: readonly CapturedChunk[]): number[] {
  return [...new Set(chunks.map(({ conn }) => conn))].sort((a, b) => a - b)
}
