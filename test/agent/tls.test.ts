/** TLS between HAProxy and the agent: what is told when it does not come about, who the client is, and new certificates. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { createTextLogger } from 'sluice'
import { createAgent, type Agent, type AgentOptions } from 'sluice/agent'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { ack, hello, hex, notify, Peer } from '../support/peer.ts'
import { until } from '../support/until.ts'

type Certificates = ReturnType<typeof certificates>

let made: Certificates
const dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
before(() => {
  if (!skipWithoutOpenssl) made = certificates(dir)
})
after(() => rmSync(dir, { recursive: true, force: true }))

/** An agent that listens, and the lines that it prints. */
async function serve(t: TestContext, options: AgentOptions, setUp: (agent: Agent) => void = () => {}) {
  const lines: string[] = []
  const logger = createTextLogger((line) => lines.push(line), 'warn')
  const agent = createAgent({ closeDelay: 1, closeTimeout: 100, logger, ...options })
  setUp(agent)
  const address = await agent.listen('127.0.0.1:0')
  t.after(() => agent.destroy())
  return { agent, lines, port: address.type === 'tcp' ? address.port : 0 }
}

/** Connects, says this, and waits until that is over. */
async function say(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  socket.on('error', () => {})
  socket.resume()
  // The agent ends its half, and waits for ours.
  socket.on('end', () => socket.end())
  await new Promise((resolve) => socket.once('close', resolve))
}

async function handshake(port: number, options: ConnectionOptions): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: made.ca, ...options })
  socket.on('error', () => {})
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
}

const mutual = (): AgentOptions => ({ tls: { ...made.server, ca: made.ca, requestCert: true } })
const oneWay = (): AgentOptions => ({ tls: made.server })
const plain = (): AgentOptions => ({})

const tlsHello = hex('16 03 01 00 c8 01 00 00 c4 03 03')
const noTls =
  "warn TLS handshake failed: the peer does not speak TLS, and this port does: add 'ssl' to HAProxy's server line, or " +
  'leave the option tls out'
const refused = (code: string, why: string) =>
  `warn TLS client refused: its certificate is not accepted${why} code=${code} peer=127.0.0.1:#`
const givenUp = (words: string, length: number, hint = '') =>
  `warn connection given up: ${words} code=ERR_SPOP_FRAME_TOO_BIG connection=1 peer=127.0.0.1:# engine="" ` +
  `err=${JSON.stringify(`ERR_SPOP_FRAME_TOO_BIG: frame is too big: ${length} bytes announced, the limit is 16380${hint}`)}`

const mistakes: readonly {
  what: string
  options: () => AgentOptions
  play: (port: number) => Promise<void>
  printed: string
}[] = [
  {
    what: 'TLS to a plain port',
    options: plain,
    play: (port) => say(port, tlsHello),
    printed: givenUp(
      "the peer speaks TLS, and this port does not: take 'ssl' from HAProxy's server line, or give createAgent the option tls",
      0x16030100,
    ),
  },
  {
    what: 'send-proxy to an agent',
    options: plain,
    play: (port) => say(port, Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')),
    printed: givenUp(
      "the peer sends a PROXY protocol header: take 'send-proxy' or 'send-proxy-v2' from HAProxy's server line",
      0x50524f58,
      '; it reads "PROX": is that another protocol?',
    ),
  },
  {
    what: 'send-proxy-v2 to an agent',
    options: plain,
    play: (port) => say(port, hex('0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20 00 00 00')),
    printed: givenUp(
      "the peer sends a PROXY protocol header: take 'send-proxy' or 'send-proxy-v2' from HAProxy's server line",
      0x0d0a0d0a,
    ),
  },
  {
    what: 'HTTP to an agent',
    options: plain,
    play: (port) => say(port, Buffer.from('OPTIONS / HTTP/1.0\r\n\r\n')),
    printed: givenUp(
      "the peer speaks HTTP: HAProxy's backend of the agents wants 'mode tcp' ('mode spop' from 3.1 on), and 'option spop-check'",
      0x4f505449,
      '; it reads "OPTI": is that another protocol?',
    ),
  },
  {
    what: 'SPOP without TLS to a TLS port',
    options: oneWay,
    play: (port) => say(port, hello()),
    printed: `${noTls} code=ERR_SSL_WRONG_VERSION_NUMBER peer=127.0.0.1:#`,
  },
  {
    what: 'HTTP without TLS to a TLS port',
    options: oneWay,
    play: (port) => say(port, Buffer.from('GET / HTTP/1.0\r\n\r\n')),
    printed: `${noTls} code=ERR_SSL_HTTP_REQUEST peer=127.0.0.1:#`,
  },
  {
    what: 'a client without a certificate',
    options: mutual,
    play: (port) => handshake(port, {}),
    printed:
      "warn TLS handshake failed: client refused: it has shown no certificate: give HAProxy's server line 'crt FILE' " +
      'code=ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE peer=127.0.0.1:#',
  },
  {
    what: 'a client whose certificate nobody has signed',
    options: mutual,
    play: (port) => handshake(port, made.stranger),
    printed: refused('DEPTH_ZERO_SELF_SIGNED_CERT', ": it has signed itself, and no authority of 'ca' has"),
  },
  {
    what: 'a client of another authority',
    options: () => ({ tls: { ...made.server, ca: made.stranger.cert, requestCert: true } }),
    play: (port) => handshake(port, made.client),
    printed: refused('SELF_SIGNED_CERT_IN_CHAIN', ": no authority of 'ca' has signed it"),
  },
  {
    what: 'a client whose certificate has expired',
    options: mutual,
    play: (port) => handshake(port, made.expired),
    printed: refused('CERT_HAS_EXPIRED', ': it has expired'),
  },
  {
    what: 'a client with a TLS version of long ago',
    options: oneWay,
    play: (port) =>
      handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    printed:
      'warn TLS handshake failed: no TLS version or cipher is common to both code=ERR_SSL_UNSUPPORTED_PROTOCOL peer=127.0.0.1:#',
  },
]

describe('what goes wrong with TLS is told in words', { skip: skipWithoutOpenssl }, () => {
  for (const { what, options, play, printed } of mistakes) {
    it(what, async (t) => {
      const { port, lines, agent } = await serve(t, options())
      await play(port)
      await until(() => lines.length > 0)
      // What OpenSSL says itself names files and addresses of its own.
      const shown = lines.map((line) =>
        line.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:#').replace(/ err="\w+: [0-9A-F]+:error:.*$/, ''),
      )
      assert.deepEqual(shown, [printed])
      const code = / code=(\w+)/.exec(printed)?.[1] ?? ''
      assert.deepEqual(agent.stats.errors, { [code]: 1 })
    })
  }

  const paths: readonly [name: string, tls: () => object][] = [
    ['cert', () => ({ cert: '/etc/agent/agent.pem', key: made.server.key })],
    ['cert', () => ({ cert: [made.server.cert, './agent.pem'], key: made.server.key })],
    ['key', () => ({ cert: made.server.cert, key: 'agent.key' })],
    ['ca', () => ({ ...made.server, ca: '/etc/agent/ca.crt', requestCert: true })],
    ['ca', () => ({ ...made.server, ca: 'C:\\agent\\ca.pem' })],
    ['crl', () => ({ ...made.server, crl: '../crl.pem' })],
    ['pfx', () => ({ pfx: 'agent.p12' })],
  ]
  for (const [name, tls] of paths) {
    it(`a path as ${name}: ${JSON.stringify(tls.toString().slice(6, 60))}`, () =>
      assert.throws(() => createAgent({ tls: tls() }), {
        code: 'ERR_SLUICE_OPTION',
        message: `createAgent: option 'tls' has a path as '${name}': what is in the file is wanted, readFileSync(path)`,
      }))
  }

  it('text of a file is no path', () => {
    const { cert, key } = made.server
    createAgent({ tls: { cert: cert.toString(), key: [key.toString()], ca: made.ca.toString() } }).destroy()
  })
})

it('`mode` where there is no file is refused', async (t) => {
  const agent = createAgent({ logger: false })
  t.after(() => agent.destroy())
  for (const [where, shown] of [
    ['127.0.0.1:0', '127.0.0.1:0'],
    ['abns@agent', 'abns@agent'],
    ['fd@3', 'fd@3'],
  ] as const) {
    await assert.rejects(agent.listen(where, { mode: 0o660 }), {
      code: 'ERR_SLUICE_OPTION',
      message: `listen: option 'mode' is for unix sockets with a path, and ${shown} is none`,
    })
  }
})

describe('the client’s certificate', { skip: skipWithoutOpenssl }, () => {
  const cases: readonly [
    what: string,
    options: () => AgentOptions,
    client: () => ConnectionOptions,
    seen: string | undefined,
  ][] = [
    [
      'is there for handlers when it was verified',
      mutual,
      () => made.client,
      'CN=client DNS:agent.test, IP Address:127.0.0.1',
    ],
    ['is not there without mutual TLS', oneWay, () => ({}), undefined],
    [
      'is not there when it was not verified, though the client may stay',
      () => ({ tls: { ...made.server, ca: made.ca, requestCert: true, rejectUnauthorized: false } }),
      () => made.stranger,
      undefined,
    ],
  ]
  for (const [what, options, client, wanted] of cases) {
    it(what, async (t) => {
      const seen: (string | undefined)[] = []
      const { port } = await serve(t, options(), (agent) =>
        agent.message('m', (_, __, { connection: { certificate } }) => {
          assert.ok(certificate === undefined || certificate instanceof X509Certificate)
          seen.push(certificate && `${certificate.subject} ${certificate.subjectAltName}`)
        }),
      )
      const peer = await Peer.connect({ port, tls: { ca: made.ca, ...client() } })
      t.after(() => peer.close())
      await peer.greet()
      assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
      assert.deepEqual(seen, [wanted])
    })
  }

  it('is there in a resumed session, too', async (t) => {
    const seen: unknown[] = []
    const { port } = await serve(t, mutual(), (agent) =>
      agent.message('m', (_, __, { connection }) => void seen.push(connection.certificate?.subject)),
    )
    let session: Buffer | undefined
    for (let round = 0; round < 2; round++) {
      const options = { port, host: '127.0.0.1', ca: made.ca, ...made.client }
      const socket: TLSSocket = connectTls(session === undefined ? options : { ...options, session })
      socket.on('session', (each) => (session = each))
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      assert.equal(socket.isSessionReused(), round === 1)
      const peer = new Peer(socket)
      await peer.greet()
      await peer.ask(notify('01 01', '01 "m" 00'))
      peer.close()
    }
    assert.deepEqual(seen, ['CN=client', 'CN=client'])
  })
})

describe('setSecureContext()', { skip: skipWithoutOpenssl }, () => {
  const subjectOf = async (t: TestContext, port: number, client: ConnectionOptions = {}) => {
    const peer = await Peer.connect({ port, tls: { ca: made.ca, ...client } })
    t.after(() => peer.close())
    await peer.greet()
    const { subject } = (peer.socket as TLSSocket).getPeerX509Certificate() ?? assert.fail()
    return { peer, subject }
  }

  it('gives new connections the new certificate; those that are open go on', async (t) => {
    const { agent, port } = await serve(t, oneWay())
    const { peer, subject } = await subjectOf(t, port)
    agent.setSecureContext(made.renewed)
    const second = await agent.listen('127.0.0.1:0')
    const ports = [port, second.type === 'tcp' ? second.port : 0]
    for (const each of ports) assert.equal((await subjectOf(t, each)).subject, 'CN=renewed')
    assert.equal(subject, 'CN=server')
    assert.deepEqual(await peer.ask(notify('01 01')), ack('01 01'))
  })

  it('keeps what is not given: who is trusted above all', async (t) => {
    const { agent, port, lines } = await serve(t, mutual())
    agent.setSecureContext(made.renewed)
    assert.equal((await subjectOf(t, port, made.client)).subject, 'CN=renewed')
    await handshake(port, made.stranger)
    await until(() => lines.length > 0)
    assert.match(lines[0] ?? '', /DEPTH_ZERO_SELF_SIGNED_CERT/)
    agent.setSecureContext({ ca: [made.ca, made.stranger.cert] })
    assert.equal((await subjectOf(t, port, made.stranger)).subject, 'CN=renewed')
  })

  it('is what a listener has that closes at maxConnections and opens again', async (t) => {
    const { agent, port } = await serve(t, { ...oneWay(), maxConnections: 1 })
    const { peer } = await subjectOf(t, port)
    agent.setSecureContext(made.renewed)
    peer.close()
    await until(() => agent.stats.connections.active === 0)
    let subject: string | undefined
    for (let tries = 0; tries < 100 && subject === undefined; tries++)
      subject = await subjectOf(t, port).then(
        (found) => found.subject,
        () => undefined,
      )
    assert.equal(subject, 'CN=renewed')
  })

  it('changes nothing when what it is given is of no use', async (t) => {
    const { agent, port } = await serve(t, oneWay())
    const wrong: readonly [given: unknown, message: RegExp][] = [
      [
        { cert: made.renewed.cert },
        /^setSecureContext\(\): the option tls cannot be used: .*(mismatch|values)/,
      ],
      [{ cert: 'agent.pem', key: made.renewed.key }, /the option tls has a path as 'cert'/],
      [{ requestCert: false }, /unknown option 'requestCert'; known are cert, key, /],
      [undefined, /must be a plain object/],
    ]
    for (const [given, message] of wrong)
      assert.throws(() => agent.setSecureContext(given as never), { code: 'ERR_SLUICE_OPTION', message })
    assert.equal((await subjectOf(t, port)).subject, 'CN=server')
    const without = createAgent({ logger: false })
    assert.throws(() => without.setSecureContext(made.renewed), {
      code: 'ERR_SLUICE_OPTION',
      message: 'setSecureContext(): the agent has no option tls',
    })
  })
})
