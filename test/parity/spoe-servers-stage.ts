/**
 * Runs loads of SPOE requests through one program, each through a frontend of its own, before two agents that count what
 * they see: so rows that mostly wait can be played side by side.
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ack, ScriptedAgent } from '../engine/scripted-agent.ts'
import type { AgentPeer, RawFrame } from '../engine/scripted-agent.ts'
import { freePorts } from '../support/ports.ts'
import { nameOfRow, startRows } from '../support/rows.ts'
import type { RowSections } from '../support/rows.ts'

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
  /** What is awaited in the log before anything is asked: what stands behind the name of the backend. */
  readonly awaits?: string
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
  port: number | undefined,
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
  }).listen(port)
}

const lines = (texts: readonly string[] = []): string => texts.map((line) => `  ${line}\n`).join('')

const spoe = ({ agent, args = '' }: ServersScenario, row: string): string =>
  ['one', 'two']
    .map(
      (name) => `[${name}-${row}]
spoe-agent agent-${name}-${row}
  messages m
  option var-prefix e
  option set-on-error err
  option continue-on-error
  timeout hello 1s
  timeout idle 30s
  timeout processing 1s
  use-backend agents-${row}
${lines(agent)}spoe-message m
  args ${args}
  event on-frontend-http-request
`,
    )
    .join('\n')

const head = (scenarios: readonly ServersScenario[]): string => `
global
  nbthread 1
${lines(scenarios.flatMap(({ global = [] }) => global))}
defaults
  mode http
  log stderr format raw local0
  timeout client 5s
  timeout server 5s
  timeout connect 1s
`

const sections =
  (scenario: ServersScenario, agents: readonly number[]): RowSections =>
  (port, name) => {
    const servers = scenario.servers.map(
      (rest, at) => `  server a${at} 127.0.0.1:${agents[at]} ${rest ?? ''}`,
    )
    const file = `config ${name}.conf`
    return `
frontend ${name}
  bind 127.0.0.1:${port}
  filter spoe engine one-${name} ${file}
${scenario.twoEngines === true ? `  filter spoe engine two-${name} ${file}` : ''}
  http-request return status 200 hdr x-err "%[var(txn.e.err)]"
backend agents-${name}
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

/** The agents of a scenario. */
interface Crew {
  readonly agents: readonly ScriptedAgent[]
  readonly counts: readonly Counts[]
}

async function startCrew(scenario: ServersScenario): Promise<Crew> {
  const peers: AgentPeer[] = []
  const counts = scenario.servers.map((): Counts => ({ notifies: 0, disconnects: [], largest: 0, begun: [] }))
  const ports = await freePorts(counts.length)
  const agents = await Promise.all(counts.map((each, at) => startCounting(scenario, peers, each, ports[at])))
  for (const at of scenario.dead ?? []) await agents[at]?.stop()
  return { agents, counts }
}

/** One program, with all its scenarios before it. */
export interface ServersStage {
  play(place: number): Promise<ServersSeen>
  stop(): Promise<void>
}

/** Starts a side with the configurations of all scenarios, which have their global lines in common. */
export async function startServers(
  side: 'haproxy' | 'sluice',
  scenarios: readonly ServersScenario[],
): Promise<ServersStage> {
  const crews = await Promise.all(scenarios.map(startCrew))
  const rows = scenarios.map((each, row) => sections(each, crews[row]?.agents.map(({ port }) => port) ?? []))
  const files = scenarios.map((each, row) => [`${nameOfRow(row)}.conf`, spoe(each, nameOfRow(row))])
  const proxy = await startRows(side, head(scenarios), rows, Object.fromEntries(files))
  return {
    async play(place) {
      const { [place]: scenario } = scenarios
      const { [place]: crew } = crews
      if (scenario === undefined || crew === undefined) throw new Error(`no scenario ${place}`)
      const { awaits } = scenario
      if (awaits !== undefined) await proxy.waitForLog(`agents-${nameOfRow(place)}${awaits}`)
      return load(scenario, crew, proxy.port(place))
    },
    async stop() {
      await proxy.stop()
      await Promise.all(crews.flatMap(({ agents }) => agents.map((agent) => agent.stop())))
    },
  }
}

async function load(scenario: ServersScenario, { counts }: Crew, port: number): Promise<ServersSeen> {
  const [atOnce, rounds = 1] = scenario.asks ?? [1]
  const codes: Record<string, number> = {}
  let slowest = 0
  const one = async (): Promise<void> => {
    const began = performance.now()
    const code = await ask(port)
    slowest = Math.max(slowest, performance.now() - began)
    if (code !== '') codes[code] = (codes[code] ?? 0) + 1
  }
  for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: atOnce }, one))
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
}
