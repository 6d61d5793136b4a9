/** A `server` line of HAProxy with a word too many, too few or wrong, and what the agent prints of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createTextLogger } from 'sluice'
import type { AgentOptions } from 'sluice/agent'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'
import { ask, startAgent, startSpoe } from './agent-support.ts'

type Certificates = ReturnType<typeof certificates>
const dir = mkdtempSync(join(tmpdir(), 'sluice-mistakes-'))
let made: Certificates
before(() => {
  if (skipWithoutOpenssl) return
  made = certificates(dir)
  const pem = (name: string) =>
    Buffer.concat(['pem', 'key'].map((end) => readFileSync(join(dir, `${name}.${end}`))))
  for (const name of ['client', 'stranger', 'expired']) writeFileSync(join(dir, `${name}.both`), pem(name))
})
after(() => rmSync(dir, { recursive: true, force: true }))

const mutual = (): AgentOptions => ({ tls: { ...made.server, ca: made.ca, requestCert: true } })
const trusting = `ssl verify required ca-file ${dir}/ca.pem`

const mistakes: readonly (readonly [
  what: string,
  options: () => AgentOptions,
  words: string,
  printed: RegExp,
])[] = [
  [
    'ssl, and an agent without TLS',
    () => ({}),
    'ssl verify none',
    /^warn connection given up: the peer speaks TLS, and this port does not: take 'ssl' from HAProxy's server line, or give createAgent the option tls code=ERR_SPOP_FRAME_TOO_BIG connection=\d+ peer=127\.0\.0\.1:\d+ /,
  ],
  [
    'no ssl, and an agent with TLS',
    () => ({ tls: made.server }),
    '',
    /^warn TLS handshake failed: the peer does not speak TLS, and this port does: add 'ssl' to HAProxy's server line, or leave the option tls out code=ERR_SSL_WRONG_VERSION_NUMBER peer=127\.0\.0\.1:\d+ /,
  ],
  [
    'send-proxy-v2',
    () => ({}),
    'send-proxy-v2',
    /^warn connection given up: the peer sends a PROXY protocol header: take 'send-proxy' or 'send-proxy-v2' from HAProxy's server line /,
  ],
  [
    'send-proxy',
    () => ({}),
    'send-proxy',
    /^warn connection given up: the peer sends a PROXY protocol header: take 'send-proxy' or 'send-proxy-v2' from HAProxy's server line /,
  ],
  [
    'no crt, and an agent that wants one',
    mutual,
    trusting,
    /^warn TLS handshake failed: client refused: it has shown no certificate: give HAProxy's server line 'crt FILE' code=ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE peer=127\.0\.0\.1:\d+ /,
  ],
  [
    'the crt of a stranger',
    mutual,
    `${trusting} crt ${dir}/stranger.both`,
    /^warn TLS client refused: its certificate is not accepted: it has signed itself, and no authority of 'ca' has code=DEPTH_ZERO_SELF_SIGNED_CERT peer=127\.0\.0\.1:\d+$/,
  ],
  [
    'a crt that has expired',
    mutual,
    `${trusting} crt ${dir}/expired.both`,
    /^warn TLS client refused: its certificate is not accepted: it has expired code=CERT_HAS_EXPIRED peer=127\.0\.0\.1:\d+$/,
  ],
]

describe('a server line that does not fit the agent is told in words', { skip: skipWithoutHaproxy() }, () => {
  for (const [what, options, words, printed] of mistakes) {
    it(what, { skip: skipWithoutOpenssl }, async (t) => {
      const lines: string[] = []
      const logger = createTextLogger((line) => lines.push(line), 'warn')
      const { port } = await startAgent(t, (agent) => void agent.message('m', () => {}), {
        ...options(),
        logger,
      })
      const haproxy = await startSpoe(t, {
        agents: `server a 127.0.0.1:${port} ${words}`,
        agentLines: 'messages m\n  timeout processing 500ms',
        messages: 'spoe-message m\n  event on-frontend-http-request',
      })
      assert.equal((await ask(haproxy.ports.fe)).status, 200)
      await until(() => lines.length > 0, 'it is told')
      assert.match(lines[0] ?? '', printed)
    })
  }

  it('a message of another name than the handler has', async (t) => {
    const lines: string[] = []
    const logger = createTextLogger((line) => lines.push(line), 'warn')
    const { port } = await startAgent(t, (agent) => void agent.message('check', () => {}), { logger })
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages chekc',
      messages: 'spoe-message chekc\n  event on-frontend-http-request',
    })
    for (let count = 0; count < 3; count++) await ask(haproxy.ports.fe)
    assert.equal(lines.length, 1)
    assert.match(
      lines[0] ?? '',
      /^warn no handler for 'chekc'; registered: check connection=\d+ peer=127\.0\.0\.1:\d+$/,
    )
  })
})
