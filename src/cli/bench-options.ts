/** The options of `sluice bench`, as commander hands them over, and what is made of them. */
import { UsageError } from '../base/errors.ts'
import { parseExpectation } from '../load/expect.ts'
import type { LoadPlan } from '../load/generator.ts'
import type { LoadTarget } from '../load/link.ts'
import type { NotifyTemplate } from '../load/notify-source.ts'
import type { LoadResult } from '../load/result.ts'
import { Schedule } from '../load/schedule.ts'
import { mannerNames, type MannerName } from '../load/spop-manners.ts'
import type { LoadFaults } from '../load/load.ts'
import type { SpopLoadOptions } from '../load/spop-load.ts'
import { parseAgentTarget, tlsFor, type AgentTlsOptions } from './agent-target.ts'
import { parseDelay, parseDuration, parseRate, parseStages, parseWhole } from './bench-values.ts'
import { parseArgument, splitArgument } from './probe-argument.ts'

/** Where a load goes, and how it is spread over time. */
export interface PlanFlags extends AgentTlsOptions {
  readonly connections?: string
  readonly inflight?: string
  readonly cold?: string
  readonly rate?: string
  readonly stages?: string
  readonly warmup?: string
  readonly duration?: string
  readonly timeout?: string
  readonly seed?: string
  readonly slice?: string
  readonly latency?: string
  readonly reset?: string
  readonly garbage?: string
}

/** What agents are asked, and what is wanted of their answers. */
export interface SpopFlags {
  readonly as?: string
  readonly spoe?: string
  readonly engine?: string
  readonly message?: readonly string[]
  readonly arg?: readonly string[]
  readonly expect?: readonly string[]
}

/** What FastCGI applications are asked. */
export interface FcgiFlags {
  readonly script?: string
  readonly uri?: string
  readonly method?: string
  readonly param?: readonly string[]
  readonly body?: string
}

/** What is done with the result. */
export interface ReportFlags {
  readonly failIf?: readonly string[]
  readonly saturate?: readonly string[]
  readonly json?: boolean
  readonly hgrm?: string
  readonly quiet?: boolean
}

/** Everything. */
export interface BenchOptions extends PlanFlags, SpopFlags, FcgiFlags, ReportFlags {}

const mostConnections = 20_000
const mostInFlight = 4096

function refuse(message: string): never {
  throw new UsageError('ERR_SLUICE_OPTION', message)
}

/** Where to connect. @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`. */
function readSpopTarget(target: string, options: PlanFlags): LoadTarget {
  const where = parseAgentTarget(target)
  const { endpoint } = where
  if (endpoint.type === 'fd')
    throw new UsageError('ERR_SLUICE_ADDRESS', `'${target}': a descriptor cannot be connected to`)
  return { endpoint, tls: tlsFor(target, where, options), connectTimeout: 2000 }
}

/** How the load is spread. `steps` is how many exchanges a stream has. @throws UsageError `ERR_SLUICE_OPTION`. */
export function readPlan(options: PlanFlags, steps: number): LoadPlan {
  const connections = parseWhole('--connections', options.connections ?? '4', 1, mostConnections)
  const warmup = parseDuration('--warmup', options.warmup ?? '1s')
  const { rate, stages } = options
  if (rate !== undefined && stages !== undefined) refuse('--rate and --stages exclude each other')
  if (stages !== undefined && options.duration !== undefined)
    refuse('--stages say how long it takes: leave out --duration')
  const parsed = stages === undefined ? undefined : parseStages('--stages', stages)
  const duration =
    parsed?.reduce((sum, stage) => sum + stage.duration, 0) ??
    parseDuration('--duration', options.duration ?? '10s', 10)
  const single = rate === undefined ? undefined : parseRate('--rate', rate)
  const measured = parsed ?? (single === undefined ? undefined : [{ duration, from: single, to: single }])
  const first = measured?.[0]?.from ?? 0
  const whole =
    measured === undefined ? undefined : [{ duration: warmup, from: first, to: first }, ...measured]
  return {
    connections,
    coldConnections: parseWhole('--cold', options.cold ?? String(connections), 0, mostConnections),
    schedule: whole === undefined ? undefined : new Schedule(whole.filter((stage) => stage.duration > 0)),
    warmup,
    duration,
    timeout: parseDuration('--timeout', options.timeout ?? '1s', 1),
    steps,
    intervalDuration: Math.min(1000, Math.max(100, duration / 20)),
  }
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function readFaults({ slice, latency, reset, garbage }: PlanFlags): LoadFaults {
  const count = (flag: string, given: string | undefined) =>
    given === undefined ? 0 : parseWhole(flag, given, 1, 1e9)
  const isWritten = slice !== undefined || latency !== undefined
  return {
    write: isWritten
      ? { slice: count('--slice', slice), latency: parseDelay('--latency', latency ?? '0ms') }
      : undefined,
    resetAfter: count('--reset', reset),
    garbageAfter: count('--garbage', garbage),
  }
}

/** What is sent of `--message` and `--arg`. @throws UsageError `ERR_SLUICE_OPTION`. */
export function readMessages({ message = [], arg = [] }: SpopFlags): NotifyTemplate[] {
  if (message.length === 0)
    refuse('say what to ask: --message NAME with --arg name=type:value, or --spoe FILE')
  const args = arg.map((each) => splitArgument(each))
  return [{ name: message.join('+'), messages: message.map((name) => ({ name, args })) }]
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
function readManner(given = '3.x'): MannerName {
  const name = mannerNames.find((each) => each === given)
  return name ?? refuse(`--as ${given}: wanted ${mannerNames.join(' or ')}`)
}

/** Options that only FastCGI applications have a use for. */
const applicationsOnly = ['script', 'uri', 'method', 'param', 'body'] as const

/** All of it. @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`. */
export function readSpopLoad(
  target: string,
  options: BenchOptions,
  notifies: readonly NotifyTemplate[],
): SpopLoadOptions {
  const needless = applicationsOnly.find((name) => options[name] !== undefined)
  if (needless !== undefined) refuse(`--${needless} is for FastCGI applications, and '${target}' is an agent`)
  const like = readManner(options.as)
  const inFlight = parseWhole('--inflight', options.inflight ?? '20', 1, mostInFlight)
  const expectations = (options.expect ?? []).map((text) =>
    parseExpectation(text, (each) => parseArgument(each, '--expect')),
  )
  return {
    name: target,
    target: readSpopTarget(target, options),
    like,
    notifies,
    inFlight,
    plan: readPlan(options, notifies.length),
    expectations,
    faults: readFaults(options),
    seed: readSeed(options),
    told: tellPlan(options, { as: like, notifies: notifies.map(({ name }) => name).join(', ') }),
  }
}

/** Where random values begin. @throws UsageError `ERR_SLUICE_OPTION`. */
export function readSeed({ seed = '1' }: PlanFlags): number {
  return parseWhole('--seed', seed, 1, 0xffff_ffff)
}

/** What two runs should have in common, when they are compared. */
export function tellPlan(options: PlanFlags, more: LoadResult['plan']): LoadResult['plan'] {
  const told: Record<string, string | number | boolean> = { ...more }
  for (const name of [
    'connections',
    'inflight',
    'rate',
    'stages',
    'slice',
    'latency',
    'reset',
    'garbage',
  ] as const) {
    const value = options[name]
    if (value !== undefined) told[name] = value
  }
  return told
}
