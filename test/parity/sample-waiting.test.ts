/**
 * At which piece of what a client sends HAProxy decides a condition of `tcp-request content`: whether the table of
 * test/support/waiting-cases.ts is right. A rule that rejects closes the connection; one that does not match lets it
 * reach a server, which is told by the PROXY protocol whose it is.
 */
import assert from 'node:assert/strict'
import type { Buffer } from 'node:buffer'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { declared, deliberate, waitingFiles, waitingGroups } from '../support/waiting-cases.ts'
import type { Outcome } from '../support/waiting-cases.ts'

const skip = skipWithoutHaproxy()

const cases = [
  ...waitingGroups.flatMap(({ pieces, outcomes }) =>
    outcomes.map(([condition, outcome]) => ({ pieces, condition, outcome })),
  ),
  ...deliberate.map(({ pieces, condition, haproxy }) => ({ pieces, condition, outcome: haproxy })),
]

/** Milliseconds: how long nothing may happen while nothing should, how long a decision may take, and the inspect-delay. */
const quiet = 100
const patience = 2500
const inspectDelay = 5000

let haproxy: Haproxy<string>
/** Connections that reached the server: the client's port and the frontend's, since only both tell them apart. */
const arrived = new Set<string>()

const origin = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', (chunk: Buffer) => {
    const ports = /^PROXY TCP4 \S+ \S+ (\d+ \d+)/.exec(chunk.toString('latin1'))
    arrived.add(ports?.[1] ?? '')
  })
})

before(async () => {
  if (skip !== false) return
  haproxy = await startHaproxy({
    ports: ['origin', ...cases.map((_, at) => `fe${at}`)],
    foreign: ['origin'],
    files: waitingFiles,
    config: (ports) => `
defaults
  mode tcp
  timeout client 20s
  timeout server 20s
  timeout connect 5s
backend origin
  server s1 127.0.0.1:${ports['origin'] ?? 0} send-proxy
${cases.map(({ condition }, at) => frontend(`fe${at}`, ports[`fe${at}`] ?? 0, condition)).join('')}`,
  })
  await new Promise<void>((resolve) => origin.listen(haproxy.ports['origin'], '127.0.0.1', resolve))
})

const frontend = (name: string, port: number, condition: string): string => `
frontend ${name}
  bind 127.0.0.1:${port}
${declared.map((each) => `  acl ${each}`).join('\n')}
  tcp-request inspect-delay ${inspectDelay}
  tcp-request content reject ${condition}
  default_backend origin
`

after(async () => {
  origin.close()
  await haproxy?.stop()
})

/** Sends the pieces; answers at which of them the connection was closed or passed on. */
async function observe(port: number, pieces: readonly string[], expected: Outcome): Promise<Outcome> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let closed = false
  for (const event of ['error', 'close', 'end']) socket.on(event, () => (closed = true))
  socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve))
  const ports = `${(socket.address() as AddressInfo).port} ${port}`
  /** Waits for a decision, at most as long as it may take here. */
  const decision = async (when: Outcome extends `${string} ${infer At}` ? At : never, limit: number) => {
    for (let waited = 0; waited < limit; waited += 10) {
      if (closed) return `pass ${when}` as Outcome
      if (arrived.has(ports)) return `fail ${when}` as Outcome
      await sleep(10)
    }
    return undefined
  }
  try {
    for (const [at, piece] of pieces.entries()) {
      socket.write(piece, 'latin1')
      const found = await decision(`${at + 1}`, expected.endsWith(` ${at + 1}`) ? patience : quiet)
      if (found !== undefined) return found
    }
    return (await decision('end', 2 * inspectDelay)) ?? 'fail end'
  } finally {
    socket.destroy()
  }
}

test('HAProxy decides at the piece that the table names', { skip }, async () => {
  const observed = await Promise.all(
    cases.map(({ pieces, outcome }, at) => observe(haproxy.ports[`fe${at}`] ?? 0, pieces, outcome)),
  )
  const differences = cases.flatMap(({ pieces, condition, outcome }, at) =>
    observed[at] === outcome
      ? []
      : [`${condition} ${JSON.stringify(pieces)}: ${observed[at]}, not ${outcome}`],
  )
  assert.deepEqual(differences, [])
})
