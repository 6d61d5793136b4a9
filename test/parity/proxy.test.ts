/**
 * The same configuration and the same bytes through HAProxy and through sluice: status line, headers and their order,
 * body, what the server receives, whether the connection stays open, and the log line but for times and addresses.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { deadPort, RawClient, startProxy } from '../proxy/support.ts'
import type { TestProxy } from '../proxy/support.ts'
import { until } from '../support/until.ts'
import { cases, config, differences } from './proxy-cases.ts'
import type { Case } from './proxy-cases.ts'
import { startOrigin } from './proxy-origin.ts'

const skip = skipWithoutHaproxy()

describe('the proxy and HAProxy 2.6', { skip, concurrency: false }, () => {
  let haproxy: Haproxy<'fe'>
  let sluice: TestProxy
  const cleanups: (() => void | Promise<void>)[] = []

  before(async () => {
    const origin = await startOrigin()
    const dead = await deadPort()
    cleanups.push(() => origin.stop())
    haproxy = await startHaproxy({
      ports: ['fe'],
      config: ({ fe }) => config({ fe, origin: origin.port, dead }),
    })
    const t = { after: (callback: () => void | Promise<void>) => void cleanups.push(callback) }
    sluice = await startProxy(t, config({ fe: 0, origin: origin.port, dead }))
  })

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
    await haproxy?.stop()
  })

  for (const each of cases) {
    it(each.name, async () => {
      const logged = sluice.lines.length
      // How long nothing comes behind the last of an answer: a busy machine may need longer.
      for (const quiet of [90, 300, 1000]) {
        const both = [run(haproxy.ports.fe, each, quiet), run(sluice.port(), each, quiet)]
        const [theirs, ours] = await Promise.all(both)
        if (quiet < 1000 && !isDeepStrictEqual(ours, theirs)) continue
        assert.deepEqual(ours, theirs)
        break
      }
      assert.ok(sluice.lines.length > logged || each.name === 'an upgrade', 'nothing was logged')
    })
  }

  for (const each of differences) {
    it(`differs on purpose: ${each.name}`, async () => {
      const [theirs, ours] = await Promise.all([run(haproxy.ports.fe, each), run(sluice.port(), each)])
      assert.equal(status(theirs.answer), each.haproxy)
      assert.equal(status(ours.answer), each.sluice)
    })
  }

  it('logs alike', async () => {
    const wanted = haproxy
      .logs()
      .split('\n')
      .filter((line) => line.startsWith('127.0.0.1:'))
      .map(plainLog)
    const same = new Set(sluice.lines.map(plainLog))
    const missing = wanted.filter(
      (line) => !same.has(line) && !loggedOtherwise.some((each) => each.test(line)),
    )
    assert.deepEqual([...new Set(missing)], [], [...same].join('\n'))
  })
})

interface Outcome {
  readonly answer: string
  readonly open: boolean
}

async function run(port: number, { raw, fin = false, wait = false }: Case, quiet = 90): Promise<Outcome> {
  const client = new RawClient(port)
  client.send(raw)
  if (fin) client.socket.end()
  if (wait) await client.untilEnd()
  else await silence(client, quiet)
  const outcome = { answer: normalize(client.received), open: !client.ended }
  client.destroy()
  return outcome
}

/** Waits for something, then until nothing has come for a while. */
async function silence(client: RawClient, milliseconds: number): Promise<void> {
  await until(() => client.received !== '' || client.ended, 'an answer')
  let before = client.received.length
  for (let quiet = 0; quiet < 3 && !client.ended; quiet++) {
    await sleep(milliseconds / 3)
    if (client.received.length !== before) quiet = 0
    before = client.received.length
  }
}

/** The request counter of the unique id differs. */
function normalize(text: string): string {
  return text
    .replaceAll(/x-unique-id: [0-9A-F]+-[0-9A-F]+/g, 'x-unique-id: ID')
    .replaceAll(/content-length: \d{3,}/g, 'content-length: N')
}

function status(answer: string): string {
  return /^HTTP\/1\.\d (\d+)/.exec(answer)?.[1] ?? 'none'
}

/** Without addresses, dates, times, and the numbers of bytes and connections that depend on them. */
function plainLog(line: string): string {
  return line
    .replace(/^\S+ \[[^\]]*\] /, '')
    .replace(/ (-?)\d+\/(-?)\d+\/(-?)\d+\/(-?)\d+\/(-?)\d+ /, ' $1t/$2t/$3t/$4t/$5t ')
    .replace(/ (-?\d+) \d+ - - /, ' $1 B - - ')
    .replace(/ \d+\/\d+\/\d+\/\d+\/(\+?\d+) \d+\/\d+ +/, ' c/c/c/c/$1 q/q ')
}

/** Requests that HAProxy accepts and we do not, and these: */
const loggedOtherwise = [
  // Depends on how far HAProxy was when the client ended: before a server was chosen, connected, or asked.
  /C[RLD]-- .*"POST \/slow/,
  // Rejected before it counts as a request.
  /PR-- .*<BADREQ>/,
  /"(GET|POST) [/*]x? HTTP\/[12]\.[0-2]"/,
  /"GET \/clte /,
]
