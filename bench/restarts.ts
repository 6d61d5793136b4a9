/**
 * npm run restarts: what restarts of an agent cost, behind HAProxy and behind sluice, with the same files and the same clients.
 * Judged are failed requests, answers that were lost or came twice, and attempts to connect while nobody listens.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startHaproxy } from '../test/support/haproxy.ts'
import { freePorts } from '../test/support/ports.ts'
import { startSluice } from '../test/support/sluice.ts'
import { Clients } from './restarts-clients.ts'

const clientCount = 64
/** More failures than this over HAProxy's are a fault: what one moment has in flight. */
const allowance = clientCount
const mostConnects = 50

/** How often an agent is killed, how long it is away, and how long it then serves; milliseconds. */
interface Scenario {
  readonly name: string
  readonly kills: number
  readonly away: number
  readonly serves: number
}

const scenarios: readonly Scenario[] = [
  { name: 'SIGKILL and restart, 5 times', kills: 5, away: 0, serves: 2000 },
  { name: 'dead for 1.5 s', kills: 1, away: 1500, serves: 2000 },
  { name: '20 kills in 38 s', kills: 20, away: 0, serves: 1700 },
]

const config = ({ fe, agent }: Readonly<Record<'fe' | 'agent', number>>): string => `
global
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 2s
frontend fe
  bind 127.0.0.1:${fe}
  filter spoe config spoe.conf
  http-request return status 200 hdr x-id "%[var(txn.t.id)]" hdr x-err "%[var(txn.t.err)]"
backend agents
  mode tcp
  server a 127.0.0.1:${agent}
`

const spoe = `
spoe-agent test
  messages m
  option var-prefix t
  option set-on-error err
  timeout hello 2s
  timeout idle 2m
  timeout processing 500ms
  use-backend agents
spoe-message m
  args id=req.hdr(x-id)
  event on-frontend-http-request
`

/** Numbers that have been seen: a bit for each, since a long soak has more of them than a Set may hold. */
class NumberSet {
  #bits = new Uint8Array(1 << 20)

  /** Adds it, and says whether it was new. */
  add(value: number): boolean {
    const index = value >>> 3
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(index + 1, this.#bits.length * 2))
      grown.set(this.#bits)
      this.#bits = grown
    }
    const bits = this.#bits[index] ?? 0
    const bit = 1 << (value & 7)
    this.#bits[index] = bits | bit
    return (bits & bit) === 0
  }
}

/** An agent in a process of its own, and all that its predecessors have seen. */
class AgentProcess {
  readonly #port: number
  readonly #seen = new NumberSet()
  /** Requests that an agent was asked twice. */
  doubled = 0
  #child?: ChildProcess

  constructor(port: number) {
    this.#port = port
  }

  /** Settles when it listens. */
  async start(): Promise<void> {
    const agent = new URL('restarts-agent.js', import.meta.url).pathname
    const child = spawn(process.execPath, [agent, String(this.#port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    let rest = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.stdout.setEncoding('latin1').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (line === 'ready') resolve()
          else this.#note(line.split(' '))
        }
      })
    })
  }

  #note(ids: readonly string[]): void {
    for (const id of ids) {
      if (!this.#seen.add(Number(id))) this.doubled++
    }
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  }
}

/** Attempts to connect that were refused, in this network. */
function refusedConnects(): number {
  const [names = '', values = ''] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
  return Number(values.split(' ')[names.split(' ').indexOf('AttemptFails')] ?? Number.NaN)
}

/** Bytes of memory of a process. */
function residentSize(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

/** What one side has done. */
interface Result {
  readonly served: number
  readonly failed: number
  readonly codes: string
  readonly wrong: number
  readonly doubled: number
  readonly broken: number
  /** Refused attempts, and those of them in the worst second while nobody listened. */
  readonly refused: number
  readonly refusedPerSecond: number
  /** What the proxy held after each restart, in bytes. */
  readonly memory: readonly number[]
  /** The longest wait from an agent that listens again to a request that is served, in milliseconds. */
  readonly back: number
}

async function measure(side: 'HAProxy' | 'sluice', { kills, away, serves }: Scenario): Promise<Result> {
  const start = side === 'HAProxy' ? startHaproxy : startSluice
  const [agentPort = 0] = await freePorts(1)
  const agent = new AgentProcess(agentPort)
  await agent.start()
  const proxy = await start({
    ports: ['fe'],
    config: ({ fe }) => config({ fe, agent: agentPort }),
    files: { 'spoe.conf': spoe },
  })
  const clients = new Clients(proxy.ports.fe, clientCount, Number(values.pause))
  let refused = 0
  let refusedPerSecond = 0
  let back = 0
  const memory: number[] = []
  try {
    await sleep(serves)
    for (let kill = 0; kill < kills; kill++) {
      await agent.kill()
      const [before, since] = [refusedConnects(), performance.now()]
      await sleep(away)
      await agent.start()
      const listens = performance.now()
      clients.mark()
      const count = refusedConnects() - before
      refused += count
      refusedPerSecond = Math.max(refusedPerSecond, (count * 1000) / Math.max(1000, listens - since))
      await sleep(serves)
      memory.push(residentSize(proxy.pid))
      back = Math.max(back, clients.tally.firstServed === 0 ? serves : clients.tally.firstServed - listens)
    }
    clients.stop()
    await sleep(100)
    const { served, failures, wrong, broken } = clients.tally
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0)
    const codes = [...failures].map(([code, count]) => `${code}: ${count}`).join(', ')
    const { doubled } = agent
    return { served, failed, codes, wrong, doubled, broken, refused, refusedPerSecond, back, memory }
  } finally {
    clients.stop()
    await proxy.stop()
    await agent.kill()
  }
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '1' },
    soak: { type: 'string', default: '0' },
    pause: { type: 'string', default: '0' },
  },
})
const isAlone = process.env['RESTARTS_ALONE'] === '1'
if (!isAlone) console.log('not in a network of its own: attempts to connect are those of the whole machine')

let missed = 0
const bar = (name: string, met: boolean): void => {
  if (!met) missed++
  console.log(`  ${met ? 'met' : 'MISSED'}: ${name}`)
}

const tell = (side: string, result: Result): void => {
  console.log(
    `  ${side}: ${result.served} served, ${result.failed} failed (${result.codes}), ${result.wrong} wrong, ` +
      `${result.doubled} asked twice, ${result.broken} broken; ${result.refused} refused connects, ` +
      `${Math.round(result.refusedPerSecond)} a second; back after ${Math.round(result.back)} ms`,
  )
}

/** Restarts that the memory is given to settle. */
const warmUp = 6
const mostGrowth = 0.1

const minutes = Number(values.soak)
if (minutes > 0) {
  const name = `a kill each 20 s, for ${minutes} minutes`
  const result = await measure('sluice', { name, kills: minutes * 3, away: 0, serves: 20_000 })
  console.log(name)
  tell('sluice', result)
  const [first = 0, ...rest] = result.memory.slice(warmUp)
  const most = Math.max(...rest)
  const megabytes = (bytes: number) => (bytes / 1_048_576).toFixed(1)
  console.log(`  memory after ${warmUp} restarts ${megabytes(first)} MB, then at most ${megabytes(most)} MB`)
  bar('memory within a tenth', most <= first * (1 + mostGrowth))
  bar('nothing lost, nothing twice', result.wrong + result.doubled + result.broken === 0)
  process.exit(missed === 0 ? 0 : 1)
}

for (const scenario of scenarios.filter(({ name }) => name.includes(values.only))) {
  for (let run = 0; run < Number(values.runs); run++) {
    console.log(scenario.name)
    const results: Result[] = []
    for (const side of ['HAProxy', 'sluice'] as const) {
      const result = await measure(side, scenario)
      results.push(result)
      tell(side, result)
    }
    const [theirs, ours] = results as [Result, Result]
    bar(`failures at most HAProxy's and ${allowance}`, ours.failed <= theirs.failed + allowance)
    bar('nothing lost, nothing twice', ours.wrong + ours.doubled + ours.broken === 0)
    if (isAlone) bar(`at most ${mostConnects} connects a second`, ours.refusedPerSecond <= mostConnects)
    bar('served within 100 ms of an agent that listens', ours.back <= 100)
  }
}
process.exit(missed === 0 ? 0 : 1)
