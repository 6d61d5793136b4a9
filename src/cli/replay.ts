/** `sluice replay`: yesterday's traffic for another agent, and what it answers otherwise. */
import { createEngine, profileNames, type Engine, type ProfileName } from '../engine/index.ts'
import { formatEndpoint } from '../net/endpoint.ts'
import { UsageError } from '../base/errors.ts'
import {
  openRecording,
  replay,
  type ReplayRate,
  type ReplayReport,
  type Recording,
} from '../recording/index.ts'
import { parseAgentTarget, tlsFor, type AgentTlsOptions } from './agent-target.ts'
import { note, print } from './output.ts'
import { formatReplay, toReplayJson } from './replay-text.ts'
import { onFirstSignal } from './signals.ts'

/** The options of the command, as commander hands them over. */
export interface ReplayCommandOptions extends AgentTlsOptions {
  /** `--rate`: `recorded`, `max`, `Nx` or a number per second. */
  readonly rate?: string
  /** `--timeout MS`: how long an answer may take. */
  readonly timeout?: string
  /** `--in-flight N`: exchanges under way at a time. */
  readonly inFlight?: string
  /** `--limit N`: no more than so many. */
  readonly limit?: string
  /** `--source NAME`: only what this engine of the configuration has asked. */
  readonly source?: string
  /** `--message NAME`: only NOTIFYs with this message. */
  readonly message?: string
  /** `--ignore NAME`, repeatable: variables that need not be equal. */
  readonly ignore?: readonly string[]
  /** `--profile NAME`: whose manners the engine has. */
  readonly profile?: string
  readonly json?: boolean
}

/** Nothing was compared. */
const failedExit = 2

/**
 * Replays; the last of `args` is the agent, those before it are files. Answers the exit code: 0 when all answers are the same, 1
 * when some differ or are missing, 2 when nothing could be compared.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`; RecordingError.
 */
export async function replayCommand(args: readonly string[], options: ReplayCommandOptions): Promise<number> {
  const files = args.slice(0, -1)
  const target = args.at(-1)
  if (target === undefined || files.length === 0) {
    throw new UsageError('ERR_SLUICE_OPTION', 'give a recording and an agent: FILE... spop://host:port')
  }
  const agent = parseAgentTarget(target)
  const { endpoint } = agent
  const tls = tlsFor(target, agent, options)
  const recordings = files.map((file) => openRecording(file))
  await using engine = createEngine({ servers: [endpoint], profile: parseProfile(options.profile), tls })
  const health = await engine.healthCheck(formatEndpoint(endpoint))
  if (!health.healthy) {
    note(`${target}: ${health.error?.message ?? 'the agent is not ready'}`)
    return failedExit
  }
  const report = await replayed(recordings, engine, options)
  const remarks = recordings.flatMap(remarksOn)
  for (const remark of remarks) note(remark)
  print(
    options.json === true
      ? JSON.stringify(toReplayJson(files, target, report, remarks))
      : formatReplay(target, report),
  )
  if (report.sent === 0) {
    note('there was nothing to send')
    return failedExit
  }
  return report.different + report.failed === 0 ? 0 : 1
}

/** The first signal ends it, and what was sent until then is reported. */
async function replayed(
  recordings: readonly Recording[],
  engine: Engine,
  options: ReplayCommandOptions,
): Promise<ReplayReport> {
  const { limit, inFlight, timeout, ignore } = options
  const ending = new AbortController()
  const restore = onFirstSignal(() => ending.abort())
  try {
    return await replay(
      recordings.map((recording) => filtered(recording, options)),
      engine,
      {
        rate: parseRate(options.rate),
        ignore,
        timeout: timeout === undefined ? undefined : wholeNumber('--timeout', timeout),
        maxInFlight: inFlight === undefined ? undefined : wholeNumber('--in-flight', inFlight),
        limit: limit === undefined ? undefined : wholeNumber('--limit', limit),
        signal: ending.signal,
      },
    )
  } finally {
    restore()
  }
}

/** Only what was asked for. */
function filtered(recording: Recording, { source, message }: ReplayCommandOptions): Recording {
  return {
    get omitted() {
      return recording.omitted
    },
    get lost() {
      return recording.lost
    },
    get damage() {
      return recording.damage
    },
    async *[Symbol.asyncIterator]() {
      for await (const exchange of recording) {
        if (source !== undefined && exchange.source !== source) continue
        if (message !== undefined && !exchange.messages.some(({ name }) => name === message)) continue
        yield exchange
      }
    },
  }
}

function remarksOn({ damage, lost, omitted }: Recording): string[] {
  return [
    ...(damage === undefined ? [] : [damage]),
    ...(lost === 0 ? [] : [`${lost} exchanges are missing: the disk was too slow when they were recorded`]),
    ...(omitted.size === 0 ? [] : [`recorded without the values of ${[...omitted].join(', ')}`]),
  ]
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function parseRate(text = 'recorded'): ReplayRate {
  if (text === 'recorded' || text === 'max') return text
  const match = /^(\d{1,9}(?:\.\d{1,6})?)(x?)$/.exec(text)
  const value = Number(match?.[1])
  if (match === null || value === 0) {
    throw new UsageError('ERR_SLUICE_OPTION', `--rate ${text}: use recorded, max, 2x or a number per second`)
  }
  return match[2] === 'x' ? { times: value } : { perSecond: value }
}

function parseProfile(text = 'default'): ProfileName {
  const name = profileNames.find((each) => each === text)
  if (name !== undefined) return name
  throw new UsageError('ERR_SLUICE_OPTION', `--profile ${text}: use ${profileNames.join(', ')}`)
}

function wholeNumber(name: string, given: string): number {
  const value = Number(given)
  if (/^\d{1,9}$/.test(given) && value > 0) return value
  throw new UsageError('ERR_SLUICE_OPTION', `${name} wants a whole number above 0, not '${given}'`)
}
