/**
 * Whether the process runs out of descriptors. libuv closes what it cannot accept then, and tells nobody: clients see their
 * connections end, and nothing says why. The system gives the lowest number that is free, so a high one tells it in time.
 */
import { readFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { monotonic } from '../base/clock.ts'
import { handleOf } from './inside.ts'

/** So much of the limit may be in use without a word. */
const muchOfIt = 0.95
/** Told at most so often, in milliseconds. */
const interval = 1000

let limit: number | undefined

/** `ulimit -n` of this process; without an end where the system does not say. */
function descriptorLimit(): number {
  try {
    return Number(
      /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? Infinity,
    )
  } catch {
    return Infinity
  }
}

/** Calls `onFew` with an error of the code EMFILE while connections of the server take the last descriptors there are. */
export function watchDescriptors(server: Server, onFew: (error: NodeJS.ErrnoException) => void): void {
  limit ??= descriptorLimit()
  const few = limit * muchOfIt
  let told = Number.NEGATIVE_INFINITY
  if (few === Infinity) return
  server.on('connection', (socket: Socket) => {
    // What `net` shows of it nowhere else.
    const fd = handleOf(socket)?.fd ?? 0
    if (fd < few || monotonic() - told < interval) return
    told = monotonic()
    const what = `EMFILE: descriptor ${fd} of ${limit} (ulimit -n) is in use; what is beyond is closed unseen`
    onFew(Object.assign(new Error(what), { code: 'EMFILE' }))
  })
}
