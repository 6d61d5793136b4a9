/**
 * The sample language against the real HAProxy: every expression and every ACL of the lists in sample-cases.ts, for
 * every request there, evaluated by both.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { compileAcl, compileCondition, compileExpression, compileLogFormat, str } from '#src/sample/index.js'
import type { CompileContext, Stream } from '#src/sample/index.js'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import {
  compileContext,
  complaints,
  emptyLog,
  parseRequest,
  parseResponse,
  requestStream,
  testStream,
  word,
  words,
} from '../support/sample-stream.ts'
import {
  acls,
  declaredAcls,
  expressions,
  files,
  logFormats,
  requests,
  responseAcls,
  responseExpressions,
  responses,
  variables,
} from './sample-cases.ts'

const skip = skipWithoutHaproxy()

/** A word of a configuration line that reads as `text`. */
const quote = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`

const line = (list: readonly string[]): string => list.map(quote).join(' ')

const aclRules = (kind: 'request' | 'response', list: readonly (readonly string[])[]): string =>
  list.map((each, at) => `  http-${kind} set-var(txn.acl${at}) int(1) if ${line(each)}`).join('\n')

/** One line for each expression, then one for each ACL. */
const page = (list: readonly string[], aclCount: number): string =>
  [
    ...list.map((each, at) => `${at}=%[${each}]`),
    ...Array.from({ length: aclCount }, (_, at) => `acl${at}=%[var(txn.acl${at})]`),
    '',
  ].join('\n')

const config = (ports: Readonly<Record<'fe' | 'res' | 'log' | 'origin', number>>): string => `
global
  tune.bufsize 524288
  setenv SAMPLE_ENV "from env"
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend fe
  id 77
  bind 127.0.0.1:${ports.fe}
  option http-buffer-request
  unique-id-format id-%[path]
${declaredAcls.map((each) => `  acl ${line(each)}`).join('\n')}
${variables.map(([name, expression]) => `  http-request set-var(${name}) ${quote(expression)}`).join('\n')}
${aclRules('request', acls)}
  http-request return status 200 content-type text/plain lf-file page.lf
listen res
  id 1002
  bind 127.0.0.1:${ports.res}
  server s1 127.0.0.1:${ports.origin}
${aclRules('response', responseAcls)}
${responseExpressions.map((each, at) => `  http-response set-var-fmt(txn.value${at}) ${quote(`%[${each}]`)}`).join('\n')}
  http-response return status 200 content-type text/plain lf-file response.lf
listen log
  bind 127.0.0.1:${ports.log}
  log stdout format raw local0
  capture request header User-Agent len 32
  capture request header X-Missing len 32
  server s1 127.0.0.1:${ports.origin}
  log-format ${quote(logFormats.map((each) => `|${each}`).join(''))}
`

/** Values of responses, as the page shows them. */
const stored = responseExpressions.map((_, at) => `var(txn.value${at})`)

let haproxy: Haproxy<'fe' | 'res' | 'log' | 'origin'>
let answer = ''

const origin = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.end(answer, 'latin1'))
})

before(async () => {
  if (skip !== false) return
  haproxy = await startHaproxy({
    ports: ['fe', 'res', 'log', 'origin'],
    foreign: ['origin'],
    config,
    files: {
      ...files,
      'page.lf': page(expressions, acls.length),
      // By the time that this is evaluated the response is gone.
      'response.lf': page(stored, responseAcls.length),
    },
  })
  await new Promise<void>((resolve) => origin.listen(haproxy.ports.origin, '127.0.0.1', resolve))
})

after(async () => {
  origin.close()
  await haproxy?.stop()
})

/** Sends raw text, and returns the port it came from and the body of what came back. */
function exchange(port: number, raw: string): Promise<{ port: number; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    let local = 0
    socket.once('connect', () => {
      local = (socket.address() as AddressInfo).port
      socket.write(raw, 'latin1')
    })
    const finish = () => {
      const text = Buffer.concat(chunks).toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
      if (end < 0 || length === undefined || text.length < end + 4 + Number(length)) return false
      resolve({ port: local, body: text.slice(end + 4, end + 4 + Number(length)) })
      socket.destroy()
      return true
    }
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      finish()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      if (!finish()) reject(new Error(`no answer to ${raw}: ${Buffer.concat(chunks).toString('latin1')}`))
    })
  })
}

function requestContext(): CompileContext {
  return compileContext({ files, environment: new Map([['SAMPLE_ENV', 'from env']]) })
}

/** What our side makes of the same page. */
function evaluatePage(
  stream: Stream,
  context: CompileContext,
  list: readonly string[],
  aclList: readonly (readonly string[])[],
): Map<string, string> {
  const lines = new Map<string, string>()
  for (const [at, each] of aclList.entries()) {
    const condition = compileCondition(words(['if', ...each]), context)
    lines.set(`acl${at}`, condition?.test(stream) === true ? '1' : '')
  }
  for (const [at, each] of list.entries())
    lines.set(String(at), compileLogFormat(word(`%[${each}]`), context, 'header')?.format(stream) ?? 'BROKEN')
  assert.deepEqual(
    complaints(context).filter((each) => !each.includes('warning:')),
    [],
  )
  return lines
}

function compare(
  body: string,
  ours: ReadonlyMap<string, string>,
  list: readonly string[],
  aclList: readonly (readonly string[])[],
): void {
  const differences: string[] = []
  for (const theirs of body.split('\n').slice(0, -1)) {
    const equal = theirs.indexOf('=')
    const key = theirs.slice(0, equal)
    const value = theirs.slice(equal + 1)
    const subject = key.startsWith('acl') ? aclList[Number(key.slice(3))]?.join(' ') : list[Number(key)]
    if (ours.get(key) !== value)
      differences.push(`${subject ?? key}\n    haproxy: ${value}\n    ours:    ${ours.get(key) ?? 'nothing'}`)
  }
  assert.deepEqual(differences, [], differences.join('\n'))
}

for (const [name, raw] of Object.entries(requests)) {
  test(`expressions and ACLs of a request: ${name}`, { skip }, async () => {
    const { port, body } = await exchange(haproxy.ports.fe, raw)
    const context = requestContext()
    const request = parseRequest(raw)
    const stream = testStream({
      request,
      frontend: { name: 'fe', id: 77 },
      source: { address: loopback, port },
      destination: { address: loopback, port: haproxy.ports.fe },
      uniqueId: `id-${compileLogFormat(word('%[path]'), context, 'plain')?.format(requestStream(raw)) ?? ''}`,
    })
    for (const each of declaredAcls) compileAcl(words(each), context)
    for (const [variable, expression] of variables) {
      const value = compileExpression(word(expression), context)?.evaluate(stream)
      if (value !== undefined) stream.variables('txn')?.set(variable.slice(4), value)
    }
    compare(body, evaluatePage(stream, context, expressions, acls), expressions, acls)
  })
}

for (const [name, raw] of Object.entries(responses)) {
  test(`expressions and ACLs of a response: ${name}`, { skip }, async () => {
    answer = raw
    const request = 'GET /asked?for=this HTTP/1.1\r\nHost: example.test\r\n\r\n'
    const { body } = await exchange(haproxy.ports.res, request)
    const stream = testStream({
      direction: 'response',
      request: parseRequest(request),
      response: { ...parseResponse(raw), body: undefined },
      frontend: { name: 'res', id: 1002 },
      backend: { name: 'res', id: 1002 },
      server: { name: 's1', id: 1 },
    })
    const context = compileContext({ checkpoint: 'http-response', isBackend: true, files })
    for (const [at, each] of responseExpressions.entries()) {
      const value = compileLogFormat(word(`%[${each}]`), context, 'plain')?.format(stream) ?? 'BROKEN'
      stream.variables('txn')?.set(`value${at}`, str(value))
    }
    compare(body, evaluatePage(stream, context, stored, responseAcls), responseExpressions, responseAcls)
  })
}

const loopback = Uint8Array.of(127, 0, 0, 1)

/** Compares the line that HAProxy logs for raw text with ours; `log` is what the proxy would know. */
async function compareLog(raw: string, overrides: (logged: string) => Partial<Stream>): Promise<void> {
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const before = haproxy.logs().length
  const { port } = await exchange(haproxy.ports.log, raw)
  const pattern = new RegExp(`^\\|.*cp=${port}\\|.*$`, 'm')
  const logged = pattern.exec(await haproxy.waitForLog(pattern))?.[0] ?? ''
  assert.ok(haproxy.logs().length > before)
  const stream = testStream({
    direction: 'response',
    frontend: { name: 'log', id: 4 },
    backend: { name: 'log', id: 4 },
    source: { address: loopback, port },
    destination: { address: loopback, port: haproxy.ports.log },
    ...overrides(logged),
  })
  const context = compileContext({ checkpoint: 'log', isBackend: true })
  const format = compileLogFormat(word(logFormats.map((each) => `|${each}`).join('')), context, 'log')
  assert.deepEqual(complaints(context), [])
  assert.equal(format?.format(stream), logged)
}

/** The number behind a name in a logged line: what only HAProxy knows. */
const numberIn = (logged: string, name: string): number =>
  Number(new RegExp(`\\|${name}=(\\d+)`).exec(logged)?.[1])

test('log-format aliases of a request', { skip }, async () => {
  const requestLine = 'GET http://h/a%20b/"c"?x=[1]&y=2 HTTP/1.1'
  const raw = `${requestLine}\r\nHost: h\r\nUser-Agent: a "b" {c}|d\r\n\r\n`
  await compareLog(raw, (logged) => ({
    server: { name: 's1', id: 1 },
    log: {
      ...emptyLog,
      requestLine,
      capturedRequest: ['a "b" {c}|d', undefined],
      serverAddress: { address: loopback, port: haproxy.ports.origin },
      requestCounter: numberIn(logged, 'rt'),
      bytesRead: numberIn(logged, 'B'),
    },
  }))
})

test('log-format aliases of what is no request', { skip }, async () => {
  await compareLog('GET /#fragment HTTP/1.1\r\nHost: h\r\n\r\n', (logged) => ({
    log: { ...emptyLog, status: 400, termination: 'PR', requestCounter: numberIn(logged, 'rt') },
  }))
})
