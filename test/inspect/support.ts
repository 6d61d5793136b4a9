/** What the tests of the inspector share: connections as steps, in bytes that are written by hand or were captured. */
import { Inspector } from '#src/inspect/inspector.js'
import type { InspectorOptions } from '#src/inspect/inspector.js'
import type { Entry, Finding } from '#src/inspect/entry.js'
import { parseHex } from '../support/hex.ts'
import { readCapture, type CapturedVersion } from '../support/captures.ts'

/** What one side does: `>` is the client (HAProxy), `<` the server (the agent). */
export interface Step {
  readonly from: 'client' | 'server'
  readonly what: Buffer | 'fin' | 'reset'
  /** Milliseconds since the first. */
  readonly at: number
  /** @default 1 */
  readonly connection?: number
}

/** When everything begins: 2026-11-26T00:00:00Z. */
export const epoch = 1_795_651_200_000

/** A frame by hand: its length is filled in, the rest is hexadecimal as in vectors. */
export function frame(hex: string): Buffer {
  const bytes = parseHex(hex)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export const send = (hex: string, at = 0): Step => ({ from: 'client', what: frame(hex), at })
export const recv = (hex: string, at = 0): Step => ({ from: 'server', what: frame(hex), at })

const quiet = {
  protocol: 'auto',
  showSecrets: false,
  processingTimeout: undefined,
  varPrefix: undefined,
} as const

/** Everything that is told of the steps. */
export function inspect(steps: readonly Step[], options: Partial<InspectorOptions> = {}): Entry[] {
  const entries: Entry[] = []
  const inspector = new Inspector({ ...quiet, ...options, onEntry: (entry) => entries.push(entry) })
  const open = new Map<number, ReturnType<Inspector['open']>>()
  for (const { from, what, at, connection = 1 } of steps) {
    let inspected = open.get(connection)
    if (inspected === undefined) {
      inspected = inspector.open({ client: '127.0.0.1:40000', server: '127.0.0.1:12345' }, epoch + at)
      open.set(connection, inspected)
    }
    if (typeof what === 'string') inspected.end(from, what, epoch + at)
    else inspected.push(from, what, epoch + at)
  }
  return entries
}

/** All that was found wrong. */
export function findings(entries: readonly Entry[]): Finding[] {
  return entries.flatMap((entry) => entry.findings)
}

/** A captured conversation as steps. */
export function captured(version: CapturedVersion): Step[] {
  return readCapture(version).map(({ ms, conn, from, what }) => ({
    from: from === 'haproxy' ? 'client' : 'server',
    what: what === 'rst' ? 'reset' : what,
    at: ms,
    connection: conn,
  }))
}
