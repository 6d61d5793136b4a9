/** `server local inproc@NAME`: an agent in the process of the proxy, asked without a socket. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { formatDiagnostic, loadProxy } from 'sluice/proxy'
import type { MountedAgent } from 'sluice/proxy'
import { until } from '../support/until.ts'
import { ask, defaults, folder, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup } from './support.js'

const spoe = (messages = 'check', more = ''): string => `spoe-agent agent
  messages ${messages}
  option var-prefix e
  option set-on-error error
  option force-set-var
  option continue-on-error
  timeout processing 1s
  use-backend agents
${more}
spoe-message check
  args path=path ip=src
  event on-frontend-http-request
`

const config = (origin: number, server = 'server local inproc@mine'): string => `${defaults}
frontend fe
  bind 127.0.0.1:0
  filter spoe config spoe.conf
  http-response set-header X-Seen "path=%[var(txn.e.path)] error=%[var(txn.e.error)]"
  default_backend web
backend web
  server o 127.0.0.1:${origin}
backend agents
  mode tcp
  timeout connect 200ms
  ${server}
`

async function start(t: Cleanup, define: (agent: Agent) => void) {
  const agent = createAgent({ closeTimeout: 100 })
  define(agent)
  t.after(() => agent.close())
  const origin = await rawOrigin(t, () => reply('ok'))
  const proxy = await startProxy(t, config(origin.port), {
    files: { 'spoe.conf': spoe() },
    agents: { mine: agent },
  })
  const seen = async (path: string): Promise<string | undefined> =>
    /x-seen: (.*)\r\n/.exec(await ask(t, proxy.port(), `GET ${path}`))?.[1]
  return { agent, proxy, seen }
}

const echo = (agent: Agent): void => {
  agent.message('check', { path: 'string', ip: 'ip' }, ({ path, ip }, actions) => {
    assert.equal(ip.toString(), '127.0.0.1')
    actions.setVar('txn', 'path', path)
  })
}

test('it is asked, and listens nowhere', async (t) => {
  const { agent, proxy, seen } = await start(t, echo)
  assert.equal(await seen('/one'), 'path=/one error=')
  const many = await Promise.all(Array.from({ length: 100 }, (_, at) => seen(`/${at}`)))
  assert.deepEqual(
    many,
    many.map((_, at) => `path=/${at} error=`),
  )
  assert.deepEqual(agent.addresses, [])
  assert.equal(agent.stats.frames.notifies, 101)
  assert.deepEqual(proxy.proxy.stats.spoe[0]?.errors, 0)
})

test('handlers that wait, and those that fail, are as ever', async (t) => {
  const { seen } = await start(t, (agent) => {
    agent.message('check', { path: 'string' }, async ({ path }, actions) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (path === '/bad') throw new Error('no')
      actions.setVar('txn', 'path', path)
    })
  })
  assert.equal(await seen('/slow'), 'path=/slow error=')
  // A handler that throws is answered with what its fallback says: nothing.
  assert.equal(await seen('/bad'), 'path= error=')
})

test('one that was closed is an agent that is not there, until the proxy ends', async (t) => {
  const { agent, seen } = await start(t, echo)
  assert.equal(await seen('/'), 'path=/ error=')
  await agent.close()
  assert.match((await seen('/')) ?? '', /^path= error=(1|2|257)$/)
})

test('the proxy says goodbye to it, and leaves it to who has made it', async (t) => {
  const { agent, proxy, seen } = await start(t, echo)
  await seen('/')
  assert.equal(agent.stats.connections.active, 1)
  await proxy.proxy.close()
  await until(() => agent.stats.connections.active === 0, 'the end of the connection')
  assert.equal(agent.ready, true)
})

const mine: Readonly<Record<string, MountedAgent>> = { mine: { accept: () => {} } }

/** What is said about one line; `agents` are the mounted ones. */
function complaints(t: Cleanup, text: string, agents = mine): string[] {
  const dir = folder(t, { 'haproxy.cfg': text, 'spoe.conf': spoe() })
  const { diagnostics } = loadProxy({ files: ['haproxy.cfg'], cwd: dir, agents })
  return diagnostics.filter(({ code }) => code !== 'CFG_BIND_MISSING').map(formatDiagnostic)
}

const lineOf = (text: string, part: string): number =>
  text.split('\n').findIndex((line) => line.includes(part)) + 1

const wrong: readonly (readonly [what: string, server: string, message: RegExp])[] = [
  [
    'a name that nobody mounts',
    'server local inproc@mime',
    /error: no agent is mounted as 'mime': mounted are mine \(ERR_PROXY_AGENT\)\n.*'mine'/s,
  ],
  ['no name', 'server local inproc@', /error: .*'inproc@' has no name/],
  ['an odd name', 'server local inproc@a/b', /error: .*'inproc@a\/b' has '\/' in its name/],
  [
    'a check',
    'server local inproc@mine check',
    /warning: .*'local' is an agent in the same process: it is not checked/,
  ],
  [
    'mode http',
    'mode http\n  server local inproc@mine',
    /error: the server 'local' of backend 'agents' is an agent in the same process, which has no streams/,
  ],
]

for (const [what, server, message] of wrong) {
  test(`${what} is said with its line`, (t) => {
    const text = config(80, server).replaceAll(':0', ':80')
    const line = lineOf(text, 'server local')
    const said = complaints(t, text).filter((each) => message.test(each))
    assert.equal(said.length, 1, complaints(t, text).join('\n'))
    assert.match(said[0] ?? '', new RegExp(`^haproxy\\.cfg:${line}:`))
  })
}

test('without any agent it is said how one is mounted', (t) => {
  const text = config(80).replaceAll(':0', ':80')
  assert.match(
    complaints(t, text, {}).join('\n'),
    /mounted as 'mine': none is.*sluice run --agent mine=FILE/s,
  )
})

test('streams do not go there', (t) => {
  const text = `${config(80)}frontend tcp\n  mode tcp\n  bind 127.0.0.1:81\n  default_backend agents\nlisten l\n  mode tcp\n  bind 127.0.0.1:82\n  server a inproc@mine\n`
  const said = complaints(t, text.replaceAll(':0', ':80')).filter((each) => each.includes('no streams'))
  assert.equal(said.length, 2)
  assert.match(said.join('\n'), /the backend 'agents' has an agent in the same process/)
  assert.match(said.join('\n'), /the server 'a' of listen 'l' is an agent in the same process/)
})

test('one whose name a rule makes up ends the stream', async (t) => {
  const agent = createAgent()
  t.after(() => agent.close())
  const text = `${defaults}
frontend tcp
  mode tcp
  bind 127.0.0.1:0
  use_backend %[str(agents)]
backend agents
  mode tcp
  retries 0
  server a inproc@mine
`
  const proxy = await startProxy(t, text, { agents: { mine: agent } })
  assert.equal(await ask(t, proxy.port(), 'GET /'), '')
})
