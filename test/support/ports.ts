/**
 * Ports for programs that cannot choose one of their own: no other process of the tests gets them, and the kernel gives
 * none of them to a `listen(0)` or to a connection, so that what a test was given stays its own for as long as it runs.
 */
import { createServer } from 'node:net'
import type { Server } from 'node:net'

/** Below 32768, where the ports begin that Linux gives; other systems begin higher. Browsers refuse some below 10240. */
const first = 10_240
const last = 32_767
/** Each process has a slice of so many; the lowest one is what it holds the others by. */
const sliceSize = 1024
const slices = Math.floor((last + 1 - first) / sliceSize)

let slice: Promise<number> | undefined
let next = 0

/**
 * `count` ports of 127.0.0.1 on which nobody listens, all different. They come again only when the process has gone
 * through its whole slice.
 *
 * @throws Error when too many test processes run, or too many ports of this one are in use.
 */
export async function freePorts(count: number): Promise<number[]> {
  const base = await (slice ??= claimSlice())
  const found: number[] = []
  for (let tries = 0; found.length < count; tries++) {
    if (tries === 2 * sliceSize) throw new Error(`no ${count} free ports from ${base} on`)
    const port = base + 1 + (next++ % (sliceSize - 1))
    // Of the same slice before: a program that has outlived its test process.
    if (!found.includes(port) && (await isFree(port))) found.push(port)
  }
  return found
}

/** The lowest port of a slice that no other process has: held by listening on it, which ends with the process. */
async function claimSlice(): Promise<number> {
  for (let tries = 0; tries < slices; tries++) {
    const port = first + ((process.pid + tries) % slices) * sliceSize
    const server = await listen(port)
    if (server === undefined) continue
    server.unref()
    return port
  }
  throw new Error('all ports for tests are taken')
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server === undefined) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    // Exclusive: a worker of a cluster would share the port with the others.
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
  })
}
