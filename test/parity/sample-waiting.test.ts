/**
 * At which piece of what a client or a server sends a condition of `tcp-request content` or `tcp-response content` is
 * decided: whether the table of test/support/waiting-cases.ts is right for HAProxy, and whether the proxy lives by it. A
 * rule that rejects closes the connection; one that does not match lets it through to the server, or the bytes to the
 * client.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { makeFolder, startSluice } from '../support/sluice.ts'
import {
  declared,
  deliberate,
  httpGroups,
  httpResponseGroups,
  responseGroups,
  waitingFiles,
  waitingGroups,
} from '../support/waiting-cases.ts'
import type { Outcome, WaitingGroup } from '../support/waiting-cases.ts'

const skip = skipWithoutHaproxy()

interface Case {
  readonly mode: 'tcp' | 'http'
  readonly from: 'request' | 'response'
  readonly pieces: readonly string[]
  readonly condition: string
  readonly outcome: Readonly<Record<'haproxy' | 'sluice', Outcome>>
}

const listed = (mode: Case['mode'], from: Case['from'], groups: readonly WaitingGroup[]): Case[] =>
  groups.flatMap(({ pieces, outcomes }) =>
    outcomes.map(([condition, outcome]) => ({
      mode,
      from,
      pieces,
      condition,
      outcome: { haproxy: outcome, sluice: outcome },
    })),
  )

const cases: readonly Case[] = [
  ...listed('tcp', 'request', waitingGroups),
  ...listed('http', 'request', httpGroups),
  ...listed('tcp', 'response', responseGroups),
  ...listed('http', 'response', httpResponseGroups),
  ...deliberate.map(({ pieces, condition, ...outcome }) => ({
    mode: 'tcp' as const,
    from: 'request' as const,
    pieces,
    condition,
    outcome,
  })),
]

/** Milliseconds: how long nothing may happen while nothing should, how long a decision may take, and the inspect-delay. */
const quiet = 100
const patience = 2500
const inspectDelay = 5000

/** Unix sockets on both sides: so many ports cannot be had at once, and to ports strangers connect, too. */
const options = (serversIn: string) => ({
  ports: ['up'] as const,
  files: waitingFiles,
  config: ({ up }: Readonly<Record<'up', number>>) => `
defaults
  timeout client 20s
  timeout server 20s
  timeout connect 5s
${cases.map((each, at) => section(each, at, serversIn)).join('')}
listen up
  mode tcp
  bind 127.0.0.1:${up}
  server s1 127.0.0.1:1`,
})

/** Relative to the folder of the program. */
const entryOf = (at: number): string => `entry${at}.sock`

const serverOf = (folder: string, at: number): string => join(folder, `server${at}.sock`)

const section = ({ mode, from, condition }: Case, at: number, serversIn: string): string => `
listen case${at}
  mode ${mode}
  bind unix@${entryOf(at)}
${declared.map((acl) => `  acl ${acl}`).join('\n')}
  tcp-${from} inspect-delay ${inspectDelay}
  tcp-${from} content reject ${condition}
  server s1 unix@${serverOf(serversIn, at)}
`

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

/** Connects a client, listens as its server, and sends the pieces from either end. */
async function run(
  { mode, from, pieces }: Case,
  entry: string,
  server: Server,
  expected: Outcome,
): Promise<Outcome> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  let served: Socket | undefined
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    served = socket
  })
  const client = connect(entry)
  let closed = false
  let received = false
  for (const event of ['error', 'close', 'end']) client.on(event, () => (closed = true))
  // In HTTP mode the client of a response that is refused gets one of the proxy's own.
  client.on('data', (chunk: Buffer) => {
    if (mode === 'tcp' || /^HTTP\/1.1 20/.test(chunk.toString('latin1'))) received = true
    else closed = true
  })
  try {
    await once(client, 'connect')
    if (from === 'request') {
      const verdict = () => (closed ? 'pass' : served === undefined ? undefined : 'fail')
      return await observe((piece) => client.write(piece, 'latin1'), verdict, pieces, expected)
    }
    if (mode === 'http') client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    const [sender] = await accepted
    const verdict = () => (received ? 'fail' : closed ? 'pass' : undefined)
    return await observe((piece) => sender.write(piece, 'latin1'), verdict, pieces, expected)
  } finally {
    client.destroy()
    served?.destroy()
  }
}

async function listen(path: string): Promise<Server> {
  const server = createServer()
  server.listen(path)
  await once(server, 'listening')
  return server
}

for (const [name, start] of [
  ['haproxy', startHaproxy],
  ['sluice', startSluice],
] as const)
  test(`${name} decides at the piece that the table names`, { skip }, async (t) => {
    const { dir, remove } = makeFolder({})
    t.after(remove)
    const servers = await Promise.all(cases.map((_, at) => listen(serverOf(dir, at))))
    t.after(() => servers.forEach((server) => server.close()))
    const program = await start(options(dir))
    t.after(() => program.stop())
    const sockets = cases.map((_, at) => join(program.dir, entryOf(at)))
    // HAProxy has them a little after its ports.
    for (let waited = 0; waited < 5000 && !sockets.every(existsSync); waited += 20) await sleep(20)
    const observed = await Promise.all(
      cases.map((each, at) => {
        const server = servers[at] as Server // one for each case
        return run(each, sockets[at] ?? '', server, each.outcome[name])
      }),
    )
    const differences = cases.flatMap(({ mode, from, pieces, condition, outcome }, at) =>
      observed[at] === outcome[name]
        ? []
        : [`${mode} ${from} ${condition} ${JSON.stringify(pieces)}: ${observed[at]}, not ${outcome[name]}`],
    )
    assert.deepEqual(differences, [])
  })
