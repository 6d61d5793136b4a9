/** The ready agent ip-reputation: its verdicts, and how its lists are kept. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { IpAddress, silentLogger } from 'sluice'
import { readReadyConfig } from '#src/services/host/config.js'
import { startReadyAgents } from '#src/services/host/host.js'
import { makeFolder } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'
import { until } from '../support/until.ts'

async function start(
  t: TestContext,
  entry: string,
  files: Readonly<Record<string, string>> = {},
  dir?: string,
) {
  const folder = dir === undefined ? makeFolder(files) : { dir, remove: () => {} }
  const file = join(folder.dir, 'agents.yaml')
  const write = (lines: string) =>
    writeFileSync(file, `agents:\n  ip-reputation:\n    deadline_ms: 2000\n${lines}`)
  write(entry)
  const agents = await startReadyAgents(await readReadyConfig({ file }), silentLogger, { closeDelay: 1 })
  const client = await SpopClient.open(await agents.agent.listen('127.0.0.1:0'))
  t.after(async () => {
    client.close()
    await agents.close()
    folder.remove()
  })
  const ask = async (src: string | null, xff: string | null = null) => {
    const ip = src === null ? null : IpAddress.parse(src)
    const actions = await client.notify({
      name: 'ip-reputation',
      args: [
        ['src', ip],
        ['xff', xff],
      ],
    })
    const found: Record<string, unknown> = {}
    for (const action of actions) {
      if (action.type !== 'set-var' || action.name === 'took_us') continue
      const value = 'value' in action.value ? action.value.value : undefined
      found[action.name] = typeof value === 'bigint' ? Number(value) : value
    }
    return found
  }
  const verdict = async (src: string | null, xff: string | null = null) => {
    const { verdict: what, reason, list } = await ask(src, xff)
    return [what, reason, list].filter((each) => each !== '').join(' ')
  }
  const state = (name: string) =>
    agents.agent.status.readSources().find((source) => source.name === `ip-reputation/${name}`)
  const reload = async (lines: string) => {
    write(lines)
    return agents.reload(await readReadyConfig({ file }))
  }
  return { agents, ask, verdict, state, reload, dir: folder.dir }
}

test('verdicts come from weights and thresholds; an allow list wins', async (t) => {
  const { ask, verdict } = await start(
    t,
    `    sources:
      - {name: one, file: one.txt, weight: 30, category: spam}
      - {name: two, file: two.txt, weight: 30, category: tor}
      - {name: three, file: three.txt, weight: 100, category: spam}
      - {name: friends, file: friends.txt, allow: true}
    allow: [10.9.0.0/16, '2001:db8:9::/48']
    trusted_proxies: [127.0.0.0/8, '::1', 10.8.0.0/16]
`,
    {
      'one.txt': '10.0.0.0/8\n2001:db8::/32\n',
      'two.txt': '10.1.0.0/16\n',
      'three.txt': '10.1.1.0/24\n10.9.9.9\n',
      'friends.txt': '10.1.1.7\n',
    },
  )
  assert.deepEqual(await ask('10.1.1.1'), {
    ok: false,
    verdict: 'deny',
    reason: 'listed',
    listed: true,
    score: 100,
    list: 'one',
    lists: 'one,two,three',
    categories: 'spam,tor',
    action: 'deny',
    prefix: '10.0.0.0/8',
    ttl_s: 0,
  })
  assert.deepEqual(await ask('192.0.2.1'), {
    ok: true,
    verdict: 'allow',
    reason: 'not_listed',
    listed: false,
    score: 0,
    list: '',
    lists: '',
    categories: '',
    action: 'allow',
    prefix: '',
    ttl_s: 0,
  })
  for (const [src, xff, expected] of [
    ['10.2.0.1', null, 'log listed one'],
    ['10.1.0.1', null, 'challenge listed one'],
    ['::ffff:10.1.0.1', null, 'challenge listed one'],
    ['2001:db8:1::1', null, 'log listed one'],
    ['10.9.9.9', null, 'allow allowed'],
    ['2001:db8:9::1', null, 'allow allowed'],
    ['10.1.1.7', null, 'allow allowed'],
    [null, null, 'allow no_address'],
    // Behind a proxy that is trusted, the last address that is none of them; an attacker may write the first ones.
    ['127.0.0.1', '192.0.2.1, 10.1.1.1', 'deny listed one'],
    ['127.0.0.1', '10.1.1.1, 192.0.2.1', 'allow not_listed'],
    ['127.0.0.1', '10.1.1.1, 10.8.0.1', 'deny listed one'],
    ['127.0.0.1', '10.1.1.1, nonsense', 'allow not_listed'],
    ['192.0.2.1', '10.1.1.1', 'allow not_listed'],
  ] as const) {
    assert.equal(await verdict(src, xff), expected, `${src} ${xff}`)
  }
})

test('a file is watched, and a wrong one is not taken', async (t) => {
  const { verdict, state, dir } = await start(t, '    sources: [{name: bad, file: bad.txt}]\n', {
    'bad.txt': '10.0.0.1\n10.0.0.2\n',
  })
  const replace = (text: string) => {
    writeFileSync(join(dir, 'new'), text)
    renameSync(join(dir, 'new'), join(dir, 'bad.txt'))
  }
  assert.equal(await verdict('10.0.0.2'), 'deny listed bad')
  replace('10.0.0.1\n')
  await until(async () => (await verdict('10.0.0.2')) === 'allow not_listed', 'the new list is read')
  const told = async (pattern: RegExp) => {
    await until(() => pattern.test(String(state('bad')?.fields['detail'])), pattern.source)
    assert.equal(state('bad')?.ok, true, 'the old list is in use')
    assert.equal(await verdict('10.0.0.1'), 'deny listed bad')
  }
  replace('10.0.0.1\nrubbish\n')
  await told(/line 2: 'rubbish' is not an address or CIDR range/)
  replace('')
  await told(/it has shrunk from 1 to 0 entries/)
  replace('10.0.0.0/0')
  await told(/it lists all addresses/)
  replace('10.0.0.3\n')
  await until(async () => (await verdict('10.0.0.3')) === 'deny listed bad', 'a right one is read again')
  assert.equal(state('bad')?.fields['detail'], undefined)
})

test('no list, no verdict: the policy answers, and the agent is not ready until there is one', async (t) => {
  const entry = (policy: string) => `    on_error: ${policy}\n    sources: [{name: bad, file: bad.txt}]\n`
  const { agents, verdict, reload, dir } = await start(t, entry('open'))
  assert.deepEqual([agents.agent.ready, await verdict('10.0.0.1')], [false, 'allow no_data'])
  await reload(entry('closed'))
  assert.deepEqual([agents.agent.ready, await verdict('10.0.0.1')], [false, 'deny no_data'])
  writeFileSync(join(dir, 'bad.txt'), '10.0.0.1\n')
  await until(() => agents.agent.ready, 'the list is found')
  assert.equal(await verdict('10.0.0.1'), 'deny listed bad')
})

/** A server of lists: `serve` is what it does. */
async function listServer(t: TestContext) {
  const server = {
    url: '',
    requests: [] as IncomingMessage[],
    serve: (_: IncomingMessage, response: ServerResponse): void => void response.end('10.0.0.1\n10.0.0.2\n'),
    list(text: string, etag?: string) {
      this.serve = (request, response) => {
        if (etag !== undefined) response.setHeader('etag', etag)
        if (etag !== undefined && request.headers['if-none-match'] === etag) response.writeHead(304).end()
        else response.end(text)
      }
    },
  }
  const http = createServer((request, response) => {
    server.requests.push(request)
    server.serve(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/list`
  return server
}

test('a list is fetched when it is due, asked for only when it has changed, and refused when it is wrong', async (t) => {
  const server = await listServer(t)
  server.list('10.0.0.1\n10.0.0.2\n10.0.0.4\n', '"one"')
  const { verdict, state, agents } = await start(
    t,
    `    sources:
      - {name: far, url: '${server.url}', refresh: 40ms, timeout: 300ms, max_bytes: 1KiB, headers: {authorization: 'Bearer x'}}
`,
  )
  await until(async () => (await verdict('10.0.0.2')) === 'deny listed far', 'it is fetched')
  assert.equal(server.requests[0]?.headers.authorization, 'Bearer x')
  await until(() => server.requests.at(-1)?.headers['if-none-match'] === '"one"', 'it is asked for again')
  server.list('10.0.0.1\n10.0.0.3\n<p>\n', '"two"')
  await until(async () => (await verdict('10.0.0.3')) === 'deny listed far', 'the new list is in use')
  assert.equal(await verdict('10.0.0.2'), 'allow not_listed')
  const troubles: readonly (readonly [
    string,
    (request: IncomingMessage, response: ServerResponse) => void,
    RegExp,
  ])[] = [
    ['an error', (_, response) => response.writeHead(500).end('10.0.0.9'), /the server answers 500/],
    ['silence', () => {}, /not within 300 ms/],
    [
      'half of it',
      (_, response) =>
        response
          .writeHead(200, { 'content-length': '900' })
          .write('10.0.0.9\n', () => setTimeout(() => response.destroy(), 20)),
      /terminated|other side closed|aborted/,
    ],
    ['too much', (_, response) => response.end('10.0.0.9\n'.repeat(1000)), /larger than 1024 bytes/],
    [
      'a page',
      (_, response) => response.end('<html>\n<p>\n10.0.0.9\n10.0.0.10\n</html>'),
      /line 1: '<html>' is not/,
    ],
    ['too little', (_, response) => response.end(''), /it has shrunk from 2 to 0 entries/],
  ]
  for (const [what, serve, pattern] of troubles) {
    server.serve = serve
    await until(
      () => pattern.test(String(state('far')?.fields['detail'])),
      `${what}: ${String(pattern)}`,
      8000,
    )
    assert.equal(await verdict('10.0.0.3'), 'deny listed far', what)
    assert.equal(state('far')?.ok, true)
  }
  assert.equal(agents.agent.ready, true)
})

test('the copy on disk answers when there is no network, unless it is too old', async (t) => {
  const server = await listServer(t)
  const entry = (age: string, refresh = '1h') =>
    `    cache_dir: kept\n    state_max_age: ${age}\n    sources: [{name: far, url: '${server.url}', refresh: ${refresh}}]\n`
  const first = await start(t, entry('1h'))
  assert.equal(await first.verdict('10.0.0.1'), 'deny listed far')
  const head = join(first.dir, 'kept/far.json')
  await until(() => existsSync(head), 'the copy is written')
  server.serve = (_, response) => void response.socket?.destroy()
  const asked = server.requests.length
  const second = await start(t, entry('1h'), {}, first.dir)
  assert.equal(await second.verdict('10.0.0.1'), 'deny listed far')
  assert.equal(server.requests.length, asked, 'a fresh copy is enough')
  const fetched = (ago: number) => {
    const written = JSON.parse(readFileSync(head, 'utf8')) as object
    writeFileSync(head, JSON.stringify({ ...written, fetchedAt: Date.now() - ago }))
  }
  fetched(7_200_000)
  const third = await start(t, entry('1h'), {}, first.dir)
  assert.deepEqual([await third.verdict('10.0.0.1'), third.agents.agent.ready], ['allow no_data', false])
  const fourth = await start(t, entry('3h'), {}, first.dir)
  assert.equal(await fourth.verdict('10.0.0.1'), 'deny listed far')
  assert.ok(server.requests.length > asked, 'an old one is asked for again')
  // It was fetched by a clock that was a month ahead: it is asked for again when it is due, and not in a month.
  fetched(-2_592_000_000)
  const before = server.requests.length
  await start(t, entry('3h', '500ms'), {}, first.dir)
  await until(() => server.requests.length > before, 'it is asked for again')
  // A copy that is half written, or of another address, is none.
  writeFileSync(join(first.dir, 'kept/far.list'), '10.0.0.')
  assert.equal(await (await start(t, entry('3h'), {}, first.dir)).verdict('10.0.0.1'), 'allow no_data')
})

test('SIGHUP looks at lists at once, and does not wait until they are due', async (t) => {
  const server = await listServer(t)
  const { verdict, agents } = await start(
    t,
    `    sources: [{name: far, url: '${server.url}', refresh: 1h}]\n`,
  )
  assert.equal(await verdict('10.0.0.9'), 'allow not_listed')
  server.list('10.0.0.9\n10.0.0.8\n')
  agents.refresh()
  await until(async () => (await verdict('10.0.0.9')) === 'deny listed far', 'the new list is in use')
})

test('a reload keeps lists that are the same, and waits for new ones', async (t) => {
  const server = await listServer(t)
  const entry = (more: string) =>
    `    sources:\n      - {name: far, url: '${server.url}', refresh: 1h}\n${more}`
  const { verdict, reload, dir } = await start(t, entry(''))
  assert.equal(server.requests.length, 1)
  server.serve = () => {}
  await reload(entry('    thresholds: {deny: 101}\n'))
  assert.equal(await verdict('10.0.0.1'), 'challenge listed far')
  assert.equal(server.requests.length, 1)
  writeFileSync(join(dir, 'near.txt'), '10.0.0.7\n')
  await reload(entry('      - {name: near, file: near.txt}\n'))
  assert.equal(await verdict('10.0.0.7'), 'deny listed near')
  await assert.rejects(
    reload(`    sources: [{name: other, url: '${server.url}', timeout: 50ms}]\n`),
    /would not be ready: other: not within 50 ms/,
  )
  assert.equal(await verdict('10.0.0.7'), 'deny listed near')
})
