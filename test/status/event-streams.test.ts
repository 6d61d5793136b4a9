/** Open pages: how many there may be, and what becomes of those that do not read. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { EventStreams, formatEvent } from '#src/status/event-streams.js'
import { askOnce, fieldOf, RawHttp, type RawReply } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

async function serve(t: TestContext, most: number) {
  const streams = new EventStreams(most)
  const responses: ServerResponse[] = []
  const server = createServer((request, response) => {
    responses.push(response)
    streams.open(request, response, () => formatEvent('history', { a: 1 }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    streams.close()
    server.close()
    server.closeAllConnections()
  })
  return { streams, responses, port: (server.address() as AddressInfo).port }
}

const request = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n'

it('a stream begins with what there is, and goes on with events', async (t) => {
  const { streams, port } = await serve(t, 4)
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  socket.write(request)
  await until(() => text.includes('event: history'))
  streams.send(formatEvent('tick', { b: 'line\nbreak' }))
  await until(() => text.includes('event: tick\ndata: {"b":"line\\nbreak"}\n\n'))
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(text, /content-type: text\/event-stream; charset=utf-8\r\n/)
  assert.match(text, /content-security-policy: default-src 'none'/)
  assert.match(text, /retry: 1000\n\nevent: history\ndata: \{"a":1\}\n\n/)
})

it('more than may be are refused with words, and one that leaves makes room', async (t) => {
  const { streams, port } = await serve(t, 2)
  const clients = [new RawHttp(port), new RawHttp(port)]
  t.after(() => clients.forEach((each) => each.close()))
  for (const each of clients) each.send(request)
  await until(() => streams.size === 2)
  const refused = (await askOnce(port, request)) as RawReply
  assert.match(refused.line, / 503 /)
  assert.equal(fieldOf(refused.headers, 'retry-after'), '10')
  assert.match(refused.body, /^2 pages are open already/)
  clients[0]?.close()
  await until(() => streams.size === 1)
})

it('who does not read is spared events, and nothing piles up', async (t) => {
  const { streams, responses, port } = await serve(t, 2)
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.pause()
  socket.write(request)
  await until(() => streams.size === 1)
  const large = formatEvent('tick', 'x'.repeat(200_000))
  for (let count = 0; count < 500; count++) {
    streams.send(large)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const [response] = responses
  assert.ok((response?.writableLength ?? Infinity) <= 1_048_576, String(response?.writableLength))
  // It reads again: what it was spared is gone, and the next comes.
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-100)))
  socket.resume()
  await until(() => response?.writableLength === 0)
  streams.send(formatEvent('tick', 'the next'))
  await until(() => text.includes('the next'))
})
