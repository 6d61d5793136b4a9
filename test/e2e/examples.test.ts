/**
 * The agents of examples/ as they stand there, behind the real HAProxy with the files beside them. Each in two variants, and
 * each variant with both ways to have no verdict: the agent's fallback, and an agent that does not answer.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Agent } from 'sluice/agent'
import { createAuth, makeCookie } from '../../examples/auth/agent.ts'
import { createRateLimit } from '../../examples/rate-limit/agent.ts'
import { createReputation } from '../../examples/reputation/agent.ts'
import { createWaf } from '../../examples/waf/agent.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { root, runCli } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import { ask, serverState, type Answer, type Question } from './agent-support.ts'

const skip = skipWithoutHaproxy()

type Kind = 'closed' | 'open'
const kinds: readonly Kind[] = ['closed', 'open']

const names = ['auth', 'rate-limit', 'reputation', 'waf'] as const
type Name = (typeof names)[number]
const folder = (name: Name) => join(root, 'examples', name)

/** Says whom HAProxy takes the client for, and that somebody has logged in. */
async function startOrigin(t: TestContext): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === '/login') response.setHeader('x-login', 'alice')
    request.resume()
    request.on('end', () => response.end(`user ${String(request.headers['x-user'] ?? 'nobody')}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** `node examples/NAME/main.ts`, as it was compiled; its port is the kernel's choice. */
async function startMain(
  t: TestContext,
  name: Name,
  env: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [join(root, '.build/examples', name, 'main.js')], {
    env: { ...process.env, LISTEN: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await until(() => said.includes('listens on'), `${name} listens`, 20_000)
  return { child, port: Number(/listens on [\d.]+:(\d+)/.exec(said)?.[1]) }
}

type Asks = (question?: Question) => Promise<Answer>

/**
 * HAProxy with the files of an example, when it has seen its agent. Where an answer is looked for it may take as long as a busy
 * machine needs; where none comes the time-out is that of the file.
 */
async function startProxy(
  t: TestContext,
  { name, kind, agent, patient = true }: { name: Name; kind: Kind; agent: number; patient?: boolean },
): Promise<Asks> {
  const origin = await startOrigin(t)
  const text = readFileSync(join(folder(name), `haproxy-${kind}.cfg`), 'utf8')
  const spoe = `spoe-${name}.conf`
  const haproxy = await startHaproxy({
    ports: ['fe'],
    files: {
      [spoe]: readFileSync(join(folder(name), spoe), 'utf8').replace(/timeout processing \d+ms/, (found) =>
        patient ? 'timeout processing 10s' : found,
      ),
    },
    config: ({ fe }) =>
      text
        .replace('${PORT-8080}', String(fe))
        .replace('global\n', 'global\n    stats socket unix@stats.sock level admin\n'),
    env: { ORIGIN: `127.0.0.1:${origin}`, AGENT: `127.0.0.1:${agent}` },
  })
  t.after(() => haproxy.stop())
  const server = name.includes('-') || name === 'reputation' ? `${name}-1` : `${name}1`
  await until(
    async () => (await serverState(haproxy.dir, `${name}-servers`, server)).status === 'UP',
    'HAProxy has seen the agent',
    20_000,
  )
  return (question) => ask(haproxy.ports.fe, question)
}

const secret = 'a secret of thirty-two characters'
const environment = {
  SECRET: secret,
  LIMIT: '3',
  DEADLINE: '5000',
  LIST: join(folder('reputation'), 'reputation.lst'),
}

async function start(
  t: TestContext,
  name: Name,
  kind: Kind,
  env: Readonly<Record<string, string>> = {},
  patient = true,
): Promise<{ asks: Asks; child: ChildProcess }> {
  const { child, port } = await startMain(t, name, { ...environment, FAILURE: kind, ...env })
  return { asks: await startProxy(t, { name, kind, agent: port, patient }), child }
}

const status = async (answer: Promise<Answer>) => (await answer).status

for (const kind of kinds) {
  test(`waf, ${kind}: targets, headers and bodies`, { skip }, async (t) => {
    const { asks } = await start(t, 'waf', kind)
    const post = (body: string, headers: Record<string, string> = {}) =>
      asks({ method: 'POST', path: '/form', body, headers })
    const rows: readonly [string, Promise<Answer>, number][] = [
      ['a plain request', asks({ path: '/a?b=c' }), 200],
      ['a form', post('name=alice&comment=what+a+union'), 200],
      ['a target', asks({ path: '/?q=1%20UNION%20SELECT%20password' }), 403],
      ['a target that is encoded twice', asks({ path: '/%252e%252e%252fetc/passwd' }), 403],
      ['a header', asks({ headers: { 'user-agent': 'sqlmap/1.7' } }), 403],
      ['another header', asks({ headers: { 'x-api': '${jndi:ldap://192.0.2.1/a}' } }), 403],
      ['a body', post('comment=%3Cscript%3Ealert(1)'), 403],
      [
        'a body in chunks',
        post('q=1+union+select+2', { 'transfer-encoding': 'chunked' }),
        kind === 'closed' ? 413 : 403,
      ],
      ['a body that is larger than a buffer', post('x'.repeat(40_000)), kind === 'closed' ? 403 : 200],
    ]
    for (const [what, answer, wanted] of rows) assert.equal(await status(answer), wanted, what)
  })

  test(`auth, ${kind}: a login, its cookie, a forged one, and a new one in time`, { skip }, async (t) => {
    const { asks } = await start(t, 'auth', kind)
    const withCookie = (cookie: string) =>
      asks({ headers: { cookie: `session=${cookie}`, 'x-user': 'root' } })
    assert.equal(await status(asks()), 401)
    const login = await asks({ path: '/login' })
    assert.deepEqual([login.status, login.headers['x-login'], login.body], [200, undefined, 'user nobody'])
    const cookie =
      /^session=([^;]+); Path=\/; HttpOnly/.exec(login.headers['set-cookie']?.[0] ?? '')?.[1] ?? ''
    const page = await withCookie(cookie)
    assert.deepEqual([page.status, page.body, page.headers['set-cookie']], [200, 'user alice', undefined])
    assert.equal(await status(withCookie(cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))), 401)
    const elsewhere = { headers: { cookie: `session=${cookie}` }, localAddress: '127.0.0.2' }
    assert.equal(await status(asks(elsewhere)), 401, 'a stolen cookie')
    const now = Math.floor(Date.now() / 1000)
    const old = makeCookie(secret, { user: 'bob', until: now + 60 }, '127.0.0.1')
    const renewed = await withCookie(old)
    assert.equal(renewed.body, 'user bob')
    assert.match(renewed.headers['set-cookie']?.[0] ?? '', /^session=/)
    const over = makeCookie(secret, { user: 'bob', until: now - 1 }, '127.0.0.1')
    assert.equal(await status(withCookie(over)), 401)
  })

  test(`rate-limit, ${kind}: each client has its own`, { skip }, async (t) => {
    const { asks } = await start(t, 'rate-limit', kind)
    for (const remaining of ['2', '1', '0']) {
      const answer = await asks()
      assert.deepEqual([answer.status, answer.headers['x-ratelimit-remaining']], [200, remaining])
    }
    const refused = await asks()
    assert.equal(refused.status, 429)
    assert.match(String(refused.headers['retry-after']), /^(1\d|20)$/, 'a third of a minute')
    assert.equal(await status(asks({ localAddress: '127.0.0.2' })), 200)
  })

  test(`reputation, ${kind}: the file is edited, broken and put right`, { skip }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'reputation-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const list = join(dir, 'reputation.lst')
    copyFileSync(environment.LIST, list)
    const { asks } = await start(t, 'reputation', kind, { LIST: list })
    const bad = { localAddress: '127.0.0.66' }
    assert.deepEqual([await status(asks()), await status(asks(bad))], [200, 403])
    writeFileSync(list, '127.0.0.1 3\n')
    await until(async () => (await status(asks())) === 403, 'the new list counts')
    assert.equal(await status(asks(bad)), 200)
    writeFileSync(list, '127.0.0.1 90\nnonsense\n')
    writeFileSync(join(dir, 'other'), '')
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(await status(asks()), 403, 'a broken list changes nothing')
    writeFileSync(list, '127.0.0.1 90\n')
    await until(async () => (await status(asks())) === 200, 'and the right one does')
  })
}

const created: Readonly<Record<Name, (failure: Kind) => Agent | Promise<Agent>>> = {
  auth: (failure) => createAuth({ secret, failure, agent: { logger: false, deadline: 5000 } }),
  'rate-limit': (failure) =>
    createRateLimit({ limit: 3, window: 1000, failure, agent: { logger: false, deadline: 5000 } }),
  reputation: (failure) =>
    createReputation({
      path: environment.LIST,
      failure,
      say: () => {},
      agent: { logger: false, deadline: 5000 },
    }),
  waf: (failure) => createWaf({ failure, agent: { logger: false, deadline: 5000 } }),
}
/** What a client gets whose request the agent could not judge, when it fails closed. */
const refusals: Readonly<Record<Name, number>> = { auth: 401, 'rate-limit': 429, reputation: 403, waf: 403 }

for (const name of names) {
  for (const kind of kinds) {
    test(`${name}, ${kind}: the agent's half, a handler that fails`, { skip }, async (t) => {
      const agent = await created[name](kind)
      agent.use({
        before() {
          throw new Error('the database is gone')
        },
      })
      const address = await agent.listen('127.0.0.1:0')
      t.after(() => agent.destroy())
      const port = address.type === 'tcp' ? address.port : 0
      const asks = await startProxy(t, { name, kind, agent: port })
      assert.equal(await status(asks()), kind === 'closed' ? refusals[name] : 200)
    })

    test(`${name}, ${kind}: HAProxy's half, an agent that does not answer, and none`, { skip }, async (t) => {
      const { asks, child } = await start(t, name, kind, {}, false)
      const wanted = kind === 'closed' ? 503 : 200
      child.kill('SIGSTOP')
      assert.equal(await status(asks()), wanted, 'stopped')
      child.kill('SIGKILL')
      assert.equal(await status(asks()), wanted, 'gone')
    })

    for (const version of kind === 'closed' ? ['2.6', '3.2'] : ['2.6']) {
      test(`${name}, ${kind}: sluice check has no complaint for HAProxy ${version}`, async () => {
        const args = ['check', '--for', 'haproxy', '--haproxy-version', version, '--deny-warnings']
        const { code, stdout, stderr } = await runCli([...args, `haproxy-${kind}.cfg`], { cwd: folder(name) })
        assert.equal(code, 0, stdout + stderr)
      })
    }
  }
}

test('the folders with an agent in TypeScript are those above', () => {
  const found = readdirSync('examples').filter((name) => existsSync(`examples/${name}/agent.ts`))
  assert.deepEqual(found, names)
})
