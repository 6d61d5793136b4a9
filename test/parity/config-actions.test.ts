/**
 * Rules of every set, error pages and captures through HAProxy and through sluice: what the client gets, what the server
 * gets, and the log line but for its times and numbers.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { deadPort, RawClient, startProxy } from '../proxy/support.ts'
import type { TestProxy } from '../proxy/support.ts'
import { until } from '../support/until.ts'
import { cases, config, files, requestOf } from './config-actions-cases.ts'
import { startOrigin } from './proxy-origin.ts'

const skip = skipWithoutHaproxy()

describe('actions, error pages and captures', { skip, concurrency: false }, () => {
  let haproxy: Haproxy<'fe'>
  let sluice: TestProxy
  const cleanups: (() => void | Promise<void>)[] = []

  before(async () => {
    const origin = await startOrigin()
    const dead = await deadPort()
    cleanups.push(() => origin.stop())
    haproxy = await startHaproxy({
      ports: ['fe'],
      files,
      config: ({ fe }) => config({ fe, origin: origin.port, dead }),
    })
    const t = { after: (callback: () => void | Promise<void>) => void cleanups.push(callback) }
    sluice = await startProxy(t, config({ fe: 0, origin: origin.port, dead }), { files })
  })

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
    await haproxy?.stop()
  })

  for (const each of cases) {
    it(each.name, async () => {
      const raw = requestOf(each)
      const [theirs, ours] = await Promise.all([run(haproxy.ports.fe, raw), run(sluice.port(), raw)])
      assert.deepEqual(ours, theirs)
    })
  }

  it('logs alike', () => {
    const wanted = haproxy
      .logs()
      .split('\n')
      .filter((line) => line.startsWith('127.0.0.1:'))
    assert.ok(wanted.length > 40, `${wanted.length} lines`)
    assert.deepEqual(sluice.lines.map(plainLog).sort(), wanted.map(plainLog).sort())
  })
})

describe('what differs on purpose', () => {
  const rules = `
defaults
  mode http
  timeout client 1s
  http-error status 400 content-type text/plain lf-string "bad one from %[src]"
frontend f
  bind 127.0.0.1:0
  http-request set-method %[path,field(2,/),url_dec] if { path_beg /GET /HEAD /CONNECT /a }
  http-request silent-drop if { path /drop }
  http-request return status 200 hdr X-Method %[method]
`

  it('no rule makes a request end differently from what its client waits for', async (t) => {
    const proxy = await startProxy(t, rules)
    for (const [method, target, expected] of [
      ['POST', '/GET', /^HTTP\/1\.1 200 .*x-method: POST/s],
      ['GET', '/GET', /^HTTP\/1\.1 200 .*x-method: GET/s],
      ['GET', '/HEAD', /^HTTP\/1\.1 200 .*x-method: GET/s],
      ['HEAD', '/GET', /^HTTP\/1\.1 200 .*x-method: HEAD/s],
      ['GET', '/CONNECT', /^HTTP\/1\.1 200 .*x-method: GET/s],
      ['POST', '/CONNECT', /^HTTP\/1\.1 500 /],
      ['GET', '/a%20b', /^HTTP\/1\.1 500 /],
    ] as const) {
      const body = expected.source.includes('500') ? 'body' : ''
      const raw = `${method} ${target} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      assert.match((await run(proxy.port(), raw)).answer, expected, `${method} ${target}`)
    }
  })

  it('a page with a format answers what is no request', async (t) => {
    const proxy = await startProxy(t, rules)
    const { answer } = await run(proxy.port(), 'no request\r\n\r\n')
    assert.match(
      answer,
      /^HTTP\/1\.1 400 Bad Request\r\n.*connection: close\r\n\r\nbad one from 127\.0\.0\.1$/s,
    )
  })

  it('a silent drop closes the connection', async (t) => {
    const proxy = await startProxy(t, rules)
    const client = new RawClient(proxy.port())
    client.send('GET /drop HTTP/1.1\r\nHost: h\r\n\r\n')
    assert.equal(await client.untilEnd(), '')
  })
})

interface Outcome {
  readonly answer: string
  readonly ended: boolean
}

async function run(port: number, raw: string): Promise<Outcome> {
  const client = new RawClient(port)
  client.send(raw)
  await until(() => client.received !== '' || client.ended, 'an answer')
  let before = client.received.length
  for (let quiet = 0; quiet < 3 && !client.ended; quiet++) {
    await sleep(40)
    if (client.received.length !== before) quiet = 0
    before = client.received.length
  }
  const outcome = { answer: client.received, ended: client.ended }
  client.destroy()
  await sleep(10)
  return outcome
}

/** Without addresses, dates, times, and the numbers of bytes and connections that depend on them. */
function plainLog(line: string): string {
  return line
    .replace(/^\S+ \[[^\]]*\] /, '')
    .replace(/ -?\d+\/-?\d+\/-?\d+\/-?\d+\/-?\d+ /, ' T ')
    .replace(/ (-?\d+) \d+ - - /, ' $1 B - - ')
    .replace(/ \d+\/\d+\/\d+\/\d+\/(\+?\d+) \d+\/\d+ +/, ' c/c/c/c/$1 q/q ')
}
