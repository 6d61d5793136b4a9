/** Backends with `mode spop`: agents are spoken to as HAProxy 3.1 and later do. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ack, agentHello, setVar, startAgent } from '../engine/scripted-agent.ts'
import type { RawFrame, ScriptedAgent } from '../engine/scripted-agent.ts'
import { until } from '../support/until.ts'
import { ask, defaults, rawOrigin, reply, startProxy } from './support.ts'
import type { Cleanup, TestProxy } from './support.ts'

const config = (agent: number, origin: number, more: string): string => `
global
  log stderr format raw local0
${defaults.replace('  log stderr format raw local0\n  option httplog\n', '')}
frontend fe
  bind 127.0.0.1:0
  filter spoe config spoe.conf
  http-request set-header X-Seen "%[var(txn.e.v)] %[var(txn.e.err)]"
  http-response set-header X-Seen "%[var(txn.e.v)] %[var(txn.e.err)]"
  default_backend web
backend web
  server o 127.0.0.1:${origin}
backend agents
  mode spop
  timeout connect 200ms
  timeout server 10s
  server a 127.0.0.1:${agent}${more}
`

const spoe = (options: string): string => `spoe-agent agent
  log global
  messages m n
  option var-prefix e
  option set-on-error err
  option force-set-var
  timeout processing 1s
  use-backend agents
${options}
spoe-message m
  args path=path
  event on-frontend-http-request
spoe-message n
  event on-http-response
`

/** An agent that keeps NOTIFYs and answers what it is told to, and the proxy that asks it. */
async function start(
  t: Cleanup,
  { options = '', server = '', size = 'fcf006', silent = false } = {},
): Promise<{ proxy: TestProxy; agent: ScriptedAgent; frames: RawFrame[] }> {
  const frames: RawFrame[] = []
  const agent = await startAgent(t, (peer) => {
    peer.onFrame((each) => {
      frames.push(each)
      if (each.type === 1) peer.send(agentHello('pipelining', size))
      if (each.type === 3 && !silent) peer.send(ack(each.ids, setVar('v', frames.length)))
    })
  })
  const origin = await rawOrigin(t, () => reply('ok'))
  const text = config(agent.port, origin.port, server)
  const proxy = await startProxy(t, text, { files: { 'spoe.conf': spoe(options) } })
  return { proxy, agent, frames }
}

const idsOf = (frames: readonly RawFrame[]) =>
  frames.filter(({ type }) => type === 3).map(({ streamId, frameId }) => `${streamId}/${frameId}`)

describe('mode spop', () => {
  it('numbers NOTIFYs for each connection, and says less in the log', async (t) => {
    const { proxy, frames } = await start(t)
    for (let count = 0; count < 2; count++)
      assert.match(await ask(t, proxy.port('fe'), 'GET /'), /^HTTP\/1.1 200 /)
    assert.deepEqual(idsOf(frames), ['1/1', '3/1', '5/1', '7/1'])
    await until(() => proxy.lines.length === 4, 'the log')
    const lines = proxy.lines.filter((line) => line.startsWith('SPOE:'))
    assert.equal(lines.length, 4)
    for (const [at, line] of lines.entries()) {
      const event = at % 2 === 0 ? 'on-frontend-http-request' : 'on-http-response'
      assert.match(line, new RegExp(`^SPOE: \\[agent\\] <EVENT:${event}> sid=\\d+ st=0 \\d+ 0/${at + 1}$`))
    }
  })

  it('has 20 NOTIFYs on a connection, whatever the agent section says', async (t) => {
    const { proxy, agent, frames } = await start(t, { silent: true, options: '  max-waiting-frames 5' })
    const answers = Array.from({ length: 25 }, () => ask(t, proxy.port('fe'), 'GET /'))
    await until(() => idsOf(frames).length === 25, 'all NOTIFYs')
    const counts = agent.peers.map(
      ({ chunks }) => Buffer.concat(chunks).toString('latin1').split('path').length - 1,
    )
    assert.deepEqual(
      counts.filter((count) => count > 0).toSorted((a, b) => a - b),
      [5, 20],
    )
    assert.ok((await Promise.all(answers)).every((answer) => answer.includes('x-seen:  1')))
  })

  it('takes less than an agent wants for too much: 259, and what it has not said itself: 3', async (t) => {
    for (const [size, path, status] of [
      ['f001', 300, 259],
      ['fcf006', 300, 0],
    ] as const) {
      const { proxy } = await start(t, { size })
      const answer = await ask(t, proxy.port('fe'), `GET /${'a'.repeat(path)}`)
      assert.match(answer, status === 0 ? /x-seen: \d+ \r\n/ : new RegExp(`x-seen:  ${status}\r\n`))
    }
    const { proxy } = await start(t, { options: '  max-frame-size 256', size: 'f001' })
    assert.match(await ask(t, proxy.port('fe'), `GET /${'a'.repeat(300)}`), /x-seen:  3\r\n/)
  })

  it('ignores what HAProxy ignores since 3.1', async (t) => {
    const options = ['maxerrrate 1', 'timeout idle 50ms', 'timeout hello 20ms', 'no option send-frag-payload']
    const { proxy, agent } = await start(t, { options: options.map((line) => `  ${line}`).join('\n') })
    await ask(t, proxy.port('fe'), 'GET /')
    await sleep(200)
    await ask(t, proxy.port('fe'), 'GET /')
    assert.equal(agent.peers.length, 1)
  })

  it('checks agents with SPOP, without option spop-check', async (t) => {
    const { frames } = await start(t, { server: ' check inter 50ms' })
    await until(() => frames.length > 1, 'two checks')
    const name = Buffer.from('healthcheck').toString('hex')
    assert.ok(frames.every(({ hex }) => hex.includes(name)))
  })

  it('leaves with a reset', async (t) => {
    const { proxy, agent } = await start(t)
    await ask(t, proxy.port('fe'), 'GET /')
    await proxy.proxy.close()
    await agent.peers[0]?.closed
    assert.equal(agent.peers[0]?.end, 'reset')
  })
})
