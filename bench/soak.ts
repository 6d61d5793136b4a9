/**
 * `npm run soak -- [--minutes N] [--seconds S]`: an agent with asynchronous handlers at half of the load that it can
 * take. Watches its memory, the stalls of its event loop, and that every NOTIFY is answered once.
 */
import { parseArgs } from 'node:util'
import { nextLine } from './agent-load.js'
import { residentBytes, startScript, type Running } from './processes.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seconds: { type: 'string' } },
})
const total = values.seconds === undefined ? Number(values.minutes) * 60 : Number(values.seconds)
const round = Math.min(10, Math.max(1, total / 6))
/** Compilers and pools settle first. */
const warmUp = Math.min(120, total / 4)

interface Result {
  readonly answers: number
  readonly elapsed: number
  readonly wrong: number
  readonly closed: number
  readonly p99: number
}

async function measure(load: Running): Promise<Result> {
  load.child.kill('SIGUSR2')
  return JSON.parse(await nextLine(load)) as Result
}

interface Counters {
  /** Of the last 10 to 20 seconds, in milliseconds. */
  readonly lag: number
  readonly notifies: number
  readonly acks: number
  readonly inFlight: number
  /** Bytes. */
  readonly heapUsed: number
  readonly external: number
}

async function readCounters(): Promise<Counters> {
  agent.child.kill('SIGUSR2')
  return JSON.parse(await nextLine(agent)) as Counters
}

/** What the agent can take. */
async function findLimit(port: string): Promise<number> {
  const load = await startScript(1, 'load', port, '8', '20', '3', 'one')
  await measure(load)
  const { answers, elapsed } = await measure(load)
  await load.stop()
  return answers / elapsed
}

const agent = await startScript(0, 'agent-server', 'async')
const rate = Math.round((await findLimit(agent.line)) / 2)
console.log(`half load is ${rate} NOTIFYs/s, for ${total} s of which ${warmUp} s count as warm-up`)
const load = await startScript(1, 'load', agent.line, '8', '20', String(round), 'one', String(rate))

const memory: number[] = []
let answers = 0
let wrong = 0
let closed = 0
let worstP99 = 0
let worstStall = 0
let nextReport = 0
const end = performance.now() + total * 1000
const settled = performance.now() + warmUp * 1000
while (performance.now() < end) {
  const result = await measure(load)
  answers += result.answers
  wrong = result.wrong
  closed = result.closed
  const counters = await readCounters()
  const resident = residentBytes(agent.pid)
  if (performance.now() >= nextReport) {
    nextReport = performance.now() + 60_000
    const left = Math.round((end - performance.now()) / 1000)
    console.log(
      `${left} s left: RSS ${megabytes(resident)}, heap ${megabytes(counters.heapUsed)}, ` +
        `external ${megabytes(counters.external)}, stall ${counters.lag.toFixed(1)} ms, p99 ${result.p99.toFixed(2)} ms`,
    )
  }
  if (performance.now() < settled) continue
  worstP99 = Math.max(worstP99, result.p99)
  memory.push(resident / 1_048_576)
  worstStall = Math.max(worstStall, counters.lag)
}
// No new NOTIFYs: whatever is on its way arrives.
await load.stop()
await new Promise((resolve) => setTimeout(resolve, 500))
const counters = await readCounters()
await agent.stop()

const first = average(memory.slice(0, Math.ceil(memory.length / 5)))
const last = average(memory.slice(-Math.ceil(memory.length / 5)))
const growth = (100 * (last - first)) / first
const answered = counters.notifies === counters.acks && counters.inFlight === 0 && wrong === 0 && closed === 0
const verdicts = [
  [
    `RSS ${first.toFixed(1)} MB after warm-up, ${last.toFixed(1)} MB at the end: ${growth.toFixed(1)} %`,
    growth <= 5,
  ],
  [`longest stall of the event loop after warm-up ${worstStall.toFixed(1)} ms`, worstStall <= 50],
  [
    `${counters.notifies} NOTIFYs, ${counters.acks} ACKs, ${counters.inFlight} in flight, ${wrong} wrong, ${closed} connections lost`,
    answered,
  ],
] as const
console.log(`${answers} answers seen by the load, worst p99 of a round ${worstP99.toFixed(2)} ms`)
for (const [text, ok] of verdicts) console.log(`${ok ? 'ok  ' : 'FAIL'} ${text}`)
process.exit(verdicts.every(([, ok]) => ok) ? 0 : 1)

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length
}
