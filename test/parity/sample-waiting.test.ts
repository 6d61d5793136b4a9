/**
 * At which piece of what a client sends HAProxy decides a condition of `tcp-request content`: whether the table of
 * test/support/waiting-cases.ts is right. A rule that rejects closes the connection; one that does not match lets it
 * reach a server, which is told by the PROXY protocol whose it is. The same with `tcp-response content` and what a server
 * sends: then the bytes reach the client.
 */
import assert from 'node:assert/strict'
import type { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import {
  declared,
  deliberate,
  responseGroups,
  waitingFiles,
  waitingGroups,
} from '../support/waiting-cases.ts'
import type { Outcome } from '../support/waiting-cases.ts'

const skip = skipWithoutHaproxy()

const cases = [
  ...waitingGroups.flatMap(({ pieces, outcomes }) =>
    outcomes.map(([condition, outcome]) => ({ pieces, condition, outcome })),
  ),
  ...deliberate.map(({ pieces, condition, haproxy }) => ({ pieces, condition, outcome: haproxy })),
]

const responses = responseGroups.flatMap(({ pieces, outcomes }) =>
  outcomes.map(([condition, outcome]) => ({ pieces, condition, outcome })),
)

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
    ports: [
      'origin',
      ...cases.map((_, at) => `fe${at}`),
      ...responses.flatMap((_, at) => [`be${at}`, `res${at}`]),
    ],
    foreign: ['origin', ...responses.map((_, at) => `res${at}`)],
    files: waitingFiles,
    config: (ports) => `
defaults
  mode tcp
  timeout client 20s
  timeout server 20s
  timeout connect 5s
backend origin
  server s1 127.0.0.1:${ports['origin'] ?? 0} send-proxy
${cases.map(({ condition }, at) => frontend(`fe${at}`, ports[`fe${at}`] ?? 0, condition)).join('')}
${responses.map(({ condition }, at) => listen(`be${at}`, ports[`be${at}`] ?? 0, ports[`res${at}`] ?? 0, condition)).join('')}`,
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

const listen = (name: string, port: number, server: number, condition: string): string => `
listen ${name}
  bind 127.0.0.1:${port}
  tcp-response inspect-delay ${inspectDelay}
  tcp-response content reject ${condition}
  server s1 127.0.0.1:${server}
`

after(async () => {
  origin.close()
  await haproxy?.stop()
})

/** What has become of a connection, as soon as something has. */
type Verdict = () => 'pass' | 'fail' | undefined

/** Sends the pieces; answers at which of them a decision was seen, which is waited for where it is expected. */
async function observe(
  send: (piece: string) => void,
  verdict: Verdict,
  pieces: readonly string[],
  expected: Outcome,
): Promise<Outcome> {
  const decision = async (limit: number) => {
    for (let waited = 0; waited < limit; waited += 10) {
      const seen = verdict()
      if (seen !== undefined) return seen
      await sleep(10)
    }
    return undefined
  }
  for (const [at, piece] of pieces.entries()) {
    send(piece)
    const found = await decision(expected.endsWith(` ${at + 1}`) ? patience : quiet)
    if (found !== undefined) return `${found} ${at + 1}`
  }
  return `${(await decision(2 * inspectDelay)) ?? 'fail'} end`
}

/** A client that has connected, and whether its connection was closed. */
async function connected(port: number): Promise<{ socket: Socket; closed: () => boolean }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let closed = false
  for (const event of ['error', 'close', 'end']) socket.on(event, () => (closed = true))
  socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, closed: () => closed }
}

async function request(port: number, pieces: readonly string[], expected: Outcome): Promise<Outcome> {
  const { socket, closed } = await connected(port)
  const ports = `${(socket.address() as AddressInfo).port} ${port}`
  const verdict = () => (closed() ? 'pass' : arrived.has(ports) ? 'fail' : undefined)
  try {
    return await observe((piece) => socket.write(piece, 'latin1'), verdict, pieces, expected)
  } finally {
    socket.destroy()
  }
}

async function response(
  port: number,
  server: number,
  pieces: readonly string[],
  expected: Outcome,
): Promise<Outcome> {
  const listener = createServer({ noDelay: true })
  listener.listen(server, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const { socket, closed } = await connected(port)
  let received = false
  socket.on('data', () => (received = true))
  const [sender] = await accepted
  sender.on('error', () => {})
  const verdict = () => (received ? 'fail' : closed() ? 'pass' : undefined)
  try {
    return await observe((piece) => sender.write(piece, 'latin1'), verdict, pieces, expected)
  } finally {
    socket.destroy()
    sender.destroy()
    listener.close()
  }
}

test('HAProxy decides at the piece that the table names', { skip }, async () => {
  const { ports } = haproxy
  const observed = await Promise.all([
    ...cases.map(({ pieces, outcome }, at) => request(ports[`fe${at}`] ?? 0, pieces, outcome)),
    ...responses.map(({ pieces, outcome }, at) =>
      response(ports[`be${at}`] ?? 0, ports[`res${at}`] ?? 0, pieces, outcome),
    ),
  ])
  const differences = [...cases, ...responses].flatMap(({ pieces, condition, outcome }, at) =>
    observed[at] === outcome
      ? []
      : [`${condition} ${JSON.stringify(pieces)}: ${observed[at]}, not ${outcome}`],
  )
  assert.deepEqual(differences, [])
})
