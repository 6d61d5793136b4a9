/**
 * Bad input, wherever it may come from: an engine, an agent, a client, a file. Each gets one clear error that names what
 * and where; the process, the other connections and the memory are untouched. What an agent's nonsense does to a stream
 * is compared with HAProxy.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { askOnce, fieldOf, RawHttp } from '../support/raw-http.ts'
import { Cli, makeFolder, runCli, startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'

const skip = skipWithoutHaproxy()

/** Resident memory in megabytes, where the system tells. */
function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Sends bytes, and answers all that came back until the connection was over. */
function throwAt(port: number, bytes: Buffer | string, andEnd = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(bytes)
    if (andEnd) socket.end()
  })
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

// An agent that is talked to in the wrong way.

const tooBig = hex('ffffffff 01 00000001 0000')
const halfHello = hex('0000003c 01 00000001 0000 12 73757070')

for (const [name, bytes, end, code, wanted] of [
  ['a length of 4 GB', tooBig, false, 'FRAME_TOO_BIG', /4294967295 bytes announced, the limit is 16380/],
  [
    'an HTTP request',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    false,
    'FRAME_TOO_BIG',
    /it reads \\?"GET \\?": is that another protocol\?/,
  ],
  ['a truncated handshake', halfHello, true, 'TRUNCATED', /the peer closed inside a frame/],
  [
    'a frame without room for its head',
    hex('00000001 01'),
    false,
    'INVALID_FRAME',
    /1 bytes, the least is 7/,
  ],
] as const) {
  test(`an agent that gets ${name} says so once, and goes on`, async () => {
    const agent = new Cli(['agent', 'ip-reputation', '--listen', '127.0.0.1:0'])
    try {
      const port = Number((await agent.waitFor(/listens on 127\.0\.0\.1:(\d+)/))[1])
      const other = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port })
      const ask = () => other.notify({ name: 'get-ip-reputation', args: [['ip', '192.0.2.1']] })
      await ask()
      const before = residentMegabytes(agent.pid)
      // To the peer: DISCONNECT with the reason.
      assert.match(await throwAt(port, bytes, end), wanted)
      // To the operator: who, and why.
      const [line] = await agent.waitFor(/^.*connection given up.*$/m)
      assert.match(line, new RegExp(`ERR_SPOP_${code}.*peer=127\\.0\\.0\\.1:\\d+`))
      assert.match(line, wanted)
      await Promise.all(Array.from({ length: 100 }, () => throwAt(port, bytes, end)))
      await ask()
      assert.ok(residentMegabytes(agent.pid) - before < 64, 'memory was taken for what never came')
      assert.ok(agent.running)
      // A flood is counted, not logged.
      assert.ok(agent.stderr.split('connection given up').length < 5, agent.stderr)
      other.close()
    } finally {
      await agent.stop()
    }
  })
}

// Agents that answer in the wrong way.

const agentHello = frame(
  `65 00000001 0000 ${ascii('\x07version')} 08 ${ascii('\x032.0')} ${ascii('\x0emax-frame-size')} 03 fcf006 ` +
    `${ascii('\x0ccapabilities')} 08 ${ascii('\x0apipelining')}`,
)
const disconnect = (status: string): Buffer =>
  frame(
    `66 00000001 0000 ${ascii('\x0bstatus-code')} 03 ${status} ${ascii('\x07message')} 08 ${ascii('\x04sulk')}`,
  )
const httpAnswer = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'

function ascii(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex')
}

function frame(text: string): Buffer {
  const body = hex(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

interface Liar {
  readonly name: string
  /** What it does when bytes come for the first time, and the second. */
  readonly first: (socket: Socket) => void
  readonly second?: (socket: Socket) => void
  /** What the variable of `option set-on-error` says. */
  readonly haproxy: string
  readonly sluice: string
}

const greet = (socket: Socket): void => void socket.write(agentHello)

const liars: readonly Liar[] = [
  // Behind the handshake the codes are the same.
  { name: 'big', first: greet, second: (socket) => socket.write(tooBig), haproxy: '259', sluice: '259' },
  { name: 'http', first: greet, second: (socket) => socket.write(httpAnswer), haproxy: '259', sluice: '259' },
  { name: 'gone', first: greet, second: (socket) => socket.end(), haproxy: '257', sluice: '257' },
  {
    name: 'reset',
    first: greet,
    second: (socket) => socket.resetAndDestroy(),
    haproxy: '257',
    sluice: '257',
  },
  {
    name: 'sulks',
    first: greet,
    second: (socket) => socket.write(disconnect('63')),
    haproxy: '355',
    sluice: '355',
  },
  { name: 'mute', first: greet, haproxy: '1', sluice: '1' },
  { name: 'deaf', first: () => {}, haproxy: '1', sluice: '1' },
  { name: 'slow', first: (socket) => socket.write(agentHello.subarray(0, 20)), haproxy: '1', sluice: '1' },
  // Before it HAProxy tries again until the time is over; here the reason is told at once.
  { name: 'hellobig', first: (socket) => socket.write(tooBig), haproxy: '1', sluice: '259' },
  { name: 'hellohttp', first: (socket) => socket.write(httpAnswer), haproxy: '1', sluice: '259' },
  { name: 'hellogone', first: (socket) => socket.end(), haproxy: '1', sluice: '1' },
  {
    name: 'hellohalf',
    first: (socket) => socket.end(agentHello.subarray(0, 20)),
    haproxy: '1',
    sluice: '1',
  },
  { name: 'hellosulks', first: (socket) => socket.write(disconnect('05')), haproxy: '1', sluice: '261' },
]

function startLiar({ first, second }: Liar): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let count = 0
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('data', () => (++count === 1 ? first(socket) : second?.(socket)))
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

function portOf(server: Server | undefined): number {
  return (server?.address() as AddressInfo | undefined)?.port ?? 0
}

let servers: Server[]
let haproxy: Haproxy<string>
let sluice: Sluice<string>

before(async () => {
  if (skip !== false) return
  servers = await Promise.all(liars.map(startLiar))
  const scopes = liars.map(
    ({ name }) => `[${name}]
spoe-agent ${name}
  messages ask-${name}
  option var-prefix e
  option set-on-error error
  timeout hello 300ms
  timeout idle 10s
  timeout processing 600ms
  use-backend b-${name}
spoe-message ask-${name}
  args src
  event on-frontend-http-request
`,
  )
  const options = {
    ports: liars.map(({ name }) => name),
    files: { 'spoe.conf': scopes.join('\n') },
    config: (ports: Readonly<Record<string, number>>) =>
      [
        'global',
        '  nbthread 1',
        'defaults',
        '  timeout connect 5s',
        '  timeout client 5s',
        '  timeout server 5s',
        ...liars.flatMap(({ name }, at) => [
          `frontend ${name}`,
          '  mode http',
          `  bind 127.0.0.1:${ports[name]}`,
          `  filter spoe engine ${name} config spoe.conf`,
          '  http-request return status 200 hdr x-error %[var(txn.e.error)]',
          `backend b-${name}`,
          '  mode tcp',
          `  server s 127.0.0.1:${portOf(servers[at])}`,
        ]),
      ].join('\n'),
  }
  ;[haproxy, sluice] = await Promise.all([startHaproxy(options), startSluice(options)])
})

after(async () => {
  await Promise.all([haproxy?.stop(), sluice?.stop()])
  for (const server of servers ?? []) server.close()
})

test(
  'what an agent says in the wrong way ends its exchange alone, with the code of HAProxy',
  { skip },
  async () => {
    const told = async (port: number): Promise<string | undefined> => {
      const reply = await askOnce(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      return typeof reply === 'string' ? reply : fieldOf(reply.headers, 'x-error')
    }
    const before = residentMegabytes(sluice.pid)
    const found = await Promise.all(
      liars.map(async ({ name }) => {
        const [theirs, ours] = await Promise.all([
          told(haproxy.ports[name] ?? 0),
          told(sluice.ports[name] ?? 0),
        ])
        return { name, haproxy: theirs, sluice: ours }
      }),
    )
    assert.deepEqual(
      found,
      liars.map((each) => ({ name: each.name, haproxy: each.haproxy, sluice: each.sluice })),
    )
    assert.ok(residentMegabytes(sluice.pid) - before < 64, 'memory was taken for what never came')
    assert.match(sluice.logs(), /ERR_ENGINE_PROTOCOL: .*4294967295 bytes announced, the limit is 16380/)
    assert.match(sluice.logs(), /it reads \\?"HTTP\\?": is that another protocol\?/)
    assert.match(sluice.logs(), /the agent disconnected: status 99, 'sulk'/)
  },
)

// Clients of the proxy.

test('clients that send nonsense do not trouble the others', { skip }, async () => {
  const port = sluice.ports['gone'] ?? 0
  const good = new RawHttp(port)
  const before = residentMegabytes(sluice.pid)
  for (const [bytes, status] of [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', '400'],
    [tooBig, undefined],
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n', undefined],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, '400'],
    [`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(5000)}\r\n`, '400'],
  ] as const) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => throwAt(port, bytes, true)))
    if (status !== undefined)
      for (const each of answers) assert.ok(each.startsWith(`HTTP/1.1 ${status} `), each)
    good.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const reply = await good.reply()
    assert.equal(typeof reply === 'string' ? reply : reply.line, 'HTTP/1.1 200 OK')
  }
  good.close()
  assert.ok(residentMegabytes(sluice.pid) - before < 64, 'memory was taken for what never came')
  assert.ok(sluice.cli.running)
})

// Files.

const goodConfig = `defaults
    mode http
    timeout client 1s
    timeout server 1s
    timeout connect 1s
frontend www
    bind 127.0.0.1:18080
    http-request return status 200
`

/** Checks files, and answers the lines of the output. */
async function check(
  files: Readonly<Record<string, string>>,
): Promise<{ code: number | null; lines: string[] }> {
  const { dir, remove } = makeFolder(files)
  try {
    const [checked, started] = await Promise.all([
      runCli(['check', '-f', 'haproxy.cfg'], { cwd: dir }),
      runCli(['run', '-f', 'haproxy.cfg'], { cwd: dir }),
    ])
    // What cannot be checked does not run, and says the same.
    assert.equal(started.code, 1, started.stdout)
    const errors = (text: string) => text.split('\n').filter((line) => line.includes(': error: '))
    assert.deepEqual(errors(started.stderr), errors(checked.stdout))
    assert.equal(started.stdout, '')
    return { code: checked.code, lines: checked.stdout.replaceAll(dir, 'DIR').trimEnd().split('\n') }
  } finally {
    remove()
  }
}

test('an unknown keyword', async () => {
  assert.deepEqual(await check({ 'haproxy.cfg': `${goodConfig}    htp-request deny\n` }), {
    code: 1,
    lines: [
      "haproxy.cfg:9:5: error: unknown keyword 'htp-request' in 'frontend' (CFG_KEYWORD_UNKNOWN)",
      '        htp-request deny',
      '        ^',
      "    hint: did you mean 'http-request'?",
      '1 error, 0 warnings',
    ],
  })
})

test('a keyword of HAProxy that is not supported is not ignored', async () => {
  const { code, lines } = await check({ 'haproxy.cfg': `${goodConfig}    stick-table type ip size 1m\n` })
  assert.equal(code, 1)
  assert.match(lines[0] ?? '', /^haproxy\.cfg:9:5: error: 'stick-table': not implemented/)
})

test('a SPOE file that is not there', async () => {
  const { code, lines } = await check({
    'haproxy.cfg': `${goodConfig}    filter spoe engine e config none.conf\n`,
  })
  assert.deepEqual(
    { code, lines },
    {
      code: 1,
      lines: [
        "haproxy.cfg:9:33: error: the SPOE file 'none.conf' cannot be read: ENOENT: no such file or directory, open 'DIR/none.conf' (ERR_PROXY_FILE)",
        '        filter spoe engine e config none.conf',
        '                                    ^',
        '    hint: relative names begin in DIR',
        '1 error, 0 warnings',
      ],
    },
  )
})

test('a pattern file that is not there, and one with a wrong line', async () => {
  const { code, lines } = await check({
    'haproxy.cfg': `${goodConfig}    acl bad src -f none.lst\n    acl worse src -f some.lst\n`,
    'some.lst': '192.0.2.1\n# fine\n\n192.0.2.\n',
  })
  assert.equal(code, 1)
  assert.match(lines[0] ?? '', /^haproxy\.cfg:9:20: error: pattern file 'none\.lst' cannot be read/)
  assert.match(lines.join('\n'), /^some\.lst:4:1: error: .*'192\.0\.2\.'/m)
  assert.equal(lines.at(-1), '2 errors, 0 warnings')
})

test('a main file that is not there', async () => {
  const { code, lines } = await check({})
  assert.equal(code, 1)
  assert.match(
    lines[0] ?? '',
    /^haproxy\.cfg:1:1: error: the configuration 'haproxy\.cfg' cannot be read: ENOENT/,
  )
})

test('several mistakes in the SPOE file are all reported', async () => {
  const { code, lines } = await check({
    'haproxy.cfg': `${goodConfig}    filter spoe engine two config spoe.conf\n`,
    'spoe.conf': `[two]
spoe-agent agent
    messages known unknown
    option var-prefix "two words"
    timeout processing 10x
    use-backend nobody
    optoin async

spoe-message known
    args ip=srcc a=hdr(
    event on-client-sesion if { src -f nope.lst }

spoe-message
`,
  })
  assert.equal(code, 1)
  // The lines themselves, marks and hints stand behind four blanks.
  const errors = lines.filter((line) => !line.startsWith('    '))
  const wanted = [
    /^spoe\.conf:3:20: error: there is no spoe-message 'unknown'/,
    /^spoe\.conf:4:23: error: .*'two words' is no variable name/,
    /^spoe\.conf:5:24: error: .*'10x' is not a time/,
    /^spoe\.conf:6:17: error: there is no backend 'nobody'/,
    /^spoe\.conf:7:5: error: unknown keyword 'optoin'/,
    /^spoe\.conf:10:13: error: unknown fetch 'srcc'/,
    /^spoe\.conf:10:23: error: 'hdr' has an argument list without its closing parenthesis/,
    /^spoe\.conf:11:11: error: .*not 'on-client-sesion'/,
    /^spoe\.conf:13:1: error: 'spoe-message' expects a name/,
    /^spoe\.conf:13:1: warning: the message '' is never sent/,
    /^9 errors, 1 warning$/,
  ]
  assert.equal(errors.length, wanted.length, lines.join('\n'))
  for (const [at, pattern] of wanted.entries()) assert.match(errors[at] ?? '', pattern)
})

test('files that are no configuration', async () => {
  for (const text of [
    '\0\x01\x02\xff'.repeat(1000),
    '{"json": true}',
    `${'x'.repeat(1_000_000)}\n`,
    '<html>\n',
  ]) {
    const { code, lines } = await check({ 'haproxy.cfg': text })
    assert.equal(code, 1)
    assert.match(lines[0] ?? '', /^haproxy\.cfg:\d+:\d+: error: /)
    assert.ok(lines.join('').length < 100_000, 'the file is not repeated')
  }
})
