/** Runs a load of SPOE requests through one program, before two agents that count what they see. */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ack, ScriptedAgent } from '../engine/scripted-agent.ts'
import type { AgentPeer, RawFrame } from '../engine/scripted-agent.ts'
import { startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'

/** What is asked of which agents. */
export interface ServersScenario {
  readonly name: string
  /** What stands behind the address of the first and of the second server; undefined: there is none. */
  readonly servers: readonly [string, string?]
  /** Lines of the agents' backend, of the global section, of the spoe-agent. */
  readonly backend?: readonly string[]
  readonly global?: readonly string[]
  readonly agent?: readonly string[]
  /** A second engine, whose messages go to the same backend. */
  readonly twoEngines?: boolean
  /** Arguments of the message. @default nothing */
  readonly args?: string
  /** Agents that do not listen. */
  readonly dead?: readonly number[]
  /** What is awaited in the log before anything is asked. */
  readonly awaits?: RegExp
  /** How many requests there are at once, and how often; each is a connection. @default [1, 1] */
  readonly asks?: readonly [atOnce: number, rounds?: number]
  /** Milliseconds until an agent answers. @default 0 */
  readonly takes?: number
  /** Capabilities of the agents, and their frame size as a varint. @default pipelining, 16380 */
  readonly capabilities?: string
  readonly size?: string
  /** What an agent does with a NOTIFY in place of an answer; all connections of all agents are `peers`. */
  readonly onNotify?: (peer: AgentPeer, notify: RawFrame, peers: readonly AgentPeer[]) => void
  /** How long to look on after the last answer, in milliseconds. */
  readonly lingers?: number
}

/** What was seen: of each agent by its number. */
export interface ServersSeen {
  readonly notifies: readonly number[]
  readonly connections: readonly number[]
  /** How many answers had which code; empty when all went well. */
  readonly codes: Readonly<Record<string, number>>
  /** The codes of DISCONNECT, in their order. */
  readonly disconnects: readonly string[]
  /** The largest frame, in bytes. */
  readonly largest: number
  /** The longest that a request took, in milliseconds. */
  readonly slowest: number
  /** The most connections that were begun within a second. */
  readonly rate: number
}

interface Counts {
  notifies: number
  disconnects: string[]
  largest: number
  begun: number[]
}

/** An agent that counts. */
async function startCounting(
  scenario: ServersScenario,
  peers: AgentPeer[],
  counts: Counts,
): Promise<ScriptedAgent> {
  const { capabilities, size, takes = 0, onNotify } = scenario
  return new ScriptedAgent(async (peer) => {
    // A check that only connects ends here.
    await peer.greet(capabilities, size)
    counts.begun.push(performance.now())
    peers.push(peer)
    peer.onFrame((frame) => {
      counts.largest = Math.max(counts.largest, frame.hex.length / 2 - 4)
      if (frame.type === 2) counts.disconnects.push(/7374617475732d636f646503(..)/.exec(frame.hex)?.[1] ?? '')
      if (frame.type !== 3) return
      counts.notifies++
      if (onNotify !== undefined) onNotify(peer, frame, peers)
      else if (takes === 0) peer.send(ack(frame.ids))
      else setTimeout(() => peer.socket.destroyed || peer.send(ack(frame.ids)), takes)
    })
  }).listen()
}

const lines = (texts: readonly string[] = []): string => texts.map((line) => `  ${line}\n`).join('')

const spoe = ({ agent, args = '' }: ServersScenario): string =>
  ['one', 'two']
    .map(
      (name) => `[${name}]
spoe-agent agent-${name}
  messages m
  option var-prefix e
  option set-on-error err
  option continue-on-error
  timeout hello 1s
  timeout idle 30s
  timeout processing 1s
  use-backend agents
${lines(agent)}spoe-message m
  args ${args}
  event on-frontend-http-request
`,
    )
    .join('\n')

function config(fe: number, scenario: ServersScenario, agents: readonly number[]): string {
  const servers = scenario.servers.map((rest, at) => `  server a${at} 127.0.0.1:${agents[at]} ${rest ?? ''}`)
  return `
global
  nbthread 1
${lines(scenario.global)}
defaults
  mode http
  log stderr format raw local0
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend fe
  bind 127.0.0.1:${fe}
  filter spoe engine one config spoe.conf
${scenario.twoEngines === true ? '  filter spoe engine two config spoe.conf' : ''}
  http-request return status 200 hdr x-err "%[var(txn.e.err)]"
backend agents
  mode tcp
${lines(scenario.backend)}${servers.join('\n')}
`
}

/** Answers the code of the error, or nothing when there was none. */
async function ask(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const text = await new Promise<string>((resolve, reject) => {
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
    socket.on('error', reject).on('close', () => resolve(answer))
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(8000)}\r\nConnection: close\r\n\r\n`)
  })
  if (!text.startsWith('HTTP/1.1 200 ')) return text
  return /x-err: (.*)\r\n/.exec(text)?.[1] ?? ''
}

/** The most of them within a second. */
function mostPerSecond(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length))
}

/** Plays a scenario on one side. */
export async function playServers(
  side: 'haproxy' | 'sluice',
  scenario: ServersScenario,
): Promise<ServersSeen> {
  const peers: AgentPeer[] = []
  const counts: Counts[] = scenario.servers.map(() => ({
    notifies: 0,
    disconnects: [],
    largest: 0,
    begun: [],
  }))
  const agents = await Promise.all(counts.map((each) => startCounting(scenario, peers, each)))
  for (const at of scenario.dead ?? []) await agents[at]?.stop()
  const options = {
    ports: ['fe'] as const,
    config: ({ fe }: { readonly fe: number }) =>
      config(
        fe,
        scenario,
        agents.map(({ port }) => port),
      ),
    files: { 'spoe.conf': spoe(scenario) },
  }
  const proxy = await (side === 'haproxy' ? startHaproxy(options) : startSluice(options))
  try {
    if (scenario.awaits !== undefined) await proxy.waitForLog(scenario.awaits, 5000)
    const [atOnce, rounds = 1] = scenario.asks ?? [1]
    const codes: Record<string, number> = {}
    let slowest = 0
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          const began = performance.now()
          const code = await ask(proxy.ports.fe)
          slowest = Math.max(slowest, performance.now() - began)
          if (code !== '') codes[code] = (codes[code] ?? 0) + 1
        }),
      )
    }
    await sleep(scenario.lingers ?? 0)
    return {
      notifies: counts.map(({ notifies }) => notifies),
      connections: counts.map(({ begun }) => begun.length),
      codes,
      disconnects: counts.flatMap(({ disconnects }) => disconnects),
      largest: Math.max(...counts.map(({ largest }) => largest)),
      slowest,
      rate: mostPerSecond(counts.flatMap(({ begun }) => begun)),
    }
  } finally {
    await proxy.stop()
    await Promise.all(agents.map((agent) => agent.stop()))
  }
}
