/** Two ends of a connection in this process, and test files that run a second time with sockets as documented. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'

export const kinds = ['tcp', 'unix'] as const
export type Kind = (typeof kinds)[number]

/** Either end may stop sending and go on reading, unless it is said. */
interface PairOptions {
  readonly halfOpen?: boolean
  /** The accepted end reads nothing until `resume`, not even into its buffers. */
  readonly pauseOnConnect?: boolean
  readonly connecting?: Socket
}

interface Pair {
  readonly accepted: Socket
  readonly connected: Socket
}

/** Connected, and destroyed behind the test. Nobody listens to the errors of the accepted end. */
export async function socketPair(t: TestContext, kind: Kind, options: PairOptions = {}): Promise<Pair> {
  const { halfOpen: allowHalfOpen = true, pauseOnConnect = false } = options
  const folder = kind === 'unix' ? mkdtempSync(join(tmpdir(), 'sluice-')) : undefined
  const server = createServer({ allowHalfOpen, pauseOnConnect, noDelay: true })
  if (folder === undefined) server.listen(0, '127.0.0.1')
  else server.listen(join(folder, 'socket'))
  await once(server, 'listening')
  const connected = options.connecting ?? new Socket({ allowHalfOpen: true })
  const address = server.address() as AddressInfo | string // it listens
  if (typeof address === 'string') connected.connect(address)
  else connected.connect(address.port, '127.0.0.1')
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(connected, 'connect')])) as [
    [Socket],
    unknown,
  ]
  connected.on('error', () => {})
  t.after(() => {
    accepted.destroy()
    connected.destroy()
    server.close()
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })
  return { accepted, connected }
}

/** Whether this process uses sockets as documented. */
export const isPlain = process.env['SLUICE_PLAIN_SOCKETS'] === '1'

/** Runs a test file once more, with sockets as documented. */
export function passesPlain(file: string): void {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = spawnSync(process.execPath, ['--test-reporter=tap', file], {
    env: { ...env, SLUICE_PLAIN_SOCKETS: '1' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(run.status, 0, run.stdout + run.stderr)
}

/** What happens on a socket, one text for each event. */
export function watchEvents(socket: Socket): string[] {
  const seen: string[] = []
  for (const name of ['drain', 'end', 'finish'] as const) socket.on(name, () => seen.push(name))
  socket.on('error', ({ code, syscall, message, errno }: NodeJS.ErrnoException) =>
    seen.push(`error ${code} ${syscall} ${errno} ${message}`),
  )
  socket.on('close', (hadError) => seen.push(`close ${hadError}`))
  return seen
}
