/** What options of a `spoe-agent` do to the wire: what HELLO announces, and what becomes of a message that fits no frame. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { createAgent } from 'sluice/agent'
import { get, RawClient, startProxy } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { agentHello } from '../support/peer.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutHaproxy()

const config = (fe: number, agent: number): string => `
defaults
  mode http
  timeout client 2s
  timeout server 2s
  timeout connect 1s
frontend f
  bind 127.0.0.1:${fe}
  filter spoe config spoe.conf
  http-request return status 200 hdr X-Len "%[var(txn.a.len)]" hdr X-Error "%[var(txn.a.e)]"
backend agents
  mode tcp
  server a 127.0.0.1:${agent}
`

const spoe = (options: string): string => `
spoe-agent a
  messages m
  use-backend agents
  timeout hello 1s
  timeout idle 10s
  timeout processing 1s
  max-frame-size 256
  option set-on-error e
  register-var-names len
  ${options}
spoe-message m
  args x=str(${'a'.repeat(1000)})
  event on-frontend-http-request
`

/** The same request through HAProxy and through sluice, with one agent. */
async function ask(
  t: TestContext,
  options: string,
  agent: number,
): Promise<{ haproxy: string; sluice: string }> {
  const files = { 'spoe.conf': spoe(options) }
  const haproxy = await startHaproxy({ ports: ['fe'], files, config: ({ fe }) => config(fe, agent) })
  t.after(() => haproxy.stop())
  const sluice = await startProxy(t, config(0, agent), { files })
  return { haproxy: await answer(haproxy.ports.fe), sluice: await answer(sluice.port()) }
}

async function answer(port: number): Promise<string> {
  const client = new RawClient(port)
  client.send(get('/'))
  await until(() => client.received.includes('\r\n\r\n'), 'an answer')
  client.destroy()
  return client.received
}

describe('options of a spoe-agent', { skip }, () => {
  for (const [options, capabilities, sluiceToo] of [
    ['option async', 'pipelining,async', true],
    ['no option async', 'pipelining', true],
    ['no option async\n  no option pipelining', '', true],
    // Announced unless it is taken back by HAProxy, and only when it is asked for here.
    ['', 'pipelining,async', false],
  ] as const) {
    it(`${JSON.stringify(options)} announces '${capabilities}'`, async (t) => {
      const hellos: string[] = []
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.once('data', (hello) => {
          hellos.push(hello.toString('latin1'))
          socket.end(agentHello('pipelining'))
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => void server.close())
      await ask(t, options, (server.address() as AddressInfo).port)
      const [theirs, ours] = [hellos[0], hellos.at(-1)].map(
        (text) => /capabilities.(.)([a-z,]*)/s.exec(text ?? '')?.[2],
      )
      assert.equal(sortWords(theirs), sortWords(capabilities))
      assert.equal(sortWords(ours), sortWords(sluiceToo ? capabilities : 'pipelining'))
    })
  }

  for (const [options, length, error] of [
    ['option send-frag-payload', '1000', ''],
    ['no option send-frag-payload', '', '3'],
  ] as const) {
    it(`${options}: a message that fits no frame`, async (t) => {
      const agent = createAgent()
      agent.message('m', (message, actions) => {
        const x = message.get('x')
        actions.setVar('txn', 'len', x?.type === 'string' ? x.value.length : -1)
      })
      const endpoint = await agent.listen('127.0.0.1:0')
      t.after(() => agent.close())
      const answers = await ask(t, options, endpoint.type === 'tcp' ? endpoint.port : 0)
      for (const each of Object.values(answers)) {
        assert.equal(/x-len: (\S*)/.exec(each)?.[1] ?? '', length, each)
        assert.equal(/x-error: (\S*)/.exec(each)?.[1] ?? '', error, each)
      }
    })
  }
})

function sortWords(text: string | undefined): string {
  return (text ?? 'none').split(',').sort().join()
}
