/** SPOE in the proxy, where it needs no HAProxy beside it: events, failures, and who may set what. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { ack, startAgent as startScripted } from '../engine/scripted-agent.js'
import { until } from '../support/until.ts'
import { ask, deadPort, defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup } from './support.js'

async function startAgent(t: Cleanup, define: (agent: Agent) => void): Promise<number> {
  const agent = createAgent()
  define(agent)
  const endpoint = await agent.listen('127.0.0.1:0')
  t.after(() => agent.close())
  return endpoint.type === 'tcp' ? endpoint.port : 0
}

const agents = (port: number): string => `
backend agents
  mode tcp
  timeout connect 200ms
  server a 127.0.0.1:${port}
`

describe('the example of the specification', () => {
  const spoe = `
[ip-reputation]
spoe-agent iprep-agent
    messages get-ip-reputation
    option var-prefix iprep
    timeout hello 2s
    timeout idle 2m
    timeout processing 200ms
    use-backend agents
spoe-message get-ip-reputation
    args ip=src
    event on-client-session if ! { src -f whitelist.lst }
`
  const config = (agent: number, origin: number): string => `${defaults}
frontend my-front
  bind 127.0.0.1:0
  filter spoe engine ip-reputation config iprep.conf
  tcp-request content reject if { var(sess.iprep.ip_score) -m int lt 20 }
  http-response set-header X-Score "%[var(sess.iprep.ip_score)]"
  default_backend web
backend web
  server o 127.0.0.1:${origin}
${agents(agent)}`

  it('lets good addresses in and rejects bad ones', async (t) => {
    let score = 90
    const agent = await startAgent(t, (each) => {
      each.message('get-ip-reputation', { ip: 'ip' }, ({ ip }, actions) => {
        assert.equal(ip.toString(), '127.0.0.1')
        actions.setVar('sess', 'ip_score', score)
      })
    })
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(t, config(agent, origin.port), {
      files: { 'iprep.conf': spoe, 'whitelist.lst': '192.0.2.1\n' },
    })
    assert.match(await ask(t, proxy.port(), 'GET /'), /x-score: 90\r\n/)
    score = 10
    assert.equal(await rawClient(t, proxy.port(), get('/')).untilEnd(), '')
    assert.equal(proxy.proxy.stats.spoe[0]?.processed, 2)
  })

  it('does not ask about whom it trusts', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(t, config(await deadPort(), origin.port), {
      files: { 'iprep.conf': spoe, 'whitelist.lst': '127.0.0.0/8\n' },
    })
    assert.match(await ask(t, proxy.port(), 'GET /'), /x-score: \r\n/)
    assert.equal(proxy.proxy.stats.spoe[0]?.processed, 0)
  })
})

describe('SPOE events', () => {
  const events = [
    'on-client-session',
    'on-frontend-tcp-request',
    'on-frontend-http-request',
    'on-backend-tcp-request',
    'on-backend-http-request',
    'on-server-session',
    'on-tcp-response',
    'on-http-response',
  ]
  const spoe = [
    'spoe-agent agent',
    `  messages ${events.join(' ')}`,
    '  option var-prefix e',
    '  timeout processing 1s',
    '  use-backend agents',
    ...events.flatMap((event) => [`spoe-message ${event}`, '  args src', `  event ${event}`]),
  ].join('\n')

  it('are fired in the order of the phases', async (t) => {
    const seen: string[] = []
    const agent = await startAgent(t, (each) => {
      for (const event of events) each.message(event, () => void seen.push(event))
    })
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  filter spoe config spoe.conf
  default_backend web
backend web
  server o 127.0.0.1:${origin.port}
${agents(agent)}`,
      { files: { 'spoe.conf': `${spoe}\n` } },
    )
    await ask(t, proxy.port(), 'GET /')
    assert.deepEqual(seen, events)
  })

  it('of TCP streams too', async (t) => {
    const seen: string[] = []
    const agent = await startAgent(t, (each) => {
      for (const event of events) each.message(event, () => void seen.push(event))
    })
    const origin = await rawOrigin(t, (text) => text)
    const proxy = await startProxy(
      t,
      `${defaults}
listen tcp
  mode tcp
  bind 127.0.0.1:0
  filter spoe config spoe.conf
  server o 127.0.0.1:${origin.port}
${agents(agent)}`,
      { files: { 'spoe.conf': `${spoe}\n` } },
    )
    await rawClient(t, proxy.port(), 'hello').until('hello')
    // In a listen the backend's request event is the frontend's.
    assert.deepEqual(seen, [
      'on-client-session',
      'on-frontend-tcp-request',
      'on-backend-tcp-request',
      'on-server-session',
      'on-tcp-response',
    ])
  })
})

describe('an agent', () => {
  const start = async (t: Cleanup, agent: number, options: string) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const names = ['known', 'err', 'pt', 'tt', 'two']
    return startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  filter spoe config spoe.conf
  http-response set-header X-Vars "${names.map((name) => `${name}=%[var(txn.a.${name})]`).join(' ')}"
  http-response set-header X-Err2 "%[var(txn.a.err),sub(256)]"
  default_backend web
backend web
  server o 127.0.0.1:${origin.port}
${agents(agent)}`,
      {
        files: {
          'spoe.conf': `spoe-agent agent
  log stderr format raw local0
  messages one two
  option var-prefix a
  option set-on-error err
  timeout processing 150ms
  use-backend agents
${options}
spoe-message one
  args path=path
  event on-frontend-http-request
spoe-message two
  event on-backend-http-request
`,
        },
      },
    )
  }

  it('that is slow costs its timeout, once, and its later answer is dropped', async (t) => {
    let asked = 0
    const agent = await startAgent(t, (each) => {
      each.message('one', async (_message, actions) => {
        await sleep(300)
        actions.setVar('txn', 'known', 1)
      })
      each.message('two', (_message, actions) => {
        asked++
        actions.setVar('txn', 'two', 2)
      })
    })
    const proxy = await start(t, agent, '')
    assert.match(await ask(t, proxy.port(), 'GET /'), /x-vars: known= err=1 pt= tt= two=\r\n/)
    assert.equal(asked, 0)
    assert.ok(
      proxy.lines.some((line) =>
        /^SPOE: \[agent\] <EVENT:on-frontend-http-request> sid=0 st=1 \d+\/\d+\/-1\/-1\/\d+ /.test(line),
      ),
    )
  })

  it('is asked again after an error with continue-on-error', async (t) => {
    const agent = await startAgent(t, (each) => {
      each.message('one', () => sleep(300))
      each.message('two', (_message, actions) => void actions.setVar('txn', 'two', 2))
    })
    const proxy = await start(
      t,
      agent,
      '  option continue-on-error\n  option set-process-time pt\n  option set-total-time tt',
    )
    assert.match(await ask(t, proxy.port(), 'GET /'), /x-vars: known= err=1 pt=\d+ tt=\d{3} two=2\r\n/)
  })

  it('that is not there costs its time-out, or with fail-fast nothing but the error', async (t) => {
    const patient = await start(t, await deadPort(), '')
    assert.match(await ask(t, patient.port(), 'GET /'), /err=1 /)
    const proxy = await start(t, await deadPort(), '  option fail-fast')
    const answer = await ask(t, proxy.port(), 'GET /')
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.match(answer, /err=257/)
  })

  it('that dies costs its exchanges, and may come back', async (t) => {
    const port = await deadPort()
    const proxy = await start(t, port, '')
    assert.match(await ask(t, proxy.port(), 'GET /'), /err=1 /)
    const agent = createAgent()
    agent.message('one', (_message, actions) => void actions.setVar('txn', 'known', 1))
    agent.message('two', () => {})
    await agent.listen(`127.0.0.1:${port}`)
    t.after(() => agent.close())
    assert.match(await ask(t, proxy.port(), 'GET /'), /known=1 err= /)
  })

  it('that dies over a question is asked once more with resend-lost, and not without', async (t) => {
    for (const [options, expected] of [
      ['', /known= err=257 /],
      ['  option resend-lost', /known=2 err= /],
    ] as const) {
      let asked = 0
      const agent = await startScripted(t, async (peer) => {
        await peer.greet()
        peer.onFrame((frame) => {
          if (frame.type !== 3) return
          asked++
          // txn.known, INT32 2
          if (asked > 1) peer.send(ack(frame.ids, '010302056b6e6f776e0202'))
          else peer.socket.destroy()
        })
      })
      const proxy = await start(t, agent.port, options)
      assert.match(await ask(t, proxy.port(), 'GET /'), expected)
    }
  })

  it('is waited for no longer than the client waits', async (t) => {
    const agent = await startAgent(t, (each) => void each.message('one', () => sleep(100)))
    const proxy = await start(t, agent, '')
    const client = rawClient(t, proxy.port(), get('/'))
    await until(() => proxy.proxy.stats.connections === 1, 'the connection')
    await sleep(30)
    client.socket.resetAndDestroy()
    await until(() => proxy.proxy.stats.connections === 0, 'the end of the connection')
    assert.ok(proxy.lines.some((line) => / -1 0 - - CR-- /.test(line)))
    await sleep(120)
  })
})

it('content rules that cannot wait ask no agent', async (t) => {
  const spoe = `spoe-agent agent
  groups g
  option var-prefix e
  option set-on-error error
  timeout processing 1s
  use-backend agents
spoe-group g
  messages m
spoe-message m
  args src
`
  let asked = 0
  const agent = await startAgent(t, (each) => void each.message('m', () => void asked++))
  const origin = await rawOrigin(t, () => reply('ok'))
  for (const [delay, wanted, error] of [
    ['', 0, '5'],
    ['  tcp-request inspect-delay 1s\n', 1, ''],
  ] as const) {
    asked = 0
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  filter spoe config spoe.conf
${delay}  tcp-request content send-spoe-group agent g
  http-response set-header X-Error "%[var(txn.e.error)]"
  default_backend web
backend web
  server o 127.0.0.1:${origin.port}
${agents(agent)}`,
      { files: { 'spoe.conf': spoe } },
    )
    const answer = await ask(t, proxy.port(), 'GET /')
    assert.equal(asked, wanted, answer)
    assert.match(answer, new RegExp(`x-error: ${error}\r\n`))
  }
})
