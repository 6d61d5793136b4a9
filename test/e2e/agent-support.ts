/** What the tests of the agent behind the real HAProxy share. */
import { Agent as HttpAgent, request, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { createAgent, type Agent, type AgentOptions } from 'sluice/agent'
import { startHaproxy, type Haproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How to ask. */
export interface Question {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly localAddress?: string
  readonly body?: string
  /** Keeps connections; without it each question has its own. */
  readonly agent?: HttpAgent
}

/** One HTTP request; rejects when the connection fails. */
export function ask(port: number, question: Question = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, localAddress, body, agent } = question
  const options = { host: '127.0.0.1', port, method, path, headers, agent: agent ?? false }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { ...options, ...(localAddress === undefined ? {} : { localAddress }) },
      (response) => {
        let text = ''
        response.setEncoding('latin1')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        )
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** An agent on a port of its own, closed with the test. */
export async function startAgent(
  t: TestContext,
  setUp: (agent: Agent) => void,
  options: AgentOptions = {},
  given?: number,
): Promise<{ agent: Agent; port: number }> {
  const agent = createAgent({ closeDelay: 50, closeTimeout: 2000, logger: false, ...options })
  setUp(agent)
  const [port = 0] = given === undefined ? await freePorts(1) : [given]
  await agent.listen(`127.0.0.1:${port}`)
  t.after(() => agent.destroy())
  return { agent, port }
}

/** What differs from the usual configuration. */
export interface SpoeSetting {
  /** `server` lines of the agents' backend, or the port of the only agent. */
  readonly agents: number | string
  /** Lines of the spoe-agent section. */
  readonly agentLines?: string
  /** The other sections of the SPOE file. */
  readonly messages: string
  /** Lines of the frontend, behind the filter. */
  readonly frontend?: string
  /** The last lines of the frontend, and more sections. @default an answer of 200 */
  readonly answer?: string
  readonly global?: string
  readonly master?: boolean
  readonly files?: Record<string, string>
}

const defaultAnswer = 'http-request return status 200 content-type text/plain string ok'

/** The text of haproxy.cfg. */
export function haproxyConfig(
  port: number,
  { agents, frontend = '', answer = defaultAnswer, global = '' }: SpoeSetting,
): string {
  return `
global
  log stdout format raw local0
  stats socket unix@stats.sock level admin
  ${global}
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend fe
  bind 127.0.0.1:${port}
  filter spoe engine eng config spoe.conf
  ${frontend}
  ${answer}
backend agents
  mode tcp
  timeout connect 1s
  timeout server 1m
  ${typeof agents === 'number' ? `server a 127.0.0.1:${agents}` : agents}
`
}

/** The text of spoe.conf. */
export function spoeFile({ agentLines = '', messages }: SpoeSetting): string {
  return `
[eng]
spoe-agent ag
  option var-prefix t
  timeout hello 1s
  timeout idle 10s
  timeout processing 2s
  use-backend agents
  ${agentLines}
${messages}
`
}

/** HAProxy with one frontend \`fe\` that asks agents: engine \`eng\`, variables with prefix \`t\`. */
export async function startSpoe(t: TestContext, setting: SpoeSetting): Promise<Haproxy<'fe'>> {
  const haproxy = await startHaproxy({
    ports: ['fe'],
    master: setting.master ?? false,
    files: { 'spoe.conf': spoeFile(setting), ...setting.files },
    config: ({ fe }) => haproxyConfig(fe, setting),
  })
  t.after(() => haproxy.stop())
  return haproxy
}

/** What HAProxy's statistics say about a server: `UP`, `DOWN`, `no check`, … and why. */
export async function serverState(
  dir: string,
  backend: string,
  server: string,
): Promise<{ status: string; check: string }> {
  const text = await new Promise<string>((resolve) => {
    let all = ''
    const socket = connect(`${dir}/stats.sock`, () => socket.end('show stat\n'))
    socket.on('data', (chunk) => (all += chunk.toString('latin1')))
    socket.on('end', () => resolve(all))
    // The socket gets its name a moment after the ports are open.
    socket.on('error', () => resolve(''))
  })
  const [names = '', ...rows] = text.replace(/^# /, '').split('\n')
  const row = rows.find((each) => each.startsWith(`${backend},${server},`))?.split(',') ?? []
  const value = (name: string) => row[names.split(',').indexOf(name)] ?? ''
  return { status: value('status'), check: `${value('check_status')} ${value('last_chk')}` }
}
