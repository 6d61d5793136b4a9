/** `sluice bench fcgi://…`: what a FastCGI application is asked. */
import { UsageError } from '../base/errors.ts'
import type { FcgiLoadOptions } from '../load/fcgi-load.ts'
import type { FcgiRequestTemplate, ParamTemplate } from '../load/fcgi-request.ts'
import { parseEndpoint } from '../net/endpoint.ts'
import { readFaults, readPlan, readSeed, tellPlan, type BenchOptions } from './bench-options.ts'
import { parseWhole } from './bench-values.ts'
import { readFile } from './read-file.ts'

const mostInFlight = 4096

function refuse(message: string): never {
  throw new UsageError('ERR_SLUICE_OPTION', message)
}

/** Whether a target names an application. */
export function isFcgiTarget(target: string): boolean {
  return /^fcgi(\+unix)?:/.test(target)
}

/** What HAProxy and nginx tell an application, for a path. */
function usualParams({ script, uri = '/', method = 'GET' }: BenchOptions): ParamTemplate[] {
  const [path = '/', query = ''] = uri.split('?')
  return [
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['SERVER_SOFTWARE', 'sluice'],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['SERVER_NAME', 'www.example.com'],
    ['SERVER_PORT', '80'],
    ['REMOTE_ADDR', '192.0.2.1'],
    ['REQUEST_METHOD', method],
    ['REQUEST_URI', uri],
    ['SCRIPT_NAME', path],
    ['QUERY_STRING', query],
    ...(script === undefined ? [] : [['SCRIPT_FILENAME', script] as const]),
    ['HTTP_HOST', 'www.example.com'],
  ]
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
function readRequest(options: BenchOptions): FcgiRequestTemplate {
  const given = (options.param ?? []).map((text): ParamTemplate => {
    const at = text.indexOf('=')
    return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : refuse(`--param ${text}: wanted NAME=VALUE`)
  })
  const names = new Set(given.map(([name]) => name))
  const usual = usualParams(options).filter(([name]) => !names.has(name))
  const { body = '' } = options
  return {
    params: [...usual, ...given],
    body: body.startsWith('@') ? readFile('--body', body.slice(1)).toString() : body,
  }
}

/** `status=200`. @throws UsageError `ERR_SLUICE_OPTION`. */
function readStatus(expect: readonly string[] = []): number | undefined {
  const [first, ...others] = expect
  if (first === undefined) return undefined
  const status = /^status=([1-9]\d\d)$/.exec(first)?.[1]
  if (status === undefined || others.length > 0)
    return refuse(`--expect ${expect.join(' ')}: wanted one status=NNN`)
  return Number(status)
}

/** Options that only agents have a use for. */
const agentsOnly = [
  'as',
  'spoe',
  'engine',
  'message',
  'arg',
  'garbage',
  'cold',
  'ca',
  'cert',
  'key',
  'insecure',
] as const

/** All of it. @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`. */
export function readFcgiLoad(target: string, options: BenchOptions): FcgiLoadOptions {
  const needless = agentsOnly.find((name) => options[name] !== undefined)
  if (needless !== undefined) refuse(`--${needless} is for agents, and '${target}' is a FastCGI application`)
  const unix = /^fcgi\+unix:\/\/(.*)$/.exec(target)?.[1]
  const endpoint = parseEndpoint(
    unix === undefined ? target.replace(/^fcgi:\/\//, '').replace(/\/$/, '') : `unix@${unix}`,
  )
  if (endpoint.type === 'fd')
    throw new UsageError('ERR_SLUICE_ADDRESS', `'${target}': use fcgi://host:port or fcgi+unix:///path`)
  const expectedStatus = readStatus(options.expect)
  return {
    name: target,
    target: { endpoint, tls: undefined, connectTimeout: 2000 },
    request: readRequest(options),
    inFlight: parseWhole('--inflight', options.inflight ?? '1', 1, mostInFlight),
    plan: readPlan(options, 1),
    expectedStatus,
    faults: readFaults(options),
    seed: readSeed(options),
    told: tellPlan(options, { uri: options.uri ?? '/', method: options.method ?? 'GET' }),
  }
}
