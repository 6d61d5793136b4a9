/** The status port of an agent, asked by raw HTTP. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Actions, Agent, AgentOptions, StatusOptions, StatusPort } from 'sluice/agent'
import type { PageState, Point } from '#src/status/view/page-state.js'
import { frame, notify } from '../support/peer.ts'
import { askOnce, fieldOf, RawHttp, type RawReply } from '../support/raw-http.ts'
import { until } from '../support/until.ts'
import { MemoryLogger, stage } from './support.ts'

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
  for (const [what, end] of [
    ['is closed', (_: Agent, status: StatusPort) => Promise.all([status.close(), status.close()])],
    ['is disposed of', (_: Agent, status: StatusPort) => status[Symbol.asyncDispose]()],
    ['is that of an agent which is closed', (agent: Agent) => agent.close()],
    [
      'is that of an agent which is destroyed and closed',
      (agent: Agent) => {
        agent.destroy()
        return agent.close()
      },
    ],
  ] as const) {
    it(`that ${what} has given its address back then`, async (t) => {
      const { agent, status, statusPort } = await statusStage(t)
      const page = new RawHttp(statusPort)
      t.after(() => page.close())
      await end(agent, status)
      const next = createServer().listen(statusPort, '127.0.0.1')
      await once(next, 'listening')
      next.close()
    })
  }

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

describe('the page', () => {
  it('is complete without JavaScript, and its files are served with their tag', async (t) => {
    const { ask, open } = await statusStage(t, { name: 'reputation' })
    const peer = await open()
    await peer.ask(notify('01 01', '01 "m" 00'))
    const page = await ask('/?q=m')
    assert.equal(fieldOf(page.headers, 'content-type'), 'text/html; charset=utf-8')
    assert.match(page.body, /<h1>reputation<\/h1>/)
    assert.match(page.body, /<th scope="row" class="name">/)
    const names = [...page.body.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, name = '']) => name)
    assert.deepEqual(
      names.map((name) => name.split('/').at(-1)),
      ['icon.svg', 'uPlot.min.css', 'page.css', 'theme.js', 'uPlot.iife.min.js', 'app.js'],
    )
    const types = {
      js: 'text/javascript; charset=utf-8',
      css: 'text/css; charset=utf-8',
      svg: 'image/svg+xml',
    }
    for (const name of [...names, 'assets/view/page.js']) {
      const { headers, line, body } = await ask(`/${name}`)
      assert.match(line, / 200 /, name)
      assert.equal(fieldOf(headers, 'content-type'), types[name.split('.').at(-1) as keyof typeof types])
      assert.doesNotMatch(body, /sourceMappingURL/)
      const tag = fieldOf(headers, 'etag') ?? ''
      assert.match((await ask(`/${name}`, `If-None-Match: ${tag}\r\n`)).line, / 304 /)
    }
    for (const path of [
      '/assets/',
      '/assets/web/../port.js',
      '/assets/web/%2e%2e/port.js',
      '/assets/port.js',
    ]) {
      assert.equal(statusOf(await ask(path)), 404, path)
    }
  })

  it('is fed with a history and a state each second', async (t) => {
    const { open, statusPort } = await statusStage(t, { verdict: 'score', maxPages: 1 }, {}, (it) =>
      it.message('m', (_, actions) => void actions.setVar('sess', 'score', 5)),
    )
    const events = await readEvents(t, statusPort)
    const first = await events.next('history')
    assert.equal(first.state.subject.kind, 'agent')
    const peer = await open()
    await peer.ask(notify('01 01', '01 "m" 00'))
    const seen = await events.until((event) => event.state.total.received === 1)
    assert.deepEqual(
      seen.state.verdicts.map(({ value, count }) => [value, count]),
      [['5', 1]],
    )
    assert.equal(seen.points.length, 1)
    const refused = (await askOnce(statusPort, 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')) as RawReply
    assert.equal(statusOf(refused), 503)
  })
})

describe('verdicts', () => {
  it('count what leaves: of fallbacks, of asynchronous handlers, the last word of each answer', async (t) => {
    const fallback = (actions: Actions) => void actions.setVar('txn', 'verdict', 'closed')
    const { ask, open } = await statusStage(t, { verdict: 'txn.verdict' }, { fallback }, (it) => {
      it.message('now', (_, actions) => {
        actions.setVar('txn', 'verdict', 'maybe')
        actions.setVar('sess', 'verdict', 'elsewhere')
        actions.setVar('txn', 'verdict', 'allow')
      })
      it.message('later', async (_, actions) => {
        await Promise.resolve()
        actions.setVar('txn', 'verdict', true)
      })
      it.message('fails', (_, actions) => {
        actions.setVar('txn', 'verdict', 'allow')
        throw new Error('no')
      })
      it.message('unsets', (_, actions) => void actions.unsetVar('txn', 'verdict'))
      it.message('silent', () => {})
    })
    const peer = await open()
    await peer.ask(notify('01 01', '03 "now" 00'))
    await peer.ask(notify('02 01', '05 "later" 00'))
    await peer.ask(notify('03 01', '05 "fails" 00'))
    await peer.ask(notify('04 01', '06 "unsets" 00'))
    await peer.ask(notify('05 01', '06 "silent" 00'))
    // Behind one that waits, in one NOTIFY.
    await peer.ask(notify('06 01', '05 "later" 00 03 "now" 00'))
    const { rows } = JSON.parse((await ask('/stats.json')).body) as {
      rows: { name: string; verdicts: Record<string, number> }[]
    }
    assert.deepEqual(Object.fromEntries(rows.map(({ name, verdicts }) => [name, verdicts])), {
      now: { allow: 2 },
      later: { true: 2 },
      fails: { closed: 1 },
      unsets: { unset: 1 },
      silent: {},
    })
    assert.match(
      (await ask('/metrics')).body,
      /^sluice_agent_verdicts_total\{message="fails",value="closed"\} 1$/m,
    )
  })

  it('may be called as anything that objects have', async (t) => {
    const words = ['__proto__', 'constructor', '__proto__', 'toString']
    let next = 0
    const { ask, open, statusPort } = await statusStage(t, { verdict: 'v' }, {}, (it) => {
      it.message('m', (_, actions) => void actions.setVar('txn', 'v', words[next++] ?? ''))
      it.message('other', () => {})
    })
    const peer = await open()
    for (let count = 0; count < words.length; count++) await peer.ask(notify('01 01', '01 "m" 00'))
    assert.match((await ask('/stats.json')).body, /"verdicts":\{"__proto__":2,"constructor":1,"toString":1\}/)
    const events = await readEvents(t, statusPort)
    const { state } = await events.until((event) => event.state.verdicts.length === 3)
    assert.deepEqual(
      state.verdicts.map(({ value, count }) => [value, count]),
      [
        ['__proto__', 2],
        ['constructor', 1],
        ['toString', 1],
      ],
    )
  })

  it('of a value that comes from outside are bounded', async (t) => {
    let next = 0
    const { ask, open } = await statusStage(t, { verdict: 'v' }, {}, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'v', `value ${next++} ${'x'.repeat(99)}`)),
    )
    const peer = await open()
    for (let count = 0; count < 60; count++) await peer.ask(notify('01 01', '01 "m" 00'))
    const text = Buffer.from((await ask('/stats.json')).body, 'latin1').toString()
    const { rows } = JSON.parse(text) as { rows: { verdicts: Record<string, number> }[] }
    const verdicts = rows[0]?.verdicts ?? {}
    assert.equal(verdicts['other values'], 36)
    assert.equal(Object.keys(verdicts).length, 25)
    assert.ok(Object.keys(verdicts).every((value) => value.length <= 40))
  })
})

describe('recent messages and changes', () => {
  const token = 'a token of more than 16'
  const post = async (port: number, path: string, body: string, more = '') => {
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
    const reply = await askOnce(port, `${head}${more}\r\n${body}`)
    if (typeof reply === 'string') throw new Error(reply)
    return reply
  }
  const rights = `Content-Type: application/json\r\nAuthorization: Bearer ${token}\r\n`

  it('are off, are switched on with the token, and show what was asked and answered', async (t) => {
    const { ask, open, statusPort } = await statusStage(t, { token }, {}, (it) => {
      it.message('m', (_, actions) => void actions.setVar('txn', 'score', 5))
      it.message('later', () => Promise.reject(new Error('no')))
    })
    const peer = await open()
    const asking = notify('01 01', '01 "m" 03 02 "ip" 06 c0000201 06 "cookie" 08 05 "sid=1" 00 11')
    await peer.ask(asking)
    const recent = async () => (await (await readEvents(t, statusPort)).next('history')).state.recent
    assert.equal(await recent(), null)
    assert.equal(statusOf(await post(statusPort, '/trace', '{"on":true}', rights)), 200)
    await peer.ask(asking)
    await peer.ask(notify('02 01', '05 "later" 00'))
    const events = await readEvents(t, statusPort)
    const { state } = await events.until((event) => event.state.recent?.length === 2)
    const [second, first] = state.recent ?? []
    assert.deepEqual([second?.row, second?.status, second?.args], ['later', 'error', []])
    assert.deepEqual(first?.args, [
      { name: 'ip', value: '192.0.2.1' },
      { name: 'cookie', value: '[redacted]' },
      { name: '#2', value: 'true' },
    ])
    assert.deepEqual(first?.actions, [{ name: 'txn.score', value: '5' }])
    assert.ok((first?.duration ?? -1) >= 0)
    assert.equal(state.controls?.recent, true)
    // What is recent is for the page, which nobody else may embed; programs have their own ways.
    assert.doesNotMatch((await ask('/stats.json')).body, /192\.0\.2\.1/)
  })

  it('are refused without a token, from other sites, and when they are nonsense; each is logged', async (t) => {
    const logger = Object.assign(new MemoryLogger(), { level: 'info' })
    const { statusPort } = await statusStage(t, { token }, { logger })
    const rows: readonly (readonly [path: string, body: string, more: string, status: number])[] = [
      ['/log-level', '{"level":"debug"}', '', 403],
      ['/log-level', '{"level":"debug"}', `${rights}Origin: http://evil.example\r\n`, 403],
      ['/log-level', '{"level":"debug"}', `${rights}Sec-Fetch-Site: cross-site\r\n`, 403],
      ['/log-level', '{"level":"loud"}', rights, 400],
      ['/log-level', '{', rights, 400],
      ['/log-level', `{"level":"debug"${' '.repeat(5000)}}`, rights, 400],
      ['/trace', '{"on":1}', rights, 400],
      ['/metrics', '{}', rights, 405],
      ['/log-level', '{"level":"debug"}', `${rights}Origin: http://localhost\r\n`, 200],
    ]
    for (const [path, body, more, status] of rows) {
      assert.equal(statusOf(await post(statusPort, path, body, more)), status, `${path} ${body} ${more}`)
    }
    assert.equal(logger.level, 'debug')
    assert.equal(logger.troubles.filter((line) => line.includes('change refused')).length, 3)
    assert.equal(logger.troubles.filter((line) => line === 'status port: changed').length, 1)
    assert.ok(!JSON.stringify(logger.lines).includes(token))
  })

  it('are none where there is no token', async (t) => {
    const { statusPort } = await statusStage(t)
    const reply = await post(statusPort, '/trace', '{"on":true}', rights)
    assert.equal(statusOf(reply), 403)
    assert.match(reply.body, /the status port has no token/)
    const events = await readEvents(t, statusPort)
    assert.equal((await events.next('history')).state.controls, null)
  })
})

interface PageEvent {
  readonly name: string
  readonly state: PageState
  readonly points: readonly Point[]
}

/** Reads the events of a page, as a browser does. */
async function readEvents(t: TestContext, port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/events`)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  assert.ok(reader !== undefined)
  t.after(() => reader.cancel().catch(() => {}))
  let text = ''
  const nextEvent = async (): Promise<PageEvent> => {
    for (;;) {
      const match = /event: (\w+)\ndata: (.*)\n\n/.exec(text)
      if (match !== null) {
        text = text.slice(match.index + match[0].length)
        return { name: match[1] ?? '', ...(JSON.parse(match[2] ?? '') as Omit<PageEvent, 'name'>) }
      }
      const { done, value } = await reader.read()
      if (done) throw new Error('the stream has ended')
      text += value
    }
  }
  const first = async (wanted: (event: PageEvent) => boolean): Promise<PageEvent> => {
    for (;;) {
      const event = await nextEvent()
      if (wanted(event)) return event
    }
  }
  return { next: (name: string) => first((event) => event.name === name), until: first }
}
