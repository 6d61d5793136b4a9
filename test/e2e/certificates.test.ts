/** docs/certificates.md: its commands in their order, and both ends as it writes them, with the real HAProxy. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { createAgent } from 'sluice/agent'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { root, runCli } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import { ask, spoeFile } from './agent-support.ts'

const skip = skipWithoutHaproxy()
const run = promisify(execFile)
const page = readFileSync(join(root, 'docs/certificates.md'), 'utf8')
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) =>
    text.trim(),
  )

const dir = mkdtempSync(join(tmpdir(), 'certificates-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test('the commands make what both ends need, and strangers stay out', { skip }, async (t) => {
  const [make = '', probe = ''] = blocks('sh')
  await run('sh', ['-ec', make], { cwd: dir })
  const file = (name: string) => readFileSync(join(dir, name))
  const agent = createAgent({
    tls: { cert: file('agent.crt'), key: file('agent.key'), ca: file('ca.crt'), requestCert: true },
    logger: false,
  })
  let subject: string | undefined
  agent.message('m', (_, actions, { connection }) => {
    subject = connection.certificate?.subject
    actions.setVar('txn', 'ok', true)
  })
  t.after(() => agent.destroy())
  const [port = 0] = await freePorts(1)
  await agent.listen(`127.0.0.1:${port}`)

  const words = probe.replace('12345', String(port)).replace('npx sluice ', '').split(' ')
  const health = await runCli([...words, '--timeout', '20000'], { cwd: dir })
  assert.equal(health.code, 0, health.stderr)
  const stranger = words.filter((_, at) => !/^(--cert|--key|haproxy\.)/.test(words[at] ?? ''))
  assert.notEqual((await runCli(stranger, { cwd: dir })).code, 0)

  const [backend = ''] = blocks('haproxy')
  const files = Object.fromEntries(['ca.crt', 'haproxy.pem'].map((name) => [name, file(name).toString()]))
  const messages = 'spoe-message m\n  args src\n  event on-frontend-http-request'
  const agentLines = 'messages m\n  timeout processing 10s'
  const haproxy = await startHaproxy({
    ports: ['fe'],
    files: { ...files, 'spoe.conf': spoeFile({ agents: port, agentLines, messages }) },
    config: ({ fe }) => `
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend fe
  bind 127.0.0.1:${fe}
  filter spoe engine eng config spoe.conf
  http-request return status 200 hdr x-ok "%[var(txn.t.ok)]"
${backend.replace('12345', String(port))}
`,
  })
  t.after(() => haproxy.stop())
  await until(async () => (await ask(haproxy.ports.fe)).headers['x-ok'] === '1', 'answered', 20_000)
  assert.equal(subject, 'CN=haproxy')
})
