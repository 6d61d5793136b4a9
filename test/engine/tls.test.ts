/** An engine that speaks TLS with its agents: whom it trusts, what it shows, and what it tells when that does not come about. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { createAgent, type AgentOptions } from 'sluice/agent'
import { createEngine, type EngineOptions, type EngineTls, type TypedData } from 'sluice/engine'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'

type Certificates = ReturnType<typeof certificates>

let made: Certificates
const dir = mkdtempSync(join(tmpdir(), 'sluice-engine-tls-'))
before(() => {
  if (!skipWithoutOpenssl) made = certificates(dir)
})
after(() => rmSync(dir, { recursive: true, force: true }))

/** An agent that answers with the name in the certificate of who asks. */
async function serve(t: TestContext, address: string, tls: AgentOptions['tls']): Promise<string> {
  const agent = createAgent({ closeDelay: 1, closeTimeout: 100, logger: false, ...(tls && { tls }) })
  agent.message('who', {}, (_, actions, context) => {
    actions.setVar('txn', 'client', context.connection.certificate?.subject ?? 'nobody')
  })
  const bound = await agent.listen(address)
  t.after(() => agent.destroy())
  return bound.type === 'tcp' ? `127.0.0.1:${bound.port}` : address
}

async function ask(server: string, options: Partial<EngineOptions>) {
  await using engine = createEngine({ servers: [server], whenDown: 'fail', connectTimeout: 1500, ...options })
  const outcome = await engine.send({ messages: [{ name: 'who', args: [] }], timeout: 3000 })
  const health = await engine.healthCheck(server)
  assert.equal(health.healthy, outcome.error === undefined, 'the health check says the same')
  return outcome.error === undefined ? textOf(outcome.variables.txn.get('client')) : outcome.error.message
}

const textOf = (value: TypedData | undefined) =>
  value?.type === 'string' ? value.value.toString() : undefined

interface Row {
  readonly name: string
  readonly agent: () => AgentOptions['tls']
  readonly engine: () => EngineTls | undefined
  readonly answer: string | RegExp
}

const rows: readonly Row[] = [
  {
    name: 'an authority of its own',
    agent: () => made.server,
    engine: () => ({ ca: made.ca }),
    answer: 'nobody',
  },
  {
    name: 'a name that the certificate has',
    agent: () => made.server,
    engine: () => ({ ca: made.ca, servername: 'agent.test' }),
    answer: 'nobody',
  },
  {
    name: 'a name that it has not',
    agent: () => made.server,
    engine: () => ({ ca: made.ca, servername: 'other.test' }),
    answer: /does not match certificate's altnames/,
  },
  {
    name: 'an authority that nobody knows',
    agent: () => made.server,
    engine: () => ({}),
    answer: /certificate/,
  },
  {
    name: 'whoever it is',
    agent: () => made.stranger,
    engine: () => ({ rejectUnauthorized: false }),
    answer: 'nobody',
  },
  { name: 'expired', agent: () => made.expired, engine: () => ({ ca: made.ca }), answer: /expired/ },
  {
    name: 'both show who they are',
    agent: () => ({ ...made.server, ca: made.ca, requestCert: true }),
    engine: () => ({ ca: made.ca, ...made.client }),
    answer: 'CN=client',
  },
  {
    name: 'a client that shows nothing',
    agent: () => ({ ...made.server, ca: made.ca, requestCert: true }),
    engine: () => ({ ca: made.ca }),
    answer: /./,
  },
  {
    name: 'an agent that speaks no TLS',
    agent: () => undefined,
    engine: () => ({ ca: made.ca }),
    answer: /./,
  },
  { name: 'an engine that speaks no TLS', agent: () => made.server, engine: () => undefined, answer: /./ },
]

describe('TLS to agents', { skip: skipWithoutOpenssl }, () => {
  for (const { name, agent, engine, answer } of rows) {
    it(name, async (t) => {
      const said = await ask(await serve(t, '127.0.0.1:0', agent()), { tls: engine() })
      if (typeof answer === 'string') assert.equal(said, answer)
      else assert.match(String(said), answer)
    })
  }

  it('behind a unix socket there is no name to ask for', async (t) => {
    const server = await serve(t, `unix@${join(dir, 'agent.sock')}`, made.server)
    assert.equal(await ask(server, { tls: { ca: made.ca } }), 'nobody')
    assert.match(String(await ask(server, { tls: { ca: made.ca, servername: 'other.test' } })), /altnames/)
  })

  it("a connection of one's own that is a TLS socket is ready when the agent is known", async (t) => {
    const server = await serve(t, '127.0.0.1:0', made.server)
    const port = Number(server.split(':')[1])
    const by = (ca: Buffer) => ask(server, { connect: () => connect({ host: '127.0.0.1', port, ca }) })
    assert.equal(await by(made.ca), 'nobody')
    assert.match(String(await by(made.stranger.cert)), /certificate/)
  })

  it('many at once, larger than a record of TLS, over a connection that is kept', async (t) => {
    const server = await serve(t, '127.0.0.1:0', made.server)
    await using engine = createEngine({ servers: [server], tls: { ca: made.ca }, maxFrameSize: 65_532 })
    const bytes = Buffer.alloc(60_000, 'x')
    for (let round = 0; round < 3; round++) {
      const sent = Array.from({ length: 50 }, () =>
        engine.send({ messages: [{ name: 'who', args: [['bytes', bytes]] }], timeout: 10_000 }),
      )
      for (const outcome of await Promise.all(sent)) assert.equal(outcome.error, undefined)
    }
  })

  it('what cannot be used is refused when the engine is made', () => {
    const refused = (tls: object, reason: RegExp) =>
      assert.throws(() => createEngine({ servers: ['127.0.0.1:1'], tls }), {
        code: 'ERR_SLUICE_OPTION',
        message: reason,
      })
    refused({ ca: './ca.pem' }, /option 'tls' has a path as 'ca': what is in the file is wanted/)
    refused({ cert: 'nonsense', key: 'nonsense' }, /option 'tls' cannot be used/)
    refused({ host: 'a' }, /unknown name 'host'/)
    refused({ rejectUnauthorized: 0 }, /true or false as 'rejectUnauthorized'/)
    assert.throws(
      () => createEngine({ servers: ['127.0.0.1:1'], tls: {}, connect: () => connect({ port: 1 }) }),
      /the engine's own way to connect/,
    )
  })
})
