/**
 * What rules of a response see of the bytes that come while an event of a filter is being answered: HAProxy reads nothing
 * from the server meanwhile. Events x `inspect-delay` x what the server says when.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
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

/** How long the agent takes. */
const thinking = 250
const delays = { none: '', short: 'inspect-delay 100ms', long: 'inspect-delay 1s' } as const
const events = { server: 'on-server-session', response: 'on-tcp-response' } as const
const rules = {
  some: 'content reject if { res.len gt 0 }',
  first: 'content reject if !{ res.payload(0,6) -m found }',
} as const

const cells = Object.keys(delays).flatMap((delay) =>
  Object.keys(events).flatMap((event) =>
    Object.keys(rules).map((rule) => `${delay}_${event}_${rule}` as const),
  ),
)
const ports = [...cells, 'origin', 'agent'] as const
type Ports = Readonly<Record<string, number>>

const files = Object.fromEntries(
  Object.entries(events).map(([name, event]) => [
    `${name}.conf`,
    `[e]
spoe-agent one
  messages m
  timeout hello 500ms
  timeout idle 10s
  timeout processing 2s
  use-backend agents
spoe-message m
  event ${event}
`,
  ]),
)

const config = (given: Ports): string => `
defaults
  mode tcp
  timeout client 3s
  timeout server 3s
  timeout connect 1s
${cells
  .map((cell) => {
    const [delay = '', event = '', rule = ''] = cell.split('_')
    const waits = delays[delay as keyof typeof delays]
    return `
listen ${cell}
  bind 127.0.0.1:${given[cell]}
  filter spoe engine e config ${event}.conf
${waits === '' ? '' : `  tcp-response ${waits}`}
  tcp-response ${rules[rule as keyof typeof rules]}
  server o 127.0.0.1:${given['origin']}`
  })
  .join('\n')}
backend agents
  server a 127.0.0.1:${given['agent']}
`

/** When the client speaks, in milliseconds; the server gives back what it gets. */
const conversations: Readonly<Record<string, readonly (string | number)[]>> = {
  'while the agent thinks': [100, 'abcdefgh'],
  'while it thinks, in two pieces': [60, 'abcd', 80, 'efgh'],
  'before and after its answer': [100, 'abcd', thinking, 'efgh'],
  'after its answer': [thinking + 150, 'abcdefgh'],
  never: [],
}

async function converse(port: number, steps: readonly (string | number)[]): Promise<string> {
  const client = new RawClient(port)
  for (const step of steps) {
    if (typeof step === 'number') await sleep(step)
    else client.send(step)
  }
  await sleep(1500 - steps.reduce((sum: number, step) => sum + (typeof step === 'number' ? step : 0), 0))
  const state = client.ended || client.closed ? 'closed' : 'open'
  client.destroy()
  return `${state} ${client.received}`
}

describe('rules of a response behind an event', { skip }, () => {
  let agent: Agent
  let origin: Server
  let haproxy: Haproxy<string>
  let sluice: Sluice<string>

  before(async () => {
    agent = createAgent({ deadline: 5000 })
    agent.message('m', async () => await sleep(thinking))
    const endpoint = await agent.listen('127.0.0.1:0')
    assert.ok(endpoint.type === 'tcp')
    origin = createServer((socket) => socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk)))
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
    const own = { origin: (origin.address() as AddressInfo).port, agent: endpoint.port }
    const shared = { ports: [...ports], files, config: (given: Ports) => config({ ...given, ...own }) }
    haproxy = await startHaproxy({ ...shared, foreign: ['origin', 'agent'] })
    sluice = await startSluice(shared)
  })

  after(async () => {
    await haproxy?.stop()
    await sluice?.stop()
    await agent?.close()
    origin?.close()
  })

  for (const [name, steps] of Object.entries(conversations)) {
    it(`when the server speaks ${name}`, async () => {
      const compare = async (cell: string) => {
        const [theirs, ours] = await Promise.all([
          converse(haproxy.ports[cell] as number, steps), // it was asked for
          converse(sluice.ports[cell] as number, steps),
        ])
        return theirs === ours ? [] : [`${cell}: HAProxy ${theirs}, sluice ${ours}`]
      }
      const found = await Promise.all(cells.map(async (cell) => ({ cell, differs: await compare(cell) })))
      // On a busy machine some are late: what differs is tried again.
      const again: string[][] = []
      for (const { cell, differs } of found) if (differs.length > 0) again.push(await compare(cell))
      assert.deepEqual(again.flat(), [])
    })
  }
})
