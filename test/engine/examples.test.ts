/** examples/engine: each server runs as it stands there, asks a real agent, and does without it when it is gone. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { formatEndpoint } from 'sluice'
import { createAgent } from 'sluice/agent'

const folder = 'examples/engine'

async function startAgent(t: TestContext) {
  const agent = createAgent({ closeTimeout: 100 })
  let score = 90
  let asked = 0
  agent.message('get-ip-reputation', { ip: 'ip' }, ({ ip }, actions) => {
    asked++
    assert.equal(ip.toString(), '127.0.0.1')
    actions.setVar('sess', 'ip_score', score)
  })
  const address = formatEndpoint(await agent.listen('127.0.0.1:0'))
  t.after(() => agent.close())
  return { agent, address, score: (next: number) => (score = next), asked: () => asked }
}

/** Runs an example until it says where it listens. */
async function startServer(t: TestContext, name: string, agent: string) {
  const child = spawn(process.execPath, [`${folder}/${name}`], {
    env: { ...process.env, AGENT: agent, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    const url = /listening on (http:\S+)/.exec(output)?.[1]
    if (url !== undefined) return { child, url }
  }
  throw new Error(`${name} ended without listening: ${output}`)
}

async function ask(url: string): Promise<unknown[]> {
  const response = await fetch(url, { headers: { connection: 'close' } })
  return [response.status, await response.text(), response.headers.get('x-agent-status')]
}

/** The agent has a tenth of a second, which a busy machine may not give it. */
async function answered(url: string): Promise<unknown[]> {
  for (let tries = 1; ; tries++) {
    const answer = await ask(url)
    if (answer[2] === null || tries === 20) return answer
  }
}

const names = readdirSync(folder)

test('there are three', () => assert.deepEqual(names, ['express.js', 'fastify.js', 'node-http.js']))

for (const name of names) {
  test(`${folder}/${name}`, { timeout: 30_000 }, async (t) => {
    const { agent, address, score, asked } = await startAgent(t)
    const { child, url } = await startServer(t, name, address)
    assert.deepEqual(await answered(url), [200, 'welcome\n', null])
    score(10)
    assert.deepEqual(await answered(url), [403, 'go away\n', null])
    assert.ok(asked() >= 2)
    await agent.close()
    const [status, text, agentStatus] = await ask(url)
    assert.deepEqual([status, text], [200, 'welcome\n'])
    // Whether it is not there, or was not back in time.
    assert.match(String(agentStatus), /^(1|257)$/)
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
}
