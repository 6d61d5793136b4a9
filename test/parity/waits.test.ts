/**
 * Content rules that wait for an agent: whatever else happens meanwhile, HAProxy and sluice let the same connections
 * pass, with the same bytes. Segments x delays of the agent x `inspect-delay` x the client's end.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { RawClient } from '../proxy/support.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Sluice } from '../support/sluice.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()

const rules = {
  /** Two bytes decide; then the agent does. */
  group: `
  tcp-request content set-var(txn.x) int(1) if { req.len gt 2 }
  tcp-request content send-spoe-group eng grp
  tcp-request content reject if { var(txn.e.verdict) -m str bad }`,
  /** More bytes are asked for behind the agent's answer. */
  both: `
  tcp-request content send-spoe-group eng grp if { req.len gt 2 }
  tcp-request content reject if { var(txn.e.verdict) -m str bad }
  tcp-request content accept if { req.len gt 5 }
  tcp-request content reject`,
  /** An event waits for the agent, and the rules for bytes. */
  event: `
  tcp-request content reject if { var(txn.e.event) -m str bad }
  tcp-request content reject unless { req.len gt 4 }`,
} as const

const names = ['group', 'both', 'event'] as const
/** Longer than the agent takes, shorter, and none. */
const delays = { long: 1000, short: 150, none: 0 } as const

const spoe = `
[eng]
spoe-agent one
  messages ask-event
  groups grp
  option var-prefix e
  option set-on-error err
  option continue-on-error
  timeout hello 500ms
  timeout idle 10s
  timeout processing 2s
  use-backend agents
spoe-message ask-event
  args what=str(event)
  event on-frontend-tcp-request if { fe_id ge 100 }
spoe-message ask
  args what=req.payload(0,3)
spoe-group grp
  messages ask
`

const frontends = names.flatMap((rule) => Object.keys(delays).map((delay) => `${rule}_${delay}` as const))
const ports = [...frontends, 'origin', 'agent'] as const
type Ports = Readonly<Record<string, number>>

const config = (given: Ports): string => `
defaults
  mode tcp
  timeout client 3s
  timeout server 3s
  timeout connect 1s
${names
  .flatMap((rule) =>
    Object.entries(delays).map(
      ([name, delay], at) => `
frontend ${rule}_${name}
  id ${(rule === 'event' ? 100 : 10) + names.indexOf(rule) * 10 + at}
  bind 127.0.0.1:${given[`${rule}_${name}`]}
  filter spoe engine eng config spoe.conf
${delay === 0 ? '' : `  tcp-request inspect-delay ${delay}ms`}
${rules[rule]}
  default_backend origin`,
    ),
  )
  .join('\n')}
backend origin
  server o 127.0.0.1:${given['origin']}
backend agents
  server a 127.0.0.1:${given['agent']}
`

/** What a client does: text is sent, a number waits so many milliseconds, `end` ends its side. */
type Steps = readonly (string | number)[]
const conversations: Readonly<Record<string, Steps>> = {
  'one segment': ['abc'],
  'one segment with all of it': ['abcdefg'],
  'a second segment while the agent thinks': ['abc', 60, 'd'],
  'a second and a third segment while the agent thinks': ['abc', 40, 'd', 60, 'efg'],
  'two segments before there is enough': ['a', 40, 'b', 40, 'cdef'],
  'the end while the agent thinks': ['abc', 60, 'end'],
  'the end at once': ['abcdef', 'end'],
  'nothing for long': [500, 'abcdef'],
}

/** `passed` with what the origin has got, or `closed`. The first three bytes are `id`, by which the origin tells it. */
async function converse(port: number, id: string, steps: Steps, seen: ReadonlySet<Seen>): Promise<string> {
  const client = new RawClient(port)
  for (const step of steps) {
    if (typeof step === 'number') await sleep(step)
    else if (step === 'end') client.socket.end()
    else client.send(step.replaceAll(/[abc]/g, (letter) => id['abc'.indexOf(letter)] ?? ''))
  }
  await sleep(700)
  const got = [...seen].find(({ text }) => text.startsWith(id))?.text
  const ended = client.ended || client.closed
  client.destroy()
  if (got !== undefined) return `passed ${got.replace(id, 'abc')}`
  return ended ? 'closed' : 'waiting'
}

/** What an origin has got on one connection. */
interface Seen {
  text: string
}

describe('content rules that wait for an agent', { skip }, () => {
  let agent: Agent
  let haproxy: Haproxy<string>
  let sluice: Sluice<string>
  let verdict = 'bad'
  let delay = 0
  const bySide = { haproxy: new Set<Seen>(), sluice: new Set<Seen>() }
  const origins: ReturnType<typeof createServer>[] = []

  const listen = async (side: 'haproxy' | 'sluice'): Promise<number> => {
    const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
      const seen = { text: '' }
      bySide[side].add(seen)
      socket.on('error', () => {})
      socket.on('data', (chunk) => void (seen.text += chunk.toString('latin1')))
    })
    origins.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  before(async () => {
    agent = createAgent({ deadline: 5000 })
    const answer = async (_: unknown, actions: { setVar(...args: [string, string, string]): void }) => {
      const wanted = verdict
      await sleep(delay)
      actions.setVar('txn', 'verdict', wanted)
      actions.setVar('txn', 'event', wanted)
    }
    agent.message('ask', {}, answer as never)
    agent.message('ask-event', {}, answer as never)
    const endpoint = await agent.listen('127.0.0.1:0')
    assert.ok(endpoint.type === 'tcp')
    const own = { haproxy: await listen('haproxy'), sluice: await listen('sluice') }
    const with_ = (origin: number) => (given: Ports) => config({ ...given, origin, agent: endpoint.port })
    const files = { 'spoe.conf': spoe }
    haproxy = await startHaproxy({
      ports: [...ports],
      foreign: ['origin', 'agent'],
      files,
      config: with_(own.haproxy),
    })
    sluice = await startSluice({ ports: [...ports], files, config: with_(own.sluice) })
  })

  after(async () => {
    await haproxy?.stop()
    await sluice?.stop()
    await agent?.close()
    for (const server of origins) server.close()
  })

  let serial = 0
  for (const [wanted, thinking] of [
    ['bad', 300],
    ['good', 300],
    ['bad', 0],
  ] as const) {
    it(`the agent says ${wanted} after ${thinking} ms`, async () => {
      verdict = wanted
      delay = thinking
      // Without a delay these rules decide on what came with the connection, which is a race.
      const cells = frontends
        .filter((each) => each !== 'both_none')
        .flatMap((frontend) =>
          Object.entries(conversations).map(([name, steps]) => ({ frontend, name, steps })),
        )
      const compare = async ({ frontend, name, steps }: (typeof cells)[number]) => {
        const id = `#${(serial++).toString(36).padStart(2, '0')}`
        const [theirs, ours] = await Promise.all([
          converse(haproxy.ports[frontend] as number, id, steps, bySide.haproxy), // it was asked for
          converse(sluice.ports[frontend] as number, id, steps, bySide.sluice),
        ])
        return theirs === ours ? [] : [`${frontend}, ${name}: HAProxy ${theirs}, sluice ${ours}`]
      }
      const differing = (await Promise.all(cells.map(async (cell) => ({ cell, found: await compare(cell) }))))
        .filter(({ found }) => found.length > 0)
        .map(({ cell }) => cell)
      // All at once on a busy machine, some are late: what differs has two more tries alone.
      const outcomes: string[][] = []
      for (const cell of differing) {
        if ((await compare(cell)).length > 0) outcomes.push(await compare(cell))
      }
      assert.deepEqual(outcomes.flat(), [])
    })
  }
})
