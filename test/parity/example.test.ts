/**
 * The example of SPOE.txt section 2.5 as examples/ip-reputation has it, through the real HAProxy and through sluice: the
 * same files (but for the addresses), the same agent, the same origin, the same requests. Whatever a client can see is
 * equal, except dates.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { askOnce, fieldOf, RawHttp } from '../support/raw-http.ts'
import type { RawEnd, RawReply } from '../support/raw-http.ts'
import { Cli, root, startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()
const example = (name: string): string => readFileSync(join(root, 'examples/ip-reputation', name), 'utf8')

let origin: Server
let agent: Cli
let agentPort: number
let haproxy: Haproxy<'fe'>
let sluice: Sluice<'fe'>

before(async () => {
  if (skip !== false) return
  origin = await startOrigin()
  agentPort = (await freePorts(1))[0] as number
  agent = await startAgent()
  const options = exampleOptions(`127.0.0.1:${agentPort}`, 'check inter 200ms')
  ;[haproxy, sluice] = await Promise.all([startHaproxy(oneThread(options)), startSluice(options)])
})

after(async () => {
  await Promise.all([haproxy?.stop(), sluice?.stop(), agent?.stop()])
  origin?.closeAllConnections()
  origin?.close()
})

/**
 * The files of the example. Besides the addresses two times are changed: checks are more frequent, and a busy machine
 * has a whole second for an answer.
 */
function exampleOptions(agentAddress: string, check: string) {
  const { port } = origin.address() as AddressInfo
  return {
    ports: ['fe'],
    files: {
      'spoe-ip-reputation.conf': substitute(example('spoe-ip-reputation.conf'), {
        'processing 100ms': 'processing 1s',
      }),
      'whitelist.lst': example('whitelist.lst'),
    },
    config: (ports: Readonly<Record<'fe', number>>) =>
      substitute(example('haproxy.cfg'), {
        '${PORT-8080}': String(ports.fe),
        '${ORIGIN-127.0.0.1:8081}': `127.0.0.1:${port}`,
        '${AGENT-127.0.0.1:12345}': agentAddress,
        'check inter 1s': check,
      }),
  } as const
}

/** Each thread of HAProxy has its own connections to the agent; with one thread it is known which are there. */
function oneThread(options: ReturnType<typeof exampleOptions>): ReturnType<typeof exampleOptions> {
  return { ...options, config: (ports) => `global\n    nbthread 1\n${options.config(ports)}` }
}

/** Answers with what it was asked. */
function startOrigin(): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const headers = request.rawHeaders
        .map((each, at) => (at % 2 === 0 ? `${each}: ` : `${each}\n`))
        .join('')
      const body = Buffer.concat(chunks).toString('latin1')
      response.setHeader('X-Mixed-Case', 'One')
      response.end(`${request.method} ${request.url}\n${headers}\n${body}`)
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

async function startAgent(): Promise<Cli> {
  const list = join(root, 'examples/ip-reputation/reputation.lst')
  const listen = `127.0.0.1:${agentPort}`
  const cli = new Cli(['agent', 'ip-reputation', '--listen', listen, '--list', list, '--trace'])
  await cli.waitFor(/listens on/)
  return cli
}

function substitute(text: string, values: Readonly<Record<string, string>>): string {
  let done = text
  for (const [name, value] of Object.entries(values)) {
    assert.ok(done.includes(name), `the example has no ${name}`)
    done = done.replace(name, value)
  }
  return done
}

/** Without what may differ: the second in which it was sent, and the port that it was sent to. */
function comparable(reply: Answer): unknown {
  if (typeof reply === 'string') return reply
  // HAProxy passes the origin's Keep-Alive on, which is about another connection.
  const headers = reply.headers
    .filter((each) => !/^keep-alive:/i.test(each))
    .map((each) => (/^date:/i.test(each) ? 'date: -' : each))
  return { ...reply, headers, body: reply.body.replace(/^host: .*$/im, 'host: -') }
}

type Answer = RawReply | RawEnd

/** Asks both, demands that nothing differs, and answers what sluice said. */
async function same<Answers extends Answer | readonly Answer[]>(
  ask: (port: number) => Promise<Answers>,
): Promise<Answers> {
  const [theirs, ours] = await Promise.all([ask(haproxy.ports.fe), ask(sluice.ports.fe)])
  const all = (answers: Answers) => [answers].flat().map((each) => comparable(each as Answer))
  assert.deepEqual(all(ours), all(theirs))
  return ours
}

const get = 'GET /a?b=c HTTP/1.1\r\nHost: example\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n'

function score(reply: Answer): string | undefined {
  return typeof reply === 'string' ? reply : fieldOf(reply.headers, 'x-ip-score')
}

function spoeError(reply: Answer): string | undefined {
  return typeof reply === 'string' ? reply : fieldOf(reply.headers, 'x-spoe-error')
}

/** The addresses that either side has asked about so far, from the agent's trace. */
function questions(): { readonly haproxy: string[]; readonly sluice: string[] } {
  const asked = { haproxy: [] as string[], sluice: [] as string[] }
  const theirs = new Set<string>()
  for (const line of agent.output.split('\n')) {
    const [, connection = '', rest = ''] = /^recv (\d+) (.*)/.exec(line) ?? []
    // HAProxy alone offers async, which the agent does not take.
    if (/^HAPROXY-HELLO .*async/.test(rest)) theirs.add(connection)
    const ip = /^NOTIFY .*get-ip-reputation\(ip=(.*)\)/.exec(rest)?.[1]
    if (ip !== undefined) asked[theirs.has(connection) ? 'haproxy' : 'sluice'].push(ip)
  }
  return asked
}

let marks = 0

/** What has been asked so far: an address of its own is asked about, and looked for in the trace, which lags behind. */
async function mark(): Promise<ReturnType<typeof questions>> {
  const localAddress = `127.0.9.${++marks}`
  await same((port) => askOnce(port, get, { localAddress }))
  for (let tries = 0; tries < 500; tries++) {
    const now = questions()
    if (now.haproxy.includes(localAddress) && now.sluice.includes(localAddress)) return now
    await sleep(10)
  }
  return assert.fail(`nobody asked about ${localAddress}\n${agent.output}`)
}

/** Both have asked about these addresses since `before`, and about no others. */
async function asked(before: ReturnType<typeof questions>, addresses: readonly string[]): Promise<void> {
  const now = await mark()
  assert.deepEqual(now.haproxy.slice(before.haproxy.length, -1), addresses)
  assert.deepEqual(now.sluice.slice(before.sluice.length, -1), addresses)
}

/** Asks one of them until its answer is as wanted: health checks need their time. */
async function until(port: number, wanted: (reply: RawReply | RawEnd) => boolean): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    const reply = await askOnce(port, get)
    if (wanted(reply)) return reply
    assert.ok(tries < 200, `still ${JSON.stringify(reply)}`)
    await sleep(50)
  }
}

test('a good address is let through with its score', { skip }, async () => {
  const reply = await same((port) => askOnce(port, get))
  assert.equal(score(reply), '90')
  assert.equal(spoeError(reply), undefined)
  assert.ok(typeof reply === 'object' && reply.body.startsWith('GET /a?b=c\n'), 'the origin was not asked')
})

test('a bad address is rejected: no byte, and the connection ends', { skip }, async () => {
  assert.equal(await same((port) => askOnce(port, get, { localAddress: '127.0.0.66' })), 'closed')
})

test('an address on the whitelist is not asked about', { skip }, async () => {
  const before = await mark()
  const reply = await same((port) => askOnce(port, get, { localAddress: '127.0.0.99' }))
  assert.equal(score(reply), undefined)
  assert.equal(spoeError(reply), undefined)
  await same((port) => askOnce(port, get, { localAddress: '127.0.0.3' }))
  await asked(before, ['127.0.0.3'])
})

test('each address has its own score', { skip }, async () => {
  const addresses = ['127.0.0.1', '127.0.0.2', '127.1.2.3', '127.0.0.65', '127.0.0.67', '127.255.255.254']
  const before = await mark()
  for (const localAddress of [...addresses, '127.0.0.66', '127.0.0.99']) {
    await same((port) => askOnce(port, get, { localAddress }))
  }
  await asked(before, [...addresses, '127.0.0.66'])
})

for (const [name, request, head] of [
  ['HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', true],
  ['POST', 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'],
  [
    'a POST in chunks',
    'POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
  ],
  ['a request that ends the connection', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
  ['HTTP/1.0 that stays', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
  ['no request', 'hello\r\n\r\n'],
] as const) {
  test(`${name} is answered alike`, { skip }, async () => {
    await same((port) => askOnce(port, request, { head: head === true }))
    // Also from where it is rejected, and from where nobody is asked.
    const bad = await same((port) =>
      askOnce(port, request, { localAddress: '127.0.0.66', head: head === true }),
    )
    if (name !== 'no request') assert.equal(bad, 'closed')
    await same((port) => askOnce(port, request, { localAddress: '127.0.0.99', head: head === true }))
  })
}

test('a large body arrives whole, and is not waited for by a rejection', { skip }, async () => {
  const request = `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`
  const reply = await same((port) => askOnce(port, request))
  assert.ok(typeof reply === 'object' && reply.body.endsWith('x'.repeat(300_000)))
  // Whether a client that is still sending sees the end or a reset is a matter of microseconds.
  for (const { ports } of [haproxy, sluice]) {
    assert.equal(typeof (await askOnce(ports.fe, request, { localAddress: '127.0.0.66' })), 'string')
  }
})

test('each request of a kept connection is a stream, and asked about', { skip }, async () => {
  const before = await mark()
  await same(async (port) => {
    const client = new RawHttp(port)
    const replies: Answer[] = []
    for (let count = 0; count < 5; count++) {
      client.send(`GET /${count} HTTP/1.1\r\nHost: a\r\n\r\n`)
      replies.push(await client.reply())
    }
    client.close()
    assert.ok(replies.every((each) => score(each) === '90'))
    return replies
  })
  await asked(
    before,
    Array.from({ length: 5 }, () => '127.0.0.1'),
  )
})

test('pipelined requests are answered in order', { skip }, async () => {
  const before = await mark()
  const replies = await same(async (port) => {
    const client = new RawHttp(port)
    client.send([1, 2, 3, 4].map((each) => `GET /${each} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
    const answers: Answer[] = []
    while (answers.length < 4) answers.push(await client.reply())
    client.close()
    return answers
  })
  const paths = replies.map((each) => (typeof each === 'string' ? each : each.body.slice(0, 6)))
  assert.deepEqual(paths, ['GET /1', 'GET /2', 'GET /3', 'GET /4'])
  await asked(
    before,
    Array.from({ length: 4 }, () => '127.0.0.1'),
  )
})

test('pipelined requests of a bad address are rejected at the first', { skip }, async () => {
  const before = await mark()
  await same(async (port) => {
    const client = new RawHttp(port, { localAddress: '127.0.0.66' })
    client.send(get + get + get)
    const answer = await client.reply()
    client.close()
    return answer
  })
  await asked(before, ['127.0.0.66'])
})

test('an agent that is too slow: the request goes on, and the variable says 1', { skip }, async () => {
  agent.signal('SIGSTOP')
  try {
    const reply = await same((port) => askOnce(port, get))
    assert.equal(spoeError(reply), '1')
    assert.equal(score(reply), undefined)
    // Nobody can be rejected without a score.
    assert.equal(spoeError(await same((port) => askOnce(port, get, { localAddress: '127.0.0.66' }))), '1')
    assert.equal(
      spoeError(await same((port) => askOnce(port, get, { localAddress: '127.0.0.99' }))),
      undefined,
    )
  } finally {
    agent.signal('SIGCONT')
  }
  await Promise.all([haproxy, sluice].map(({ ports }) => until(ports.fe, (each) => score(each) === '90')))
  await same((port) => askOnce(port, get))
})

test('an agent that is down, and comes back', { skip }, async () => {
  const kept = [haproxy, sluice].map(({ ports }) => new RawHttp(ports.fe))
  const onKept = (): Promise<Answer> =>
    same((port) => {
      const client = kept[port === haproxy.ports.fe ? 0 : 1] as RawHttp
      client.send(get)
      return client.reply()
    })
  assert.equal(score(await onKept()), '90')
  const down = Promise.all([haproxy, sluice].map((each) => each.waitForLog(/iprep1 is DOWN/, 20_000)))
  agent.signal('SIGTERM')
  await agent.ended
  await down
  // 2: no server is up, and HAProxy has given up its last attempt to connect.
  await Promise.all([haproxy, sluice].map(({ ports }) => until(ports.fe, (each) => spoeError(each) === '2')))
  assert.equal(spoeError(await same((port) => askOnce(port, get))), '2')
  assert.equal(spoeError(await same((port) => askOnce(port, get, { localAddress: '127.0.0.66' }))), '2')
  assert.equal(spoeError(await same((port) => askOnce(port, get, { localAddress: '127.0.0.99' }))), undefined)
  assert.equal(spoeError(await onKept()), '2')
  agent = await startAgent()
  await Promise.all([haproxy, sluice].map(({ ports }) => until(ports.fe, (each) => score(each) === '90')))
  assert.equal(score(await onKept()), '90')
  assert.equal(await same((port) => askOnce(port, get, { localAddress: '127.0.0.66' })), 'closed')
  for (const client of kept) client.close()
})

test(
  'an agent that refuses connections is waited for, for as long as the processing timeout',
  { skip },
  async () => {
    const [unused] = await freePorts(1)
    const options = exampleOptions(`127.0.0.1:${unused}`, '')
    const [theirs, ours] = await Promise.all([startHaproxy(options), startSluice(options)])
    try {
      assert.equal(spoeError(await askOnce(theirs.ports.fe, get)), '1')
      assert.equal(spoeError(await askOnce(ours.ports.fe, get)), '1')
    } finally {
      await Promise.all([theirs.stop(), ours.stop()])
    }
  },
)
