import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { deadPort, folder, rawClient, rawOrigin, startProxy } from './support.js'
import type { Cleanup, TestProxy } from './support.js'

const defaults = `
defaults
  mode tcp
  log stderr format raw local0
  option tcplog
  timeout client 300ms
  timeout server 300ms
  timeout connect 100ms
  retries 0
`

function listen(t: Cleanup, port: number, more = ''): Promise<TestProxy> {
  return startProxy(t, `${defaults}\nlisten tcp\n  bind 127.0.0.1:0\n${more}\n  server s 127.0.0.1:${port}\n`)
}

describe('TCP streams', () => {
  it('pass bytes in both directions, and each end', async (t) => {
    const origin = await rawOrigin(t, (text) => text.toUpperCase())
    const proxy = await listen(t, origin.port)
    const client = rawClient(t, proxy.port(), 'hello\0')
    await client.until('HELLO\0')
    client.send('more')
    await client.until('MORE')
    client.socket.end()
    await client.untilEnd()
    await until(() => proxy.lines.length === 1, 'the log line')
    assert.match(
      proxy.lines[0] ?? '',
      /^127\.0\.0\.1:\d+ \[.*\] tcp tcp\/s \d+\/\d+\/\d+ 10 -- 1\/1\/0\/0\/0 0\/0$/,
    )
  })

  it('let the server speak first', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    origin.server.on('connection', (socket) => socket.write('220 hello\r\n'))
    const proxy = await listen(t, origin.port)
    await rawClient(t, proxy.port()).until('220 hello')
  })

  it('carry much, byte for byte', async (t) => {
    const body = randomBytes(2_000_000)
    const origin = await rawOrigin(t, (text) => text)
    const proxy = await listen(t, origin.port)
    const client = rawClient(t, proxy.port())
    client.socket.write(body)
    await until(() => client.received.length === body.length, 'the echo')
    assert.ok(Buffer.from(client.received, 'latin1').equals(body))
  })

  it('keep the other direction open when one has ended', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    origin.server.on('connection', (socket) => void socket.removeAllListeners('end'))
    const proxy = await listen(t, origin.port)
    const client = rawClient(t, proxy.port(), 'question')
    client.socket.end()
    const peer = () => origin.peers[0]
    await until(() => peer()?.received === 'question', 'the question')
    assert.equal(client.ended, false)
    peer()?.socket.end('answer')
    assert.equal(await client.untilEnd(), 'answer')
  })

  it('end when nobody says anything any more', async (t) => {
    const origin = await rawOrigin(t, () => 'x')
    const proxy = await listen(t, origin.port)
    const client = rawClient(t, proxy.port(), 'x')
    await client.untilEnd()
    await until(() => proxy.lines.length === 1, 'the log line')
    assert.match(proxy.lines[0] ?? '', / 1 [cs]D /)
  })

  it('have timeout tunnel, in place of those of client and server, from the connection to the server on', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const times = '  timeout client 100ms\n  timeout server 100ms\n  timeout tunnel 500ms'
    const proxy = await listen(t, origin.port, times)
    const began = Date.now()
    // One side has said something.
    await rawClient(t, proxy.port(), 'x').untilEnd()
    assert.ok(Date.now() - began >= 450)
  })

  it('end when there is no server', async (t) => {
    const proxy = await listen(t, await deadPort())
    assert.equal(await rawClient(t, proxy.port(), 'x').untilEnd(), '')
    await until(() => proxy.lines.length === 1, 'the log line')
    assert.match(proxy.lines[0] ?? '', / tcp tcp\/s \d+\/-1\/\d+ 0 SC /)
  })

  it('are rejected by what they begin with', async (t) => {
    const origin = await rawOrigin(t, (text) => text)
    const rules = `  tcp-request inspect-delay 200ms
  tcp-request content accept if { req.payload(0,3) -m str yes }
  tcp-request content reject if { req.len ge 3 }
  tcp-request content reject`
    const proxy = await listen(t, origin.port, rules)
    const good = rawClient(t, proxy.port(), 'y')
    good.send('es!')
    await good.until('yes!')
    assert.equal(await rawClient(t, proxy.port(), 'no!').untilEnd(), '')
    // Not decided before the delay has passed.
    const began = Date.now()
    assert.equal(await rawClient(t, proxy.port(), 'ye').untilEnd(), '')
    assert.ok(Date.now() - began >= 190)
    await until(() => proxy.lines.filter((line) => / 0 PR /.test(line)).length === 2, 'the log lines')
  })

  it('are rejected by what the server answers', async (t) => {
    const origin = await rawOrigin(t, (text) => `answer ${text}`)
    const rules = `  tcp-response inspect-delay 200ms
  tcp-response content reject if { res.payload(7,3) -m str bad }
  tcp-response content accept`
    const proxy = await listen(t, origin.port, rules)
    await rawClient(t, proxy.port(), 'good').until('answer good')
    assert.equal(await rawClient(t, proxy.port(), 'bad').untilEnd(), '')
  })

  it('blame a client whose time-out comes before its server is connected to, and pass on what it sent', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    origin.server.on('connection', (socket) => {
      socket.once('data', () => setTimeout(() => socket.end(), 20))
    })
    const proxy = await startProxy(
      t,
      `${defaults}\nlisten tcp\n  bind 127.0.0.1:0\n  timeout client 1\n  server s 127.0.0.1:${origin.port}\n`,
    )
    assert.equal(await rawClient(t, proxy.port(), 'question').untilEnd(), '')
    assert.equal(origin.peers[0]?.received, 'question')
    await until(() => proxy.lines.length === 1, 'the log line')
    assert.match(proxy.lines[0] ?? '', / 0 cD 1\/1\/0\/0\/0 0\/0$/)
  })

  it('come in and go out through unix sockets', async (t) => {
    const origin = await rawOrigin(t, (text) => text)
    const dir = folder(t, {})
    const inner = join(dir, 'inner.sock')
    const outer = join(dir, 'outer.sock')
    await startProxy(
      t,
      `${defaults}
listen inner
  bind unix@${inner} mode 600
  server s 127.0.0.1:${origin.port}
listen outer
  bind ${outer}
  server s unix@${inner}
`,
    )
    const socket = connect(outer)
    t.after(() => socket.destroy())
    let received = ''
    socket.on('data', (chunk: Buffer) => void (received += chunk.toString()))
    socket.write('through two')
    await until(() => received === 'through two', 'the echo')
  })
})
