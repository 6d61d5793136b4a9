/** `timeout` and `no-wait` of a spoe-message: which NOTIFYs leave, what the stream waits for, and what is counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { decodeFrame } from 'sluice/spop'
import { until } from '../support/until.ts'
import { ask, deadPort, defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup } from './support.js'

const last = (seen: readonly string[]): string => seen.at(-1) ?? ''

/** An agent on a real socket, and the NOTIFYs that came: names of messages, and their ids. */
async function startAgent(t: Cleanup, define: (agent: Agent) => void) {
  const agent = createAgent({ closeTimeout: 100, deadline: 0 })
  define(agent)
  const notifies: string[] = []
  agent.trace(({ direction, bytes }) => {
    const frame = decodeFrame(bytes)
    if (direction !== 'recv' || frame.type !== 'notify') return
    const names = frame.messages.map(({ name }) => name).join('+')
    notifies.push(`${frame.streamId}/${frame.frameId} ${names}`)
  })
  const endpoint = await agent.listen('127.0.0.1:0')
  t.after(() => agent.close())
  return { agent, notifies, port: endpoint.type === 'tcp' ? endpoint.port : 0 }
}

/** A proxy whose SPOE file has these messages, each at on-frontend-http-request; its origin shows three variables. */
async function start(t: Cleanup, agent: number, messages: Readonly<Record<string, string>>, options = '') {
  const names = Object.keys(messages)
  const spoe = [
    `spoe-agent agent\n messages ${names.join(' ')}\n option var-prefix e\n option set-on-error error`,
    ` option force-set-var\n timeout processing 5s\n use-backend agents\n log stderr format raw local0`,
    options,
    ...names.map((name) => `spoe-message ${name}\n event on-frontend-http-request\n ${messages[name] ?? ''}`),
  ]
  const origin = await rawOrigin(t, () => reply('ok'))
  const config = `${defaults}
frontend fe
  bind 127.0.0.1:0
  no log
  filter spoe config spoe.conf
  http-response set-header X-Seen "a=%[var(txn.e.a)] b=%[var(txn.e.b)] c=%[var(txn.e.c)] error=%[var(txn.e.error)]"
  default_backend web
backend web
  server o 127.0.0.1:${origin.port}
backend agents
  mode tcp
  timeout connect 200ms
  server a 127.0.0.1:${agent}
`
  const proxy = await startProxy(t, config, { files: { 'spoe.conf': `${spoe.join('\n')}\n` } })
  return {
    ...proxy,
    async seen() {
      return /x-seen: (.*)\r\n/.exec(await ask(t, proxy.port(), 'GET /'))?.[1]
    },
    counted: () => {
      const { processed, errors } = proxy.proxy.stats.spoe[0] ?? {}
      return { processed, errors }
    },
    log: () => proxy.lines.map((line) => line.replace(/ [-\d/]+ \d+\/\d+ \d+\/\d+ /, ' … ')),
  }
}

/** Sets the variable of its name, at once or when something else has happened. */
function answers(agent: Agent, name: string, after?: () => Promise<unknown>): void {
  agent.message(name, (_message, actions) => {
    if (after === undefined) return void actions.setVar('txn', name, 1)
    return after().then(() => void actions.setVar('txn', name, 1))
  })
}

const never = (): Promise<unknown> => new Promise(() => {})

test('messages with the same time-out share a NOTIFY, in the order of their first ones', async (t) => {
  const { notifies, port } = await startAgent(t, (agent) => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) answers(agent, name)
  })
  const proxy = await start(t, port, {
    a: '',
    b: 'timeout 4s',
    c: 'no-wait',
    // As the agent says anyway.
    d: 'timeout 5s',
    e: 'timeout 4s',
  })
  assert.equal(await proxy.seen(), 'a=1 b=1 c= error=')
  await until(() => proxy.lines.length === 2, 'the line of no-wait')
  assert.deepEqual(notifies, ['0/1 a+d', '0/2 b+e', '0/3 c'])
  assert.deepEqual(proxy.counted(), { processed: 2, errors: 0 })
})

test('a message that is late fails alone, and later events are left out as after any error', async (t) => {
  const { port } = await startAgent(t, (agent) => {
    answers(agent, 'a')
    answers(agent, 'b', never)
    // The stream goes on waiting for this one when b is late.
    answers(agent, 'c', () => sleep(150))
  })
  const proxy = await start(t, port, { a: '', b: 'timeout 50ms', c: 'timeout 4s' })
  assert.equal(await proxy.seen(), 'a=1 b= c=1 error=1')
  assert.deepEqual(proxy.counted(), { processed: 1, errors: 1 })
  assert.equal(proxy.lines.length, 1)
  assert.match(last(proxy.lines), /^SPOE: \[agent\] <EVENT:on-frontend-http-request> sid=\d+ st=1 /)
})

test('a time-out may be longer than that of the agent', async (t) => {
  const { port } = await startAgent(t, (agent) => {
    answers(agent, 'a', () => sleep(150))
    answers(agent, 'b', never)
  })
  const proxy = await start(t, port, { a: 'timeout 4s', b: '' }, ' timeout processing 50ms')
  assert.equal(await proxy.seen(), 'a=1 b= c= error=1')
})

test('variables are set in the order of the messages, whichever answer came first', async (t) => {
  const { agent, port } = await startAgent(t, (it) => {
    it.message('a', async (_message, actions) => {
      await until(() => agent.stats.messages.get('b')?.latency.count === 1, 'the answer to b')
      actions.setVar('txn', 'a', 'of a')
    })
    it.message('b', (_message, actions) => void actions.setVar('txn', 'a', 'of b'))
  })
  const proxy = await start(t, port, { a: '', b: 'timeout 4s' })
  assert.equal(await proxy.seen(), 'a=of b b= c= error=')
})

test('nobody waits for no-wait: neither a slow answer nor a client that has gone matters', async (t) => {
  let answer = () => {}
  const asked = new Promise<void>((resolve) => (answer = resolve))
  const { port } = await startAgent(t, (agent) => {
    agent.message('a', async (_message, actions) => {
      await asked
      actions.setVar('txn', 'a', 1)
    })
  })
  const proxy = await start(t, port, { a: 'no-wait' })
  assert.equal(await proxy.seen(), 'a= b= c= error=')
  assert.equal(proxy.lines.length, 0)
  rawClient(t, proxy.port(), get('/')).socket.destroy()
  answer()
  await until(() => proxy.lines.length >= 1, 'the answer')
  assert.match(
    proxy.log()[0] ?? '',
    /^SPOE: \[agent\] <EVENT:on-frontend-http-request> sid=\d+ st=0 … 0\/\d+$/,
  )
})

const failures: readonly (readonly [what: string, status: number, message: string])[] = [
  ['is late', 1, 'no-wait\n timeout 30ms'],
  ['finds no agent', 257, 'no-wait'],
]

for (const [what, status, message] of failures) {
  test(`a no-wait that ${what} is counted and logged, and is no error of the stream`, async (t) => {
    const { port } = await startAgent(t, (agent) => answers(agent, 'a', never))
    const proxy = await start(t, status === 257 ? await deadPort() : port, { a: message }, 'option fail-fast')
    assert.equal(await proxy.seen(), 'a= b= c= error=')
    await until(() => proxy.counted().errors === 1, 'the count')
    assert.deepEqual(proxy.counted(), { processed: 1, errors: 1 })
    assert.match(last(proxy.lines), new RegExp(`sid=\\d+ st=${status} `))
    // The next event of the stream would be sent: its own failure is not what a stream is told.
    assert.equal(await proxy.seen(), 'a= b= c= error=')
  })
}

test('rules that cannot wait still send what nobody waits for', async (t) => {
  const { notifies, port } = await startAgent(t, (agent) => {
    answers(agent, 'a')
    answers(agent, 'b')
  })
  const spoe = `spoe-agent agent
  groups g
  timeout processing 1s
  use-backend agents
spoe-message a
spoe-message b
  no-wait
spoe-group g
  messages a b
`
  const origin = await rawOrigin(t, () => reply('ok'))
  const config = `${defaults}
listen tcp
  mode tcp
  bind 127.0.0.1:0
  filter spoe config spoe.conf
  tcp-request content send-spoe-group agent g
  server o 127.0.0.1:${origin.port}
backend agents
  mode tcp
  server a 127.0.0.1:${port}
`
  const proxy = await startProxy(t, config, { files: { 'spoe.conf': spoe } })
  await rawClient(t, proxy.port(), get('/')).until('ok')
  await until(() => notifies.length > 0, 'the NOTIFY')
  assert.match(notifies.join(), /^\d+\/1 b$/)
})
