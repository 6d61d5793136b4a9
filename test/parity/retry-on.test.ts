/**
 * `retry-on`, beside HAProxy: after which failures of a server a request is sent again, how often, and what the log says.
 * A FastCGI application that fails alike is asked alike.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { record, reply, startApp } from '../fcgi/support.ts'
import { Cleanups } from '../support/cleanups.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { askOnce } from '../support/raw-http.ts'
import { nameOfRow, startRows } from '../support/rows.ts'
import type { RowSections, RowsProgram } from '../support/rows.ts'

/** What a server does with one request after the other; the last one stays. */
type Deed = 'closes' | 'junk' | 'silent' | 'half' | 'begins' | 'late 503' | number

/** How late that is, and what counts as having been waited for, in milliseconds. */
const [late, long] = [1500, 1000]

interface Origin {
  readonly address: string
  /** How often it was asked. */
  asked(): number
}

/** A response of which more is to come, and does not. */
const begun = '503 X\r\nContent-Length: 9\r\n\r\n503'

const contentOf = (status: number) => `Content-Length: 3\r\n\r\n${status}`

/** An HTTP server that reads a whole request first. */
async function httpOrigin(t: Cleanups, deeds: readonly Deed[]): Promise<Origin> {
  let asked = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (text.split('\r\n\r\n')[1]?.length !== length) return
      text = ''
      const deed = deeds[Math.min(asked++, deeds.length - 1)]
      if (deed === 'closes') socket.end()
      else if (deed === 'half') socket.end('HTTP/1.1 200 OK\r\nContent-')
      else if (deed === 'junk') socket.write('what is this?\r\n\r\n')
      else if (deed === 'begins') socket.write(`HTTP/1.1 ${begun}`)
      else if (deed === 'late 503')
        setTimeout(() => socket.write(`HTTP/1.1 503 X\r\n${contentOf(503)}`), late)
      else if (typeof deed === 'number') socket.write(`HTTP/1.1 ${deed} X\r\n${contentOf(deed)}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}

/** The same as a FastCGI application. */
async function fcgiOrigin(t: Cleanups, deeds: readonly Deed[]): Promise<Origin> {
  let asked = 0
  const app = await startApp(t, async (peer) => {
    for (let first = await peer.next(); first !== undefined; first = await peer.next()) {
      await peer.until('STDIN', first.id)
      const deed = deeds[Math.min(asked++, deeds.length - 1)]
      if (deed === 'closes') peer.socket.end()
      else if (deed === 'half') peer.socket.end(record('STDOUT', first.id, 'Content-'))
      else if (deed === 'junk') peer.send(record('STDOUT', first.id, 'what is this?\r\n\r\n'))
      else if (deed === 'begins') peer.send(record('STDOUT', first.id, `Status: ${begun}`))
      else if (deed === 'late 503') {
        await setTimeoutPromise(late)
        peer.send(reply(first.id, `Status: 503\r\n${contentOf(503)}`))
      } else if (typeof deed === 'number') peer.send(reply(first.id, `Status: ${deed}\r\n${contentOf(deed)}`))
    }
  })
  return { address: app.endpoint, asked: () => asked }
}

const requests = {
  GET: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  POST: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
}

const head = `
global
  log stdout format raw local0
defaults
  mode http
  log global
  timeout client 5s
  timeout server 2s
  timeout connect 2s
`

const sections =
  ({ lines, servers }: Row, { address }: Origin, isFcgi: boolean): RowSections =>
  (port, name) => {
    const server = `${address} ${isFcgi ? `proto fcgi` : ''}`
    return `
frontend ${name}
  bind 127.0.0.1:${port}
  log-format "log %f %ST %tsc rc=%rc %s tw=%Tw tc=%Tc"
  default_backend be-${name}
backend be-${name}
  ${lines.join('\n  ')}
  ${servers.map((each) => `server ${each} ${server}`).join('\n  ')}
  ${isFcgi ? `use-fcgi-app app-${name}\nfcgi-app app-${name}\n  docroot /srv` : ''}
`
  }

/** The status, how often the server was asked, and the line of the log, with which of its times are long. */
async function outcome(
  program: RowsProgram,
  row: number,
  origin: Origin | undefined,
  request: string,
): Promise<string> {
  const answer = await askOnce(program.port(row), request)
  const line = new RegExp(`log ${nameOfRow(row)} (.* rc=\\S+ .*)`)
  await program.waitForLog(line)
  const times = (_: string, time: string) =>
    Number(time) >= long ? 'long' : time === '-1' ? 'none' : 'short'
  const logged = line.exec(program.logs())?.[1]?.replaceAll(/(?<=t[wc]=)(-?\d+)/g, times) ?? ''
  const status =
    typeof answer === 'string' ? answer : (/^HTTP\/1.1 (\d+)/.exec(answer.line)?.[1] ?? answer.line)
  return `${status} asked ${origin?.asked()} ${logged}`
}

interface Row {
  readonly lines: readonly string[]
  readonly servers: readonly string[]
}

type Case = readonly [lines: readonly string[], deeds: readonly Deed[], servers?: readonly string[]]

const two = ['s', 't'] as const

const cases: readonly Case[] = [
  [[], ['closes', 200]],
  [[], [503, 200]],
  [['retry-on empty-response'], ['closes', 'closes', 200]],
  [['retry-on empty-response'], ['half', 200]],
  [['retry-on empty-response', 'retries 2'], ['closes']],
  [
    ['retry-on conn-failure empty-response', 'retries 0'],
    ['closes', 200],
  ],
  [['retry-on junk-response'], ['junk', 200]],
  [['retry-on junk-response'], ['closes', 200]],
  [['retry-on response-timeout'], ['silent', 200]],
  [['retry-on response-timeout'], ['junk', 200]],
  [['retry-on 503 404'], [503, 404, 200]],
  [['retry-on 503', 'retries 1'], [503]],
  [['retry-on 503'], [500, 200]],
  [['retry-on 503'], ['begins', 200]],
  [['retry-on all-retryable-errors'], ['closes', 500, 'junk', 200]],
  [['retry-on all-retryable-errors'], [404, 200]],
  [['retry-on none'], ['closes', 200]],
  [
    ['retry-on 503', 'http-request disable-l7-retry if METH_POST'],
    [503, 200],
  ],
  [['retry-on 503'], ['late 503', 200]],
  [
    ['retry-on 503', 'option redispatch'],
    ['late 503', 200],
  ],
  [['retry-on 503'], ['late 503', 200], two],
  [['retry-on 503', 'option redispatch'], ['late 503', 200], two],
  [['retry-on 503', 'option redispatch'], ['late 503', 503, 200], two],
  [['retry-on empty-response'], ['closes', 200], two],
  [['retry-on empty-response', 'option redispatch'], ['closes', 200], two],
]

const rows = cases.flatMap(([lines, deeds, servers = ['s']]) =>
  Object.entries(requests).map(([method, request]) => ({ lines, deeds, servers, method, request })),
)

describe('retry-on', { concurrency: 12, skip: skipWithoutHaproxy() }, () => {
  const cleanups = new Cleanups()
  const origins: Origin[][] = []
  const programs: RowsProgram[] = []

  before(async () => {
    // HAProxy, sluice, and sluice before FastCGI.
    for (const [which, open] of [
      ['haproxy', httpOrigin],
      ['sluice', httpOrigin],
      ['sluice', fcgiOrigin],
    ] as const) {
      const each = await Promise.all(rows.map(({ deeds }) => open(cleanups, deeds)))
      const all = rows.map((columns, row) =>
        sections(columns, each[row] ?? assert.fail(), open === fcgiOrigin),
      )
      const program = await startRows(which, head, all)
      cleanups.after(() => program.stop())
      origins.push(each)
      programs.push(program)
    }
  })
  after(() => cleanups.run())

  for (const [row, { lines, deeds, servers, method, request }] of rows.entries()) {
    it(`${lines.join(', ') || 'the default'}; ${deeds.join(', ')}; ${servers.length}; ${method}`, async () => {
      const [theirs, ours, overFcgi] = await Promise.all(
        programs.map((program, at) => outcome(program, row, origins[at]?.[row], request)),
      )
      assert.equal(ours, theirs)
      assert.equal(overFcgi, theirs)
    })
  }
})
