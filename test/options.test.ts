/**
 * Options mean the same wherever there are some. What there is comes from the functions themselves: each names its options
 * when it is given one that it does not know.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CorrelationStore,
  createAgent,
  createAgentCluster,
  createOffload,
  decodeHeadersBin,
  notifySystemd,
} from 'sluice/agent'
import { createEngine } from 'sluice/engine'
import { createFcgiClient, createFcgiResponder, phpFpm, resolveFcgiApp, serveFcgi } from 'sluice/fcgi'
import { createProxy, loadProxy, type Plan } from 'sluice/proxy'
import { createRecorder, replay } from 'sluice/recording'
import { createDriver, createScriptedPeer, replayCapture, runConformance } from 'sluice/testing'
import { UsageError } from 'sluice'
import { resolveProxyOptions } from '#src/proxy/settings.js'

type Given = Readonly<Record<string, unknown>>

const agent = createAgent({ logger: false })
const engine = createEngine({ servers: ['127.0.0.1:1'] })
const offload = new URL('agent/fixtures/missing.js', import.meta.url)

const { plan } = loadProxy({ files: ['/dev/null'] })

/** What takes options, each with those that it cannot do without. Everything is refused before anything is begun. */
const takers: readonly [name: string, take: (given: Given) => unknown, needed?: Given][] = [
  ['createAgent', (given) => createAgent(given)],
  ['agent.listen', (given) => agent.listen('127.0.0.1:0', given)],
  ['agent.message', (given) => agent.message('m', {}, () => {}, given)],
  ['agent.serveStatus', (given) => agent.serveStatus('127.0.0.1:0', given)],
  ['createAgentCluster', (given) => createAgentCluster('missing.js', given)],
  ['createOffload', (given) => createOffload(offload, given)],
  ['CorrelationStore', (given) => new CorrelationStore(given)],
  ['decodeHeadersBin', (given) => decodeHeadersBin(Buffer.alloc(0), given)],
  ['notifySystemd', (given) => notifySystemd(agent, given)],
  ['createEngine', (given) => createEngine(given as never), { servers: ['127.0.0.1:1'] }],
  ['createFcgiClient', (given) => createFcgiClient(given), { endpoint: '127.0.0.1:1' }],
  ['createFcgiResponder', (given) => createFcgiResponder(given as never), { onRequest: () => {} }],
  ['serveFcgi', (given) => serveFcgi(() => {}, '127.0.0.1:0', given)],
  ['phpFpm', (given) => phpFpm(given as never), { root: '/srv', socket: '127.0.0.1:1' }],
  ['resolveFcgiApp', (given) => resolveFcgiApp(given as never), { docroot: '/srv' }],
  ['loadProxy', (given) => loadProxy(given as never), { files: [] }],
  ['createProxy', (given) => createProxy(plan as Plan, given)],
  ['createRecorder', (given) => createRecorder('/dev/null/recording', given)],
  ['replay', (given) => replay([], engine, given)],
  ['createDriver', (given) => createDriver(agent, given)],
  ['createScriptedPeer', (given) => createScriptedPeer(given as never), { version: '3.5', agent }],
  ['replayCapture', (given) => replayCapture(agent, [], given)],
  ['runConformance', (given) => runConformance(agent, given)],
]

async function complaint(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error))
    assert.equal(error.code, 'ERR_SLUICE_OPTION')
    return error.message
  }
  return 'nothing'
}

const isWait = (option: string): boolean => /timeout|deadline|delay|backoff|ttl|hardStopAfter/i.test(option)

for (const [name, take, needed = {}] of takers) {
  describe(name, async () => {
    const text = await complaint(() => take({ ...needed, '?': 1 }))
    const options = /unknown option '\?'; known are (.*)$/.exec(text)?.[1]?.split(', ') ?? []

    it('names its options', () => assert.ok(options.length > 0, text))

    it('suggests one for what is nearly its name', async () => {
      for (const option of options) {
        const said = await complaint(() => take({ ...needed, [`${option}s`]: 1 }))
        assert.match(said, new RegExp(`unknown option '${option}s'; did you mean '\\w+'\\? Known are `))
      }
    })

    for (const option of options.filter(isWait)) {
      it(`${option} is no longer than a timer can wait`, async () => {
        for (const wrong of [2 ** 31, Number.MAX_SAFE_INTEGER, Infinity, NaN, -1, 0.5, '5'])
          assert.match(
            await complaint(() => take({ ...needed, [option]: wrong })),
            new RegExp(`option '${option}' must be a whole number from [01] to \\d+, not `),
          )
      })
    }
  })
}

it('an option that is undefined is not given: what the configuration says stands', () => {
  const tuned = { bufferSize: 32_768, maxHeaders: 50, hardStopAfter: 9000 } as Parameters<
    typeof resolveProxyOptions
  >[1]
  const given = { maxHeadSize: undefined, maxHeaders: undefined, hardStopAfter: undefined, lingerTimeout: 5 }
  const { maxHeadSize, maxHeaders, hardStopAfter, lingerTimeout } = resolveProxyOptions(given, tuned)
  assert.deepEqual([maxHeadSize, maxHeaders, hardStopAfter, lingerTimeout], [32_768, 49, 9000, 5])
})
