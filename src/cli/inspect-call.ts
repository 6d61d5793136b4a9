/** `sluice inspect call TARGET`: asks an agent, or a FastCGI application, once. */
import { Buffer } from 'node:buffer'
import { errorMessage, UsageError } from '../base/errors.ts'
import type { Param } from '../fcgi/codec/params.ts'
import { Caller, fcgiScript, spopScript } from '../inspect/call.ts'
import { Inspector } from '../inspect/inspector.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '../net/endpoint.ts'
import { connectorOf, type ConnectOptions } from '../testing/target.ts'
import { parseAgentTarget, tlsFor, type AgentTlsOptions } from './agent-target.ts'
import { parseDuration } from './bench-values.ts'
import { createClock } from './inspect-clock.ts'
import { createPrinter, readInspectSettings, type InspectOutputOptions } from './inspect-output.ts'
import { note, print } from './output.ts'
import { parseArgument } from './probe-argument.ts'
import { readFile } from './read-file.ts'

/** The options of the command, as commander hands them over. */
export interface InspectCallOptions extends InspectOutputOptions, AgentTlsOptions {
  readonly message?: string
  /** `name=type:value`, each. */
  readonly arg?: readonly string[]
  /** `NAME=VALUE`, each. */
  readonly param?: readonly string[]
  /** A file that is the body of the request. */
  readonly body?: string
  /** A duration, as `2s`. */
  readonly timeout?: string
}

interface Target {
  readonly protocol: 'spop' | 'fcgi'
  readonly endpoint: Endpoint
  readonly tls: ConnectOptions['tls']
}

/**
 * Asks once and prints what both said. Answers the exit code: 0 answered, 1 not, or with an error, 2 no connection.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`.
 */
export async function inspectCallCommand(where: string, options: InspectCallOptions): Promise<number> {
  const target = parseTarget(where, options)
  const body: Buffer[] = []
  const caller = new Caller(
    target.protocol === 'spop' ? spopScriptOf(options) : fcgiScriptOf(options, (bytes) => body.push(bytes)),
  )
  const printEntry = createPrinter(options)
  let errors = 0
  const inspector = new Inspector({
    ...readInspectSettings(options),
    protocol: target.protocol,
    onEntry: (entry) => {
      errors += entry.findings.filter(({ severity }) => severity === 'error').length
      printEntry(entry)
      caller.onEntry(entry)
    },
  })
  const timeout = parseDuration('--timeout', options.timeout ?? '2s', 1)
  let stream
  try {
    stream = await connectorOf(target.endpoint, { tls: target.tls, timeout })()
  } catch (error) {
    note(errorMessage(error))
    return 2
  }
  const now = createClock()
  const inspected = inspector.open({ client: 'sluice', server: formatEndpoint(target.endpoint) }, now())
  const outcome = await caller.run({ stream, inspected, now, timeout })
  if (target.protocol === 'fcgi') printBody(Buffer.concat(body), options)
  if (outcome === 'timeout') note(`no answer within ${timeout} ms`)
  if (outcome === 'closed') note('the connection was closed without an answer')
  return outcome === 'answered' && errors === 0 ? 0 : 1
}

function parseTarget(where: string, options: InspectCallOptions): Target {
  const fcgi = /^fcgi(\+unix)?:\/\/(.*?)$/.exec(where)
  if (fcgi !== null) {
    refuse(options, ['message', 'arg', 'ca', 'cert', 'key', 'insecure'], 'spop://')
    const address = (fcgi[2] ?? '').replace(/(?<=.)\/$/, '')
    return {
      protocol: 'fcgi',
      endpoint: parseEndpoint(fcgi[1] === undefined ? address : `unix@${address}`),
      tls: undefined,
    }
  }
  refuse(options, ['param', 'body'], 'fcgi://')
  const target = parseAgentTarget(where)
  return { protocol: 'spop', endpoint: target.endpoint, tls: tlsFor(where, target, options) }
}

/** Options that are for the other protocol would be passed over in silence. */
function refuse(
  options: InspectCallOptions,
  names: readonly (keyof InspectCallOptions)[],
  other: string,
): void {
  const given = names.find((name) => options[name] !== undefined)
  if (given !== undefined) throw new UsageError('ERR_SLUICE_OPTION', `--${given} is for ${other}`)
}

function spopScriptOf({ message, arg = [] }: InspectCallOptions) {
  if (message === undefined)
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      'give --message NAME, and --arg name=type:value for its arguments',
    )
  return spopScript({ name: message, args: arg.map((each) => parseArgument(each)) })
}

function fcgiScriptOf({ param = [], body }: InspectCallOptions, onBody: (bytes: Buffer) => void) {
  const content = body === undefined ? Buffer.alloc(0) : readFile('--body', body)
  const defaults: Param[] = [
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['REQUEST_METHOD', body === undefined ? 'GET' : 'POST'],
    ...(body === undefined ? [] : [['CONTENT_LENGTH', String(content.length)] as const]),
  ]
  // One that is given takes the place of the default.
  return fcgiScript(new Map([...defaults, ...param.map(readParam)]), content, onBody)
}

function readParam(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError('ERR_SLUICE_OPTION', `--param ${text}: wanted NAME=VALUE`)
  // Parameters are bytes.
  return [text.slice(0, at), Buffer.from(text.slice(at + 1)).toString('latin1')]
}

/** What stands behind the head of the answer. */
function printBody(stdout: Buffer, { json }: InspectCallOptions): void {
  const text = stdout.toString('latin1')
  const end = /\r?\n\r?\n/.exec(text)
  if (end === null) return
  const body = stdout.subarray(end.index + end[0].length).toString('utf8')
  print(json === true ? JSON.stringify({ kind: 'body', text: body }) : `\n${body}`)
}
