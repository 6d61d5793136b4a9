/** Frames in hexadecimal through the inspector. */
import { Buffer } from 'node:buffer'
import { FrameCutter } from '../frame-cutter.ts'
import { framingOf, guessProtocol, senderOf } from '../frame-start.ts'
import type { Protocol, Side } from '../entry.ts'
import type { Inspector } from '../inspector.ts'
import { readHexText } from './hex-text.ts'

/**
 * Reads text as {@link readHexText} does: all of it is one connection. There are no times in it: all is at `time`.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function readHex(text: string, inspector: Inspector, protocol: Protocol | 'auto', time: number): void {
  const pieces = readHexText(text)
  const [first] = pieces
  if (first === undefined) return
  const spoken = protocol === 'auto' ? guessProtocol(first.bytes) : protocol
  const inspected = inspector.open({ client: 'client', server: 'server' }, time, true)
  if (pieces.some(({ from }) => from !== undefined)) {
    for (const { from, bytes } of pieces) inspected.push(from ?? 'client', bytes, time)
    return
  }
  // Nobody says who sent what: each frame does, and bytes that are none go on with the last.
  let last: Side = 'client'
  const cutter = new FrameCutter(framingOf(spoken))
  const all = Buffer.concat(pieces.map(({ bytes }) => bytes))
  let cut = 0
  const wrong = cutter.push(all, ({ bytes }) => {
    last = senderOf(bytes) ?? last
    cut += bytes.length
    inspected.push(last, bytes, time)
  })
  const rest = wrong?.rest ?? all.subarray(cut)
  if (rest.length > 0) {
    inspected.push(senderOf(rest) ?? last, rest, time)
    inspected.end(senderOf(rest) ?? last, 'fin', time)
  }
}
