/** A rule of ours that throws costs its stream: 500 and `I` in the log, and the end when that fails as well. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProxy, loadProxy } from 'sluice/proxy'
import { openPlan } from '#src/proxy/plan/sealed.js'
import type { RulePlan } from '#src/proxy/plan/rule.js'
import { until } from '../../support/until.ts'
import { defaults, folder, rawClient } from '../support.js'
import type { Cleanup } from '../support.js'

/** A frontend whose rules of these sets throw. */
async function startFailing(t: Cleanup, ...sets: readonly ('httpRequest' | 'httpAfterResponse')[]) {
  const rules = '  http-request deny\n  http-after-response set-header x-a b\n  log-format "%ST %ts"\n'
  const dir = folder(t, { 'haproxy.cfg': `${defaults}\nfrontend fe\n  bind 127.0.0.1:65535\n${rules}` })
  const { plan } = loadProxy({ files: ['haproxy.cfg'], cwd: dir })
  assert.ok(plan)
  const [frontend] = openPlan(plan).proxies
  const endpoints = frontend?.model.binds[0]?.endpoints as { type: 'tcp'; host: string; port: number }[]
  endpoints[0] = { type: 'tcp', host: '127.0.0.1', port: 0 }
  const run = (): never => {
    throw new Error('a bug')
  }
  for (const set of sets) {
    const list = frontend?.rules[set] as RulePlan[] | undefined
    if (list?.[0] !== undefined) list[0] = { ...list[0], action: { type: 'test', run } }
  }
  const lines: string[] = []
  const proxy = createProxy(plan, { stderr: (line) => void lines.push(line) })
  t.after(() => proxy.destroy())
  await proxy.start()
  const endpoint = proxy.addresses.get('fe')?.[0]
  return { lines, port: endpoint?.type === 'tcp' ? endpoint.port : 0 }
}

describe('a rule that throws', () => {
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  it('is 500, through the rules for answers', async (t) => {
    const { port, lines } = await startFailing(t, 'httpRequest')
    const answer = await rawClient(t, port, request).until('</html>')
    assert.match(answer, /^HTTP\/1\.1 500 Internal Server Error\r\n[^]*x-a: b\r\n/)
    await until(() => lines.length === 1)
    assert.deepEqual(lines, ['500 IR'])
  })

  it('for answers, too, leaves nothing to be said: the connection ends', async (t) => {
    for (const sets of [['httpAfterResponse'], ['httpRequest', 'httpAfterResponse']] as const) {
      const { port, lines } = await startFailing(t, ...sets)
      assert.equal(await rawClient(t, port, request).untilEnd(), '')
      await until(() => lines.length === 1)
      assert.match(lines[0] ?? '', / (?:P|I)R$/)
    }
  })
})
