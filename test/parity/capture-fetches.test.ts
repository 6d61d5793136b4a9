/** `capture.req.*` and `capture.res.*`: what they give while rules change the request, HAProxy beside sluice. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const origin = createServer((request, response) => {
  response.setHeader('X-B', 'abcdef')
  // What the backend's rules saw, on the way back.
  response.setHeader('X-Seen', request.headers['x-in'] ?? '')
  response.end()
})
before(() => new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve)))
after(() => {
  origin.closeAllConnections()
  origin.close()
})

const fetches = [
  ...[0, 1, 2, 9].map((slot) => `capture.req.hdr(${slot})`),
  ...[0, 1].map((slot) => `capture.res.hdr(${slot})`),
  'capture.req.method',
  'capture.req.uri',
  'capture.req.ver',
  'capture.res.ver',
]

const inRequest = fetches.filter((each) => !each.startsWith('capture.res.hdr'))
const format = (list: readonly string[]): string => list.map((each) => `%[${each}]`).join('|')

const config = ({ fe }: { readonly fe: number }): string => `
defaults
  mode http
  option httplog
  log stdout format raw local0
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend f
  bind 127.0.0.1:${fe}
  capture request header X-A len 10
  declare capture request len 20
  capture response header X-B len 3
  http-request capture path id 1
  http-request set-path /changed
  http-request set-method PUT if { req.hdr(x-a) -m found }
  http-request set-header X-A gone
  http-response set-header X-Out ${format(fetches)}
  default_backend b
backend b
  http-request set-header X-In ${format(inRequest)}
  server s 127.0.0.1:${(origin.address() as AddressInfo).port}
`

const requests = [
  'GET http://h/a/b?c=d HTTP/1.1\r\nHost: h\r\nX-A: 12345678901234\r\n\r\n',
  'GET /p HTTP/1.0\r\n\r\n',
  'POST /q HTTP/1.1\r\nHost: h\r\nX-A: first\r\nX-A: second\r\nContent-Length: 0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n',
]

async function ask(port: number): Promise<string[]> {
  const lines: string[] = []
  for (const request of requests) {
    const reply = await askOnce(port, request)
    if (typeof reply === 'string') lines.push(reply)
    else
      lines.push(
        ...reply.headers.filter((each) => /^x-(?:out|seen):/i.test(each)).map((each) => each.toLowerCase()),
      )
  }
  return lines
}

test('in rules of the request and of the response', { skip: skipWithoutHaproxy() }, async () => {
  const haproxy = await startHaproxy({ ports: ['fe'], config })
  const sluice = await startSluice({ ports: ['fe'], config })
  try {
    const theirs = await ask(haproxy.ports.fe)
    assert.deepEqual(await ask(sluice.ports.fe), theirs)
    assert.equal(theirs.length, requests.length * 2)
  } finally {
    await haproxy.stop()
    await sluice.stop()
  }
})
