import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { createAgent } from 'sluice/agent'
import { until } from '../support/until.ts'
import { ask, deadPort, defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup } from './support.js'

/** Origins that answer with their name. */
async function origins(t: Cleanup, ...names: string[]): Promise<number[]> {
  const ports: number[] = []
  for (const name of names) ports.push((await rawOrigin(t, () => reply(`<${name}>`))).port)
  return ports
}

const frontend = `${defaults}
frontend fe
  bind 127.0.0.1:0
  default_backend be
`

async function names(t: Cleanup, port: number, count: number): Promise<string> {
  let found = ''
  for (let at = 0; at < count; at++) found += /<(\w)>/.exec(await ask(t, port, 'GET /'))?.[1] ?? '-'
  return found
}

describe('roundrobin', () => {
  it('takes each server in its turn', async (t) => {
    const [a, b, c] = await origins(t, 'a', 'b', 'c')
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  server a 127.0.0.1:${a}\n  server b 127.0.0.1:${b}\n  server c 127.0.0.1:${c}\n`,
    )
    assert.equal(await names(t, proxy.port(), 6), 'abcabc')
  })

  it('in proportion to the weights', async (t) => {
    const [a, b, c] = await origins(t, 'a', 'b', 'c')
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  server a 127.0.0.1:${a} weight 3\n  server b 127.0.0.1:${b}\n  server c 127.0.0.1:${c} weight 0\n`,
    )
    const found = await names(t, proxy.port(), 8)
    assert.equal(found.replaceAll('b', '').length, 6)
    assert.equal(found.replaceAll('a', ''), 'bb')
  })

  it('leaves backup and disabled servers alone while there is another', async (t) => {
    const [a, b] = await origins(t, 'a', 'b')
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  server off 127.0.0.1:${a} disabled\n  server a 127.0.0.1:${a}\n  server b 127.0.0.1:${b} backup\n`,
    )
    assert.equal(await names(t, proxy.port(), 3), 'aaa')
  })

  it('goes to another server when one refuses and option redispatch says so', async (t) => {
    const [a] = await origins(t, 'a')
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  option redispatch\n  server dead 127.0.0.1:${await deadPort()}\n  server a 127.0.0.1:${a}\n`,
    )
    assert.equal(await names(t, proxy.port(), 4), 'aaaa')
    assert.match(proxy.lines[0] ?? '', /fe be\/a .* \d+\/\d+\/0\/0\/\+1 /)
  })
})

describe('http-reuse', () => {
  it('never: the requests of one client share a connection, and nobody else does', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  http-reuse never\n  server a 127.0.0.1:${origin.port}\n`,
    )
    const client = rawClient(t, proxy.port(), get('/1') + get('/2'))
    await client.until('/2')
    assert.equal(origin.peers.length, 1)
    const other = rawClient(t, proxy.port(), get('/3') + get('/4'))
    await other.until('/4')
    assert.equal(origin.peers.length, 2)
    client.destroy()
    other.destroy()
    await until(() => origin.peers.every(({ socket }) => socket.destroyed), 'the end of both')
  })

  it('always: first requests too', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  http-reuse always\n  server a 127.0.0.1:${origin.port}\n`,
    )
    await ask(t, proxy.port(), 'GET /1')
    await ask(t, proxy.port(), 'GET /2')
    assert.equal(origin.peers.length, 1)
  })

  it('no more idle connections than pool-max-conn', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `${frontend}backend be\n  server a 127.0.0.1:${origin.port} pool-max-conn 0\n`,
    )
    await ask(t, proxy.port(), 'GET /1')
    assert.equal(proxy.proxy.stats.backends[0]?.servers[0]?.idle, 0)
  })
})

describe('health checks', () => {
  it('take a server out that refuses, and back in', async (t) => {
    const [a] = await origins(t, 'a')
    const port = await deadPort()
    const proxy = await startProxy(
      t,
      `${frontend}  log-format "%s"\nbackend be
  server b 127.0.0.1:${port} check inter 30ms fall 2 rise 2
  server a 127.0.0.1:${a}
`,
    )
    const usable = () => proxy.proxy.stats.backends[0]?.servers[0]?.usable
    assert.equal(usable(), true)
    await until(() => usable() === false, 'the server going down')
    assert.equal(await names(t, proxy.port(), 3), 'aaa')
    assert.ok(
      proxy.lines.some((line) =>
        line.startsWith('Server be/b is DOWN, reason: Layer4 connection problem, info: "Connection refused"'),
      ),
    )
    const server = createServer((socket) => void socket.on('error', () => {}).end())
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => void server.close())
    await until(() => usable() === true, 'the server coming up')
    assert.ok(proxy.lines.some((line) => line.startsWith('Server be/b is UP, reason: Layer4 check passed')))
  })

  it('ask agents for a handshake with spop-check', async (t) => {
    const agent = createAgent()
    const endpoint = await agent.listen('127.0.0.1:0')
    t.after(() => agent.close())
    const dumb = await rawOrigin(t, () => 'what?')
    const port = endpoint.type === 'tcp' ? endpoint.port : 0
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
backend agents
  mode tcp
  option spop-check
  timeout check 5s
  server good 127.0.0.1:${port} check inter 30ms fall 1 rise 1
  server bad 127.0.0.1:${dumb.port} check inter 30ms fall 1
`,
    )
    const servers = () => proxy.proxy.stats.backends[0]?.servers ?? []
    // A check of the good one may be late where all are.
    await until(
      () => servers()[1]?.usable === false && servers()[0]?.usable === true,
      'the bad agent going down',
    )
  })

  it('let the backup server in, one alone', async (t) => {
    const [a, b] = await origins(t, 'a', 'b')
    const proxy = await startProxy(
      t,
      `${frontend}backend be
  server dead 127.0.0.1:${await deadPort()} check inter 20ms fall 1
  server a 127.0.0.1:${a} backup
  server b 127.0.0.1:${b} backup
`,
    )
    await until(() => proxy.proxy.stats.backends[0]?.servers[0]?.usable === false, 'the server going down')
    assert.equal(await names(t, proxy.port(), 3), 'aaa')
  })
})
