/** The status port of an agent, asked by raw HTTP. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Agent, AgentOptions, StatusOptions } from 'sluice/agent'
import { frame, notify } from '../support/peer.ts'
import { askOnce, fieldOf, RawHttp, type RawReply } from '../support/raw-http.ts'
import { MemoryLogger, stage, until } from './support.ts'

async function statusStage(
  t: TestContext,
  options: StatusOptions = {},
  agentOptions: AgentOptions = {},
  setUp: (agent: Agent) => void = (it) => void it.message('m', () => {}),
) {
  const staged = await stage(t, agentOptions, setUp)
  const status = await staged.agent.serveStatus('127.0.0.1:0', options)
  const port = status.address.type === 'tcp' ? status.address.port : 0
  const ask = async (path: string, more = ''): Promise<RawReply> => {
    const host = /^host:/im.test(more) ? '' : `Host: 127.0.0.1:${port}\r\n`
    const reply = await askOnce(port, `GET ${path} HTTP/1.1\r\n${host}${more}\r\n`)
    if (typeof reply === 'string') throw new Error(`${path}: ${reply}`)
    return reply
  }
  return { ...staged, status, statusPort: port, ask }
}

const statusOf = ({ line }: RawReply) => Number(line.split(' ')[1])

describe('a status port', () => {
  it('answers what it has, says what it has not, and is read only', async (t) => {
    const { ask, statusPort } = await statusStage(t)
    assert.deepEqual([statusOf(await ask('/healthz')), (await ask('/healthz')).body], [200, 'ok\n'])
    assert.equal(statusOf(await ask('/readyz?verbose')), 200)
    assert.equal(statusOf(await ask('/nothing')), 404)
    assert.equal(statusOf(await ask('/../package.json')), 404)
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const request = `${method} /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`
      const reply = (await askOnce(statusPort, request)) as RawReply
      assert.equal(statusOf(reply), 405)
      assert.equal(fieldOf(reply.headers, 'allow'), 'GET, HEAD')
    }
    const head = await askOnce(statusPort, 'HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n', {
      head: true,
    })
    assert.equal(statusOf(head as RawReply), 200)
  })

  it('has the headers that keep a page from doing harm, on every answer', async (t) => {
    const { ask } = await statusStage(t)
    for (const path of ['/healthz', '/readyz', '/metrics', '/stats.json', '/nothing']) {
      const { headers } = await ask(path)
      const policy = fieldOf(headers, 'content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
      assert.doesNotMatch(policy, /unsafe|\*|data:/)
      assert.equal(fieldOf(headers, 'x-content-type-options'), 'nosniff')
      assert.equal(fieldOf(headers, 'cross-origin-resource-policy'), 'same-origin')
      assert.equal(fieldOf(headers, 'cache-control'), 'no-store')
      assert.equal(fieldOf(headers, 'access-control-allow-origin'), undefined)
    }
  })

  it('refuses a name that is not its own, with words', async (t) => {
    const { ask } = await statusStage(t, { hosts: ['agent.example'] })
    const refused = await ask('/stats.json', 'Host: evil.example\r\n')
    assert.equal(statusOf(refused), 421)
    assert.match(refused.body, /this is not 'evil\.example': see the option hosts/)
    assert.equal(statusOf(await ask('/stats.json', 'Host: agent.example\r\n')), 200)
  })

  it('closes with its agent, and a second port may be open', async (t) => {
    const { agent, statusPort } = await statusStage(t)
    const second = await agent.serveStatus(':0')
    assert.match(second.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
    const open = new RawHttp(statusPort)
    open.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.equal(statusOf((await open.reply()) as RawReply), 200)
    await agent.close()
    assert.notEqual(await open.reply(), undefined)
    for (const port of [statusPort, second.address.type === 'tcp' ? second.address.port : 0]) {
      await assert.rejects(new Promise((_, reject) => connect(port, '127.0.0.1').once('error', reject)), {
        code: 'ECONNREFUSED',
      })
    }
    await assert.rejects(agent.serveStatus(':0'), { code: 'ERR_SLUICE_CLOSED' })
  })

  it('listens on a unix socket, and says why it cannot', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-status-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const { agent, statusPort } = await statusStage(t)
    const status = await agent.serveStatus(`unix@${folder}/status`, { mode: 0o600 })
    assert.equal(status.url, `unix@${folder}/status`)
    await assert.rejects(agent.serveStatus(`127.0.0.1:${statusPort}`), {
      code: 'ERR_AGENT_LISTEN',
      message: /status port: .*EADDRINUSE/,
    })
    await assert.rejects(agent.serveStatus(':0', { recent: -1 }), { code: 'ERR_SLUICE_OPTION' })
  })

  it('tells in the log that others than this machine may read it', async (t) => {
    const logger = new MemoryLogger()
    const { agent } = await statusStage(t, {}, { logger })
    assert.deepEqual(logger.troubles, [])
    await agent.serveStatus('0.0.0.0:0')
    assert.match(logger.troubles[0] ?? '', /everybody who reaches this address may read it/)
  })
})

describe('/readyz', () => {
  it('is 503 until the agent listens, and while it drains; checks of the author are asked, too', async (t) => {
    const { createAgent } = await import('sluice/agent')
    const agent = createAgent({ logger: false })
    t.after(() => agent.destroy())
    let loaded = false
    agent.status.check('data', () => loaded || 'no list is loaded')
    const { address } = await agent.serveStatus(':0')
    const port = address.type === 'tcp' ? address.port : 0
    const ask = async () => {
      const reply = (await askOnce(port, 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')) as RawReply
      return [statusOf(reply), reply.body]
    }
    const lines = (first: string, ...rest: string[]) => `${[first, ...rest].join('\n')}\n`
    const [ok, ready] = ['[+] not draining', '[+] ready()']
    assert.deepEqual(await ask(), [
      503,
      lines(
        'not ready',
        '[-] listening: no address is listened on',
        ok,
        ready,
        '[-] data: no list is loaded',
      ),
    ])
    await agent.listen('127.0.0.1:0')
    assert.equal((await ask())[0], 503)
    loaded = true
    assert.deepEqual(await ask(), [200, lines('ready', '[+] listening', ok, ready, '[+] data')])
    agent.drain()
    assert.deepEqual(await ask(), [
      503,
      lines('not ready', '[+] listening', '[-] not draining: draining', ready, '[+] data'),
    ])
  })

  it("asks the agent's own ready()", async (t) => {
    const { ask } = await statusStage(t, {}, { ready: () => false })
    const reply = await ask('/readyz')
    assert.equal(statusOf(reply), 503)
    assert.match(reply.body, /\[-\] ready\(\): the agent's option ready says no/)
  })
})

describe('/metrics and /stats.json', () => {
  it('tell the same, of one moment each, with an id that goes up', async (t) => {
    const { ask, open, agent } = await statusStage(t, { name: 'reputation' })
    agent.status.source('list', () => ({ kind: 'list', ageSeconds: 12, entries: 7, detail: '/etc/list' }))
    const peer = await open()
    for (let count = 0; count < 3; count++) await peer.ask(notify('01 01', '01 "m" 00'))
    const metrics = await ask('/metrics')
    assert.equal(fieldOf(metrics.headers, 'content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    for (const line of [
      'sluice_agent_messages_total{message="m"} 3',
      'sluice_agent_check{check="listening"} 1',
      'sluice_agent_data_ok{source="list"} 1',
      'sluice_agent_data_age_seconds{source="list"} 12',
      'sluice_agent_data{source="list",field="entries"} 7',
      `nodejs_version_info{version="${process.version}"} 1`,
    ]) {
      assert.ok(metrics.body.includes(`\n${line}\n`), line)
    }
    assert.match(metrics.body, /^process_resident_memory_bytes \d+$/m)
    const reply = await ask('/stats.json')
    const stats = JSON.parse(reply.body) as Record<string, unknown> & {
      snapshot: { id: string; boot: string }
      rows: { name: string; received: number }[]
    }
    const [first, second] = [metrics, reply].map(({ headers }) => fieldOf(headers, 'x-snapshot-id') ?? '')
    assert.equal(stats.snapshot.id, second)
    const numbers = [first, second].map((id) => Number(id?.split('-')[1]))
    assert.ok((numbers[0] ?? 0) < (numbers[1] ?? 0))
    assert.equal(first?.split('-')[0], stats.snapshot.boot)
    assert.deepEqual(
      stats.rows.map(({ name, received }) => [name, received]),
      [['m', 3]],
    )
    assert.equal((stats['subject'] as { name: string }).name, 'reputation')
    assert.deepEqual(stats['sources'], [
      { name: 'list', ok: true, fields: { kind: 'list', ageSeconds: 12, entries: 7, detail: '/etc/list' } },
    ])
    assert.equal((stats['process'] as { pid: number }).pid, process.pid)
  })

  it('leave the process out when they are told to', async (t) => {
    const { ask } = await statusStage(t, { processMetrics: false })
    assert.doesNotMatch((await ask('/metrics')).body, /^(process|nodejs)_/m)
  })

  it('tell errors in words, with what HAProxy makes of them, and why HAProxy has left', async (t) => {
    const {
      ask,
      open,
      connect: plain,
      agent,
    } = await statusStage(t, {}, {}, (it) =>
      it.message('m', () => {
        throw new Error('no')
      }),
    )
    const peer = await open()
    await peer.ask(notify('01 01', '01 "m" 00'))
    const second = await plain()
    second.send(frame('03 00000001 01 01'))
    await second.farewell()
    const leaving = await open()
    leaving.send(frame('02 00000001 00 00 0b "status-code" 03 02 07 "message" 08 04 "idle"'))
    await until(() => agent.stats.disconnects['2'] === 1)
    const { errors, connections } = JSON.parse((await ask('/stats.json')).body) as {
      errors: { code: string; count: number; words: string; haproxy: string }[]
      connections: { engine: string; profile: string; connections: number }[]
    }
    const handler = errors.find(({ code }) => code === 'ERR_AGENT_HANDLER')
    assert.deepEqual(handler, {
      code: 'ERR_AGENT_HANDLER',
      count: 1,
      words: 'a handler failed',
      haproxy: '0: the fallback has answered',
    })
    assert.deepEqual(
      errors.find(({ code }) => code === 'DISCONNECT 2'),
      {
        code: 'DISCONNECT 2',
        count: 1,
        words: 'HAProxy has closed the connection: a timeout occurred',
        haproxy: '258: 256 + 2',
      },
    )
    assert.match(errors.find(({ code }) => code.startsWith('ERR_SPOP'))?.haproxy ?? '', /^260: 256 \+ 4/)
    assert.equal(connections.length, 1)
    assert.match(connections[0]?.profile ?? '', /^HAProxy/)
  })
})
