/** Which server each request goes to, beside HAProxy: in turn, at once, with servers that are full, and with backups. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()
const start = { haproxy: startHaproxy, sluice: startSluice } as const
const both = Object.keys(start) as (keyof typeof start)[]

/** Answers with its name, after as many milliseconds as the path says. */
async function origin(t: TestContext, name: string): Promise<number> {
  const server = createServer((request, response) => {
    setTimeout(() => response.end(name), Number(request.url?.slice(1).split('?')[0] ?? 0))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** `SERVER` in a line stands for a server a, b, c, …: `server a 127.0.0.1:1234`. */
async function proxies(t: TestContext, lines: readonly string[]) {
  const written: string[] = []
  for (const line of lines) {
    const name = 'abcdefgh'[written.filter((each) => each.startsWith('server ')).length] ?? ''
    written.push(line.replace('SERVER', `server ${name} 127.0.0.1:${await origin(t, name)}`))
  }
  return Promise.all(
    both.map(async (which) => {
      const running = await start[which]({
        ports: ['fe'],
        config: ({ fe }) => `
global
  nbthread 1
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
listen fe
  bind 127.0.0.1:${fe}
  ${written.join('\n  ')}
`,
      })
      t.after(() => running.stop())
      return running.ports.fe
    }),
  )
}

async function ask(port: number, path: string, headers = ''): Promise<string> {
  const answer = await askOnce(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}Connection: close\r\n\r\n`)
  if (typeof answer === 'string') return answer
  return answer.line.includes(' 200 ') ? answer.body : `<${answer.line.split(' ')[1]}>`
}

/** One after the other. */
async function inTurn(port: number, count: number): Promise<string> {
  let seen = ''
  for (let at = 0; at < count; at++) seen += await ask(port, '/0')
  return seen
}

/** One after the other, each behind the number of tries that it took, and behind `:` when it took two pauses. */
async function triedInTurn(port: number, count: number): Promise<string> {
  let seen = ''
  for (let at = 0; at < count; at++) {
    const before = performance.now()
    const answer = await askOnce(port, 'GET /0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    if (typeof answer === 'string') return answer
    const tries = answer.headers.find((line) => line.startsWith('x-tries: '))?.slice(9)
    const isLate = answer.line.includes(' 503 ') && performance.now() - before > 100
    seen += ` ${tries}${isLate ? ':' : ''}${answer.line.includes(' 200 ') ? answer.body : answer.line.slice(9, 12)}`
  }
  return seen
}

/** While none of those before has its answer. */
async function atOnce(port: number, count: number): Promise<string> {
  const asked: Promise<string>[] = []
  for (let at = 0; at < count; at++) {
    asked.push(ask(port, '/800'))
    await sleep(15)
  }
  return (await Promise.all(asked)).join('')
}

const sorted = (text: string): string => text.split('').sort().join('')

const weighted = ['SERVER weight 30', 'SERVER weight 10']

describe('40 requests, one after the other', { skip, concurrency: 3 }, () => {
  for (const [algorithm, servers] of [
    ['roundrobin', weighted],
    ['static-rr', weighted],
    ['leastconn', weighted],
    ['first', weighted],
    ['first', ['SERVER id 9', 'SERVER id 3', 'SERVER id 5']],
    ['roundrobin', ['SERVER backup', 'SERVER', 'SERVER disabled']],
    ['leastconn', ['SERVER disabled', 'SERVER backup', 'SERVER backup']],
    ['roundrobin', ['SERVER disabled', 'SERVER backup', 'SERVER backup']],
    ['first', ['SERVER disabled', 'SERVER backup', 'SERVER backup']],
    ['roundrobin', ['SERVER weight 0', 'SERVER', 'SERVER weight 3']],
  ] as const) {
    it(`balance ${algorithm}: ${servers.join(', ')}`, async (t) => {
      const ports = await proxies(t, [`balance ${algorithm}`, ...servers])
      const [theirs = '', ours = ''] = await Promise.all(ports.map((port) => inTurn(port, 40)))
      assert.equal(sorted(ours), sorted(theirs))
    })
  }
})

describe('servers that refuse, and how often each request is tried', { skip, concurrency: 3 }, () => {
  const dead = 'server dead 127.0.0.1:1'
  const [one, two] = ['option redispatch', 'option redispatch 2']
  for (const [algorithm, options, servers] of [
    ['roundrobin', one, [dead, 'SERVER']],
    ['roundrobin', two, [dead, 'SERVER', 'SERVER']],
    ['leastconn', one, [dead, 'SERVER']],
    ['first', two, [dead, 'SERVER']],
    ['roundrobin', '', [dead, 'SERVER']],
    ['roundrobin', 'option redispatch 0', [dead, 'SERVER']],
    ['roundrobin', one, [dead, 'SERVER backup']],
    ['roundrobin', one, [dead]],
  ] as const) {
    it(`balance ${algorithm}: ${servers.join(', ')}, ${options}`, async (t) => {
      const lines = [
        'http-after-response set-header X-Tries %rc',
        'retries 2',
        'timeout connect 60ms',
        options,
      ]
      const ports = await proxies(t, [`balance ${algorithm}`, ...lines, ...servers])
      const [theirs, ours] = await Promise.all(ports.map((port) => triedInTurn(port, 6)))
      assert.equal(ours, theirs)
    })
  }
})

describe('12 requests at once', { skip, concurrency: 3 }, () => {
  for (const [algorithm, servers] of [
    ['roundrobin', weighted],
    ['static-rr', weighted],
    ['leastconn', weighted],
    ['leastconn', ['SERVER', 'SERVER', 'SERVER weight 2']],
    ['first', ['SERVER maxconn 4', 'SERVER maxconn 3', 'SERVER']],
    ['first', ['SERVER id 3 maxconn 4', 'SERVER id 1 maxconn 3', 'SERVER id 2']],
    ['leastconn', ['SERVER maxconn 2', 'SERVER']],
    ['roundrobin', ['SERVER maxconn 2', 'SERVER maxconn 20']],
    ['roundrobin', ['SERVER maxconn 3', 'SERVER maxconn 3']],
    ['leastconn', ['SERVER maxconn 4', 'SERVER maxconn 2']],
    // It bounds nothing: they wait for any server.
    ['leastconn', ['SERVER maxconn 2 maxqueue 1', 'SERVER maxconn 2 maxqueue 1']],
    ['roundrobin', ['SERVER disabled', 'SERVER backup maxconn 20', 'SERVER backup']],
    ['leastconn', ['SERVER backup maxconn 6', 'SERVER backup']],
  ] as const) {
    it(`balance ${algorithm}: ${servers.join(', ')}`, async (t) => {
      const ports = await proxies(t, [`balance ${algorithm}`, ...servers])
      const [theirs = '', ours = ''] = await Promise.all(ports.map((port) => atOnce(port, 12)))
      assert.equal(sorted(ours), sorted(theirs))
    })
  }
})
