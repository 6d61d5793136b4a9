/**
 * `npm run soak -- [--minutes N] [--seconds S]`: an agent with asynchronous handlers at half of the load that it can
 * take. Watches its memory, the stalls of its event loop, and that every NOTIFY is answered once.
 *
 * Half load is a load that keeps the agent's core busy half of the time: it begins at half of what a short run without
 * a limit has shown, and is corrected every ten seconds, for the machine's speed is not the same for half an hour.
 * Stalls are told by the clock and judged without what the machine took away from the whole core meanwhile, by the word
 * of a watcher above all else on it. Where no watcher can run, the clock alone judges.
 */
import { nextLine } from './agent-load.js'
import { readArguments, refuse } from './arguments.js'
import { CoreWatch } from './core-watch.js'
import { cpuSeconds, residentBytes, startScript, type Running } from './processes.js'
import { monotonicMilliseconds, type Span } from './stall-watch.js'

const usage = 'npm run soak -- [--minutes N] [--seconds S]'
const { values } = readArguments(usage, {
  options: { minutes: { type: 'string', default: '30' }, seconds: { type: 'string' } },
})
const total = values.seconds === undefined ? Number(values.minutes) * 60 : Number(values.seconds)
if (!(total > 0)) refuse('--minutes and --seconds want numbers', usage)
const round = Math.min(10, Math.max(1, total / 6))
/** Compilers and pools settle first. */
const warmUp = Math.min(120, total / 4)
/** So many, because a load that is limited looks at the clock once a millisecond. */
const connections = 32
const depth = 20

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
  /** The longest of those that are not among {@link Counters.stalls}, in milliseconds. */
  readonly shortStall: number
  readonly stalls: readonly Span[]
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

/** One round of the load: how busy it kept the agent's core, and what that says about the rate of the next one. */
interface Round extends Result {
  /** Share of the core, 0 to 1. */
  readonly busy: number
  /** What the agent was like at its end. */
  readonly counters: Counters
  /** Bytes. */
  readonly resident: number
}

async function runRound(load: Running): Promise<Round> {
  const before = cpuSeconds(agent.pid)
  const result = await measure(load)
  const busy = (cpuSeconds(agent.pid) - before) / result.elapsed
  return { ...result, busy, counters: await readCounters(), resident: residentBytes(agent.pid) }
}

/** What the agent can take. */
async function findLimit(port: string): Promise<number> {
  const load = await startScript(1, 'load', port, String(connections), String(depth), '3', 'one')
  await measure(load)
  const { answers, elapsed } = await measure(load)
  await load.stop()
  return answers / elapsed
}

function report({ answers, elapsed, busy, resident, counters, p99 }: Round, left: number): void {
  const { heapUsed, external } = counters
  console.log(
    `${Math.round(left / 1000)} s left: ${Math.round(answers / elapsed)} NOTIFYs/s, core ${(100 * busy).toFixed(0)} % busy, ` +
      `RSS ${megabytes(resident)} MB, heap ${megabytes(heapUsed)} MB, external ${megabytes(external)} MB, ` +
      `stall ${longestStall(counters).toFixed(1)} ms, p99 ${p99.toFixed(2)} ms`,
  )
}

/** Without what everybody on the core has lost, in milliseconds. */
function ownShare(each: Span): number {
  return each.to - each.from - watch.lostWithin(each)
}

/** The longest of a round, in milliseconds, by the clock or by another measure. */
function longestStall(
  { shortStall, stalls }: Counters,
  length = (each: Span) => each.to - each.from,
): number {
  return Math.max(shortStall, ...stalls.map(length))
}

/** Stalls that are worth it, as they come: what happened must be known of a run that fails at its end. */
function reportStalls({ counters: { stalls } }: Round): void {
  for (const each of stalls) {
    const at = Math.round((each.to - begin) / 1000)
    const own = watch.active ? `, ${ownShare(each).toFixed(1)} ms of it its own` : ''
    console.log(`stall at ${at} s: ${(each.to - each.from).toFixed(1)} ms${own}`)
  }
}

const agent = await startScript(0, 'agent-server', 'async')
const watch = await CoreWatch.start(0)
if (!watch.active)
  console.log('no compiler, or no right to a real-time priority: what the machine takes is not known')
let rate = (await findLimit(agent.line)) / 2
console.log(`begins with ${Math.round(rate)} NOTIFYs/s, for ${total} s of which ${warmUp} s count as warm-up`)
const limits = [String(connections), String(depth), String(round), 'one', String(Math.round(rate))]
const load = await startScript(1, 'load', agent.line, ...limits)

// What the search for the limit has left behind does not count.
await readCounters()
const rounds: Round[] = []
let answers = 0
let nextReport = 0
const begin = monotonicMilliseconds()
const end = begin + total * 1000
while (monotonicMilliseconds() < end) {
  const each = await runRound(load)
  answers += each.answers
  reportStalls(each)
  const now = monotonicMilliseconds()
  if (now >= nextReport) {
    nextReport = now + 60_000
    report(each, end - now)
  }
  rate *= Math.min(1.25, Math.max(0.8, 0.5 / each.busy))
  load.child.stdin?.write(`${Math.round(rate)}\n`)
  if (now >= begin + warmUp * 1000) rounds.push(each)
}
const { wrong, closed } = rounds.at(-1) as Round // the last one always counts
// No new NOTIFYs: whatever is on its way arrives.
await load.stop()
await new Promise((resolve) => setTimeout(resolve, 500))
const counters = await readCounters()
await agent.stop()
await watch.stop()

const fifth = Math.ceil(rounds.length / 5)
const first = average(rounds.slice(0, fifth), ({ resident }) => resident)
const last = average(rounds.slice(-fifth), ({ resident }) => resident)
const growth = (100 * (last - first)) / first
const worstStall = Math.max(...rounds.map(({ counters }) => longestStall(counters)))
const worstOwnStall = Math.max(...rounds.map(({ counters }) => longestStall(counters, ownShare)))
const lost = watch.lostWithin({ from: begin, to: end })
const worstP99 = Math.max(...rounds.map(({ p99 }) => p99))
const answered = counters.notifies === counters.acks && counters.inFlight === 0 && wrong === 0 && closed === 0
const verdicts = [
  [
    `RSS ${megabytes(first)} MB after warm-up, ${megabytes(last)} MB at the end: ${growth.toFixed(1)} %`,
    growth <= 5,
  ],
  [
    `longest stall of the event loop after warm-up ${worstStall.toFixed(1)} ms` +
      (watch.active
        ? `, of its own ${worstOwnStall.toFixed(1)} ms; the whole core lost ${lost.toFixed(0)} ms in all`
        : ''),
    worstOwnStall <= 50,
  ],
  [
    `${counters.notifies} NOTIFYs, ${counters.acks} ACKs, ${counters.inFlight} in flight, ${wrong} wrong, ${closed} connections lost`,
    answered,
  ],
] as const
console.log(
  `${answers} answers seen by the load, ${Math.round(average(rounds, (each) => each.answers / each.elapsed))} a second, ` +
    `the agent's core ${(100 * average(rounds, ({ busy }) => busy)).toFixed(0)} % busy, worst p99 of a round ${worstP99.toFixed(2)} ms`,
)
for (const [text, ok] of verdicts) console.log(`${ok ? 'ok  ' : 'FAIL'} ${text}`)
process.exit(verdicts.every(([, ok]) => ok) ? 0 : 1)

function megabytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}

function average<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((sum, each) => sum + of(each), 0) / all.length
}
