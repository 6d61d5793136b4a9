/** `sluice probe`: runs the conformance checks against an agent and prints what they found. */
import { errorMessage, UsageError } from '../base/errors.ts'
import type { EngineTls } from '../engine/index.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { MessageInput } from '../spop/notify.ts'
import {
  chooseChecks,
  runConformance,
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceResult,
} from '../testing/conformance/run.ts'
import { parseAgentTarget, tlsFor, type AgentTlsOptions } from './agent-target.ts'
import { note, print } from './output.ts'
import { parseArgument } from './probe-argument.ts'
import { checkHealth } from './probe-health.ts'

/** The options of the command, as commander hands them over. */
export interface ProbeOptions extends AgentTlsOptions {
  /** `--unix PATH`: a unix socket, instead of the target. */
  readonly unix?: string
  /** `--message NAME`: what to ask. */
  readonly message?: string
  /** `--arg name=type:value`, repeatable: the arguments of the message. */
  readonly arg?: readonly string[]
  /** `--slow NAME`: a message whose handler takes too long. */
  readonly slow?: string
  /** `--pid N`: the process to stop with SIGTERM in the last check. */
  readonly pid?: string
  /** `--timeout MS`: how long each answer may take. */
  readonly timeout?: string
  /** `--only ID`, repeatable: only checks whose id begins so. */
  readonly only?: readonly string[]
  /** `--list`: print the ids of the checks, and do nothing else. */
  readonly list?: boolean
  /** `--json`: one JSON object instead of the table. */
  readonly json?: boolean
  /** `--health`: one health check, and no conformance. */
  readonly health?: boolean
  /** `--verbose`: the sources and bytes of passed checks are shown too. */
  readonly verbose?: boolean
}

/**
 * Probes an agent. Answers the exit code: 0 when every MUST holds, 1 when one does not, 2 when there is no connection at
 * all.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION` for a wrong target or option.
 */
export async function probeCommand(target: string | undefined, options: ProbeOptions = {}): Promise<number> {
  if (options.list === true) {
    for (const { id, title } of chooseChecks(options.only)) print(formatCheck(id, title))
    return 0
  }
  const where = options.unix === undefined ? target : `spop+unix://${options.unix}`
  if (where === undefined || where === '') {
    throw new UsageError('ERR_SLUICE_ADDRESS', 'give spop://host:port, or --unix PATH')
  }
  const agent = parseAgentTarget(where)
  const { endpoint } = agent
  const tls = tlsFor(where, agent, options)
  const json = options.json === true
  if (options.health === true) return healthCommand(where, endpoint, tls, options)
  const settings: ConformanceOptions = {
    ...conformanceOptions(options),
    tls,
    ...(json ? {} : { onResult: (result) => print(formatResult(result, options.verbose === true)) }),
  }
  let report: ConformanceReport
  try {
    report = await runConformance(endpoint, settings)
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (json) print(JSON.stringify({ target: where, error: errorMessage(error) }))
    else process.stderr.write(`${errorMessage(error)}\n`)
    return 2
  }
  print(json ? JSON.stringify({ target: where, ...report }) : `\n${formatSummary(where, report)}`)
  return report.failed === 0 ? 0 : 1
}

/** Answers the exit code: 0 is healthy, 1 is not, 2 is no connection at all. */
async function healthCommand(
  where: string,
  endpoint: Endpoint,
  tls: EngineTls | undefined,
  options: ProbeOptions,
): Promise<number> {
  for (const name of ['message', 'arg', 'slow', 'pid', 'only', 'verbose'] as const) {
    if (options[name] === undefined) continue
    throw new UsageError('ERR_SLUICE_OPTION', `--health asks for nothing else: leave out --${name}`)
  }
  const { exitCode, ...report } = await checkHealth(endpoint, {
    tls,
    timeout: timeoutOf(options),
  })
  const { healthy, detail, duration } = report
  if (options.json === true) print(JSON.stringify({ target: where, ...report }))
  else if (healthy) print(`${where} is healthy: ${detail}, after ${Math.ceil(duration)} ms`)
  else note(`${where} is not healthy: ${detail}`)
  return exitCode
}

const timeoutOf = ({ timeout }: ProbeOptions) =>
  timeout === undefined ? 2000 : wholeNumber('--timeout', timeout)

function conformanceOptions(options: ProbeOptions): ConformanceOptions {
  const { message, arg = [], slow, pid, only } = options
  if (message === undefined && arg.length > 0) {
    throw new UsageError('ERR_SLUICE_OPTION', '--arg belongs to a message: give --message NAME too')
  }
  const ask = (name: string): MessageInput[] => [{ name, args: arg.map((each) => parseArgument(each)) }]
  const target = pid === undefined ? undefined : wholeNumber('--pid', pid)
  return {
    timeout: timeoutOf(options),
    messages: message === undefined ? undefined : ask(message),
    slow: slow === undefined ? undefined : ask(slow),
    stop: target === undefined ? undefined : () => process.kill(target, 'SIGTERM'),
    only,
    transcripts: options.verbose === true,
  }
}

function wholeNumber(name: string, given: string): number {
  const value = Number(given)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new UsageError('ERR_SLUICE_OPTION', `${name} wants a whole number above 0, not '${given}'`)
}

const marks = { pass: 'pass', fail: 'FAIL', skip: 'skip' } as const

const formatCheck = (id: string, title: string) => `${id.padEnd(26)} ${title}`

/** One check as a line, and for a failed one what was wanted, what came, and the bytes. */
export function formatResult(result: ConformanceResult, verbose: boolean): string {
  const { status, level, id, title, expected, got, reason, bytes, source, points } = result
  const mark = status === 'fail' && level === 'should' ? 'warn' : marks[status]
  const line = `${mark}  ${formatCheck(id, title)}`
  if (status === 'skip') return `${line}\n${indent(reason ?? '')}`
  if (status === 'pass' && !verbose) return line
  if (status === 'pass')
    return [line, ...[`${source}; ${points.join(', ')}`, ...bytes].map(indent)].join('\n')
  const rows = [`wanted ${expected}`, `got    ${got}`, `source ${source}; ${points.join(', ')}`, ...bytes]
  return [line, ...rows.map(indent)].join('\n')
}

const indent = (text: string) => `      ${text}`

function formatSummary(where: string, { passed, failed, warnings, skipped }: ConformanceReport): string {
  const verdict = failed === 0 ? 'conforms' : 'does not conform'
  return `${where} ${verdict}: ${passed} passed, ${failed} failed, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, ${skipped} skipped`
}
