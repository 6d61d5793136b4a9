/** Capabilities with the real HAProxy: fragments, pipelining and async in all combinations, groups, several messages. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent, AgentOptions } from 'sluice/agent'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { ask, startAgent, startSpoe } from './agent-support.ts'

const skip = skipWithoutHaproxy()

/** Answers each request with the id that it came with, after a time that mixes the order. */
function echoId(agent: Agent): void {
  agent.message('m', { id: 'string', big: 'string?' }, async ({ id, big }, actions) => {
    await sleep(Number(id) % 7)
    actions.setVar('txn', 'id', id)
    if (big !== undefined) actions.setVar('txn', 'size', big.length)
  })
}

const message = `
spoe-message m
  args id=req.hdr(x-id) big=req.hdr(x-big)
  event on-frontend-http-request`
const show =
  'http-after-response set-header x-id "%[var(txn.t.id)]"\n  http-after-response set-header x-size "%[var(txn.t.size)]"'

/** Starts both, and notes what they have said to each other about capabilities. */
async function start(t: Parameters<typeof startSpoe>[0], lines: string, options: AgentOptions = {}) {
  const hellos: string[] = []
  const { agent, port } = await startAgent(t, echoId, options)
  agent.trace(({ frame }) => {
    if (frame?.type === 'haproxy-hello' || frame?.type === 'agent-hello')
      hellos.push(frame.capabilities ?? '')
  })
  const haproxy = await startSpoe(t, {
    agents: port,
    agentLines: `messages m\n  ${lines}`,
    messages: message,
    frontend: show,
  })
  return { agent, hellos, fe: haproxy.ports.fe }
}

describe('capabilities', { skip }, () => {
  for (const pipelining of [true, false]) {
    for (const async of [true, false]) {
      it(`pipelining ${pipelining ? 'on' : 'off'}, async ${async ? 'on' : 'off'}: every request has its own answer`, async (t) => {
        const word = (on: boolean, name: string) => `${on ? '' : 'no '}option ${name}`
        const lines = `${word(pipelining, 'pipelining')}\n  ${word(async, 'async')}`
        const { agent, hellos, fe } = await start(t, lines, { async: true })
        const ids = Array.from({ length: 120 }, (_, id) => String(id))
        const loops = Array.from({ length: 12 }, async () => {
          for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
            const { headers } = await ask(fe, { headers: { 'x-id': id } })
            assert.equal(headers['x-id'], id)
          }
        })
        // Without both, HAProxy 2.6 does not look at its queue when an ACK has come, only when the next request does: the
        // last one in it would wait for the processing timeout. So there is always a next one.
        let done = false
        let more = 0
        const bystander = (async () => {
          while (!done) {
            await ask(fe, { headers: { 'x-id': '0' } })
            more++
          }
        })()
        await Promise.all(loops).finally(() => (done = true))
        await bystander
        assert.equal(agent.stats.frames.acks, agent.stats.frames.notifies)
        assert.deepEqual(agent.stats.errors, {})
        assert.ok(agent.stats.frames.acks >= 120 && agent.stats.frames.acks <= 120 + more)
        const common = [pipelining ? 'pipelining' : '', 'fragmentation', async ? 'async' : '']
          .filter(Boolean)
          .join(',')
        const theirs = [pipelining ? 'pipelining' : '', async ? 'async' : ''].filter(Boolean).join(',')
        assert.deepEqual([...new Set(hellos)].sort(), [common, theirs].sort())
      })
    }
  }
})

describe('fragments', { skip }, () => {
  const big = 'b'.repeat(10_240)

  it('a header of 10 KB comes whole through frames of 256 bytes', async (t) => {
    const { agent, fe } = await start(t, 'max-frame-size 256')
    for (let id = 0; id < 5; id++) {
      const { headers } = await ask(fe, { headers: { 'x-id': `${id}`, 'x-big': big } })
      assert.deepEqual([headers['x-id'], headers['x-size']], [`${id}`, '10240'])
    }
    assert.equal((await ask(fe, { headers: { 'x-id': '9' } })).headers['x-id'], '9', 'a small one is not cut')
    assert.equal(agent.stats.fragments.joined, 5)
    assert.ok(agent.stats.frames.received > 5 * (10_240 / 256))
    assert.deepEqual(agent.stats.errors, {})
  })

  it('many at once, mixed with whole ones, keep apart', async (t) => {
    const { agent, fe } = await start(t, 'max-frame-size 512')
    await Promise.all(
      Array.from({ length: 40 }, async (_, id) => {
        const headers: Record<string, string> = { 'x-id': `${id}` }
        if (id % 3 > 0) headers['x-big'] = 'b'.repeat(200 * id)
        const answer = await ask(fe, { headers })
        assert.equal(answer.headers['x-id'], `${id}`)
        assert.equal(answer.headers['x-size'], id % 3 > 0 ? `${200 * id}` : '')
      }),
    )
    assert.deepEqual(agent.stats.errors, {})
  })

  it('an agent that does not announce them is not sent any, and small requests go on', async (t) => {
    const { agent, fe } = await start(t, 'max-frame-size 256\n  timeout processing 300ms', {
      fragmentation: false,
    })
    assert.equal((await ask(fe, { headers: { 'x-id': '1' } })).headers['x-id'], '1')
    const { status, headers } = await ask(fe, { headers: { 'x-id': '2', 'x-big': 'b'.repeat(400) } })
    assert.deepEqual([status, headers['x-id']], [200, ''])
    assert.equal((await ask(fe, { headers: { 'x-id': '3' } })).headers['x-id'], '3')
    assert.equal(agent.stats.frames.notifies, 2)
  })
})

describe('messages', { skip }, () => {
  it('of one event come in one NOTIFY, those of a group when it is sent', async (t) => {
    const names: string[][] = []
    const { agent, port } = await startAgent(t, (it) =>
      it.otherwise((sent, actions) => void actions.setVar('txn', sent.name, sent.args.length)),
    )
    agent.trace(({ frame }) => {
      if (frame?.type === 'notify') names.push(frame.messages.map(({ name }) => name))
    })
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages first second never\n  groups grp',
      messages: `
spoe-message first
  args a=int(1)
  event on-frontend-http-request
spoe-message second
  args a=int(1) b=int(2)
  event on-frontend-http-request
spoe-message never
  event on-frontend-http-request if FALSE
spoe-message later
  args method
spoe-group grp
  messages later`,
      frontend: `http-after-response set-header x-all "%[var(txn.t.first)] %[var(txn.t.second)] %[var(txn.t.later)]"
  http-request send-spoe-group eng grp if { path /group }`,
    })
    assert.equal((await ask(haproxy.ports.fe)).headers['x-all'], '1 2')
    assert.equal((await ask(haproxy.ports.fe, { path: '/group' })).headers['x-all'], '1 2 1')
    assert.deepEqual(names, [['first', 'second'], ['first', 'second'], ['later']])
  })
})
