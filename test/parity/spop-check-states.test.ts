/**
 * Agents that come, drain and go behind `option spop-check`, through HAProxy and through sluice: who is asked in each state, and
 * what the error variable says.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { RawClient, get } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()

const config = (fe: number, agents: readonly number[]): string => `
global
  nbthread 1
defaults
  mode http
  log stderr format raw local0
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend f
  bind 127.0.0.1:${fe}
  filter spoe config spoe.conf
  http-request return status 200 hdr X-Seen "%[var(txn.e.who)] %[var(txn.e.err)]"
backend agents
  mode tcp
  option spop-check
  default-server check inter 1s downinter 300ms rise 1 fall 1
${agents.map((port, at) => `  server a${at} 127.0.0.1:${port} ${at > 0 ? 'backup' : ''}`).join('\n')}
`

const spoe = `spoe-agent agent
  messages m
  option var-prefix e
  option set-on-error err
  option force-set-var
  timeout hello 1s
  timeout idle 30s
  timeout processing 500ms
  use-backend agents
spoe-message m
  event on-frontend-http-request
`

/** An agent that says who it is; it can be started again on its port. */
class NamedAgent {
  readonly #name: string
  readonly #port: number
  #agent: Agent | undefined

  constructor(name: string, port: number) {
    this.#name = name
    this.#port = port
  }

  async start(): Promise<void> {
    this.#agent = createAgent()
    this.#agent.message('m', (_message, actions) => void actions.setVar('txn', 'who', this.#name))
    await this.#agent.listen(`127.0.0.1:${this.#port}`)
  }

  drain(): void {
    this.#agent?.drain()
  }

  async stop(): Promise<void> {
    await this.#agent?.close()
  }
}

/** What happens to which agent, and the log line for which is waited then. */
type Step = readonly [what: 'start' | 'drain' | 'stop', at: number, state: 'UP' | 'DOWN']

interface Story {
  readonly name: string
  readonly steps: readonly Step[]
  /** Who answers at first and behind each step. */
  readonly haproxy: string
  /** A server is chosen for each NOTIFY, while HAProxy goes on with a connection that it has (docs/compatibility.md). */
  readonly sluice: string
}

const stories: readonly Story[] = [
  {
    name: 'one drains, goes and comes back',
    steps: [
      ['drain', 0, 'DOWN'],
      ['stop', 0, 'DOWN'],
      ['start', 0, 'UP'],
    ],
    haproxy: 'a0 a0 a1 a1',
    sluice: 'a0 a1 a1 a0',
  },
  {
    name: 'both drain',
    steps: [
      ['drain', 0, 'DOWN'],
      ['drain', 1, 'DOWN'],
      ['stop', 0, 'DOWN'],
      ['stop', 1, 'DOWN'],
      ['start', 1, 'UP'],
    ],
    haproxy: 'a0 a0 a0 2 2 a1',
    sluice: 'a0 a1 a0 a1 2 a1',
  },
  {
    name: 'one goes, comes back and goes',
    steps: [
      ['stop', 0, 'DOWN'],
      ['start', 0, 'UP'],
      ['stop', 0, 'DOWN'],
    ],
    haproxy: 'a0 a1 a1 a1',
    sluice: 'a0 a1 a0 a1',
  },
]

interface Program {
  readonly ports: Readonly<Record<'fe', number>>
  logs(): string
  waitForLog(pattern: RegExp, timeout?: number): Promise<string>
  stop(): Promise<void>
}

async function ask(port: number): Promise<string> {
  const client = new RawClient(port)
  const answer = await client.send(get('/')).until('\r\n\r\n')
  client.destroy()
  return /x-seen: ([^\r]*)/i.exec(answer)?.[1]?.trim() ?? answer
}

/** Who answers in each state; one name for three requests that the same one has answered. */
async function play({ steps }: Story, program: 'haproxy' | 'sluice'): Promise<string> {
  const ports = await freePorts(2)
  const agents = ports.map((port, at) => new NamedAgent(`a${at}`, port))
  await Promise.all(agents.map((agent) => agent.start()))
  const options = {
    ports: ['fe'] as const,
    config: ({ fe }: { readonly fe: number }) => config(fe, ports),
    files: { 'spoe.conf': spoe },
  }
  const running: Program = program === 'haproxy' ? await startHaproxy(options) : await startSluice(options)
  const states = new Map<number, 'UP' | 'DOWN'>()
  const counts = new Map<string, number>()
  try {
    const seen = [await askThrice(running.ports.fe)]
    for (const [what, at, state] of steps) {
      await agents[at]?.[what]()
      if ((states.get(at) ?? 'UP') !== state) {
        const line = `Server agents/a${at} is ${state}`
        const count = (counts.get(line) ?? 0) + 1
        counts.set(line, count)
        await running.waitForLog(new RegExp(`(?:${line}[^]*){${count}}`))
      }
      states.set(at, state)
      seen.push(await askThrice(running.ports.fe))
    }
    return seen.join(' ')
  } finally {
    await running.stop()
    await Promise.all(agents.map((agent) => agent.stop()))
  }
}

async function askThrice(port: number): Promise<string> {
  const answers: string[] = []
  for (let count = 0; count < 3; count++) answers.push(await ask(port))
  return [...new Set(answers)].join('|')
}

describe(
  'agents behind option spop-check, through sluice and through HAProxy 2.6',
  { skip, concurrency: false },
  () => {
    for (const story of stories) {
      it(story.name, async () => {
        assert.equal(await play(story, 'haproxy'), story.haproxy)
        assert.equal(await play(story, 'sluice'), story.sluice)
      })
    }
  },
)
