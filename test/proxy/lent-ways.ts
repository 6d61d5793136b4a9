/** Configurations that keep bytes of requests and answers in all the ways there are, for tests of bytes that are lent. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createAgent } from 'sluice/agent'
import { tempDir } from '../fcgi/support.ts'
import { fcgiJudge, httpJudge } from './lent-judges.ts'
import type { Manners } from './lent-judges.ts'
import { bodyOf } from './lent-support.ts'
import type { Answer, Wanted } from './lent-support.ts'
import { deadPort, defaults, startProxy } from './support.js'
import type { Cleanup } from './support.js'

/** One of them. */
export interface Way {
  /** Lines of the frontend, before the backend is chosen. */
  readonly front?: string
  /** Lines of the backend. */
  readonly back?: string
  /** Behind the address of the server. */
  readonly server?: string
  /** Lines of the section `fcgi-app`: its server is an application. */
  readonly app?: string
  /** How the application's answers are cut, in bytes. */
  readonly cuts?: readonly number[]
  readonly manners?: Manners
  /** The largest body of a request that it takes, in bytes. @default none */
  readonly most?: number
  readonly check?: (answer: Answer, wanted: Wanted) => void
}

/** What a rule has kept of a body until its answer leaves. */
const seen = ({ id, size }: Wanted): string => bodyOf(id, size).slice(0, 12).trimEnd()

const readsBody: Way = {
  front:
    '  declare capture request len 40\n  option http-buffer-request\n  http-request capture req.body id 0\n' +
    '  http-request set-var(txn.body) req.body\n',
  back:
    '  http-response set-header X-Captured %[capture.req.hdr(0)]\n' +
    '  http-response set-header X-Seen %[var(txn.body),bytes(0,12)]\n',
  check: ({ headers }, wanted) => {
    assert.equal(headers.get('x-seen'), seen(wanted))
    assert.equal(headers.get('x-captured'), bodyOf(wanted.id, wanted.size).slice(0, 40).trimEnd())
  },
}

const asksAgents: Way = {
  front:
    '  option http-buffer-request\n  filter spoe config spoe.conf\n' +
    '  http-response set-header X-Asked %[var(txn.p.req)]\n  http-response set-header X-Told %[var(txn.p.res)]\n',
  check: ({ headers }, wanted) => {
    assert.equal(headers.get('x-asked'), `${wanted.id} ${seen(wanted)}`.trim())
    assert.ok(`${wanted.id} ${bodyOf(wanted.id, wanted.answer)}`.startsWith(headers.get('x-told') ?? '?'))
  },
}

const inspects = '  tcp-response inspect-delay 2s\n  tcp-response content accept if WAIT_END\n'
const readsAnswer = '  http-response set-header X-Size %[res.body,length]\n'
const odd = [1, 7, 3, 8, 30, 1, 2, 1000, 60_000]
const large = [65_536]
const mpxs = '  option mpxs-conns\n  option max-reqs 20\n'

/** By their names. */
export const ways: Readonly<Record<string, Way>> = {
  'no rules': {},
  'a unix socket': { manners: { transport: 'unix' } },
  'an application on a unix socket': { app: mpxs, cuts: odd, manners: { transport: 'unix' } },
  'rules that read, keep and capture the body': readsBody,
  'agents that are asked about bodies': asksAgents,
  'a request that is sent again': {
    back: '  retry-on 503\n  option redispatch\n',
    manners: { refuses: true },
    most: 16_000,
  },
  'a server that is gone': { back: '  option redispatch 1\n  server dead 127.0.0.1:DEAD\n', most: 16_000 },
  'a queue': { server: 'maxconn 1' },
  'a frontend that is full': { front: '  maxconn 2\n' },
  'a server that is late': { manners: { late: 15 } },
  'connections that are not kept': { back: '  option httpclose\n' },
  'TCP that turns out to be HTTP': { front: '  mode tcp\n' },
  'TCP whose rules wait for a request': {
    front: '  mode tcp\n  tcp-request inspect-delay 2s\n  tcp-request content accept if HTTP\n',
  },
  'an application': { app: '', cuts: large },
  'an application, rules': { ...readsBody, app: '', cuts: odd },
  'an application whose answer waits': { app: mpxs, cuts: large, back: inspects },
  'an application whose answer is read': { app: mpxs, cuts: odd, back: readsAnswer },
  'an application, agents': { ...asksAgents, app: mpxs, cuts: odd },
  'an application, a temporary file': { app: '  unsized-body-memory 4000\n', cuts: odd },
  'an application that is asked again': {
    app: mpxs,
    cuts: large,
    back: '  retry-on 503\n',
    manners: { refuses: true },
    most: 16_000,
  },
}

const spoe = `spoe-agent a
  messages req res
  option var-prefix p
  timeout processing 5s
  use-backend agents
spoe-message req
  args id=req.hdr(x-id) body=req.body,bytes(0,4000)
  event on-backend-http-request
spoe-message res
  args id=res.hdr(x-id) body=res.body,bytes(0,4000)
  event on-http-response
`

async function startAgent(t: Cleanup): Promise<number> {
  const agent = createAgent()
  const args = { id: 'string', body: 'latin1' } as const
  for (const name of ['req', 'res'])
    agent.message(name, args, async ({ id, body }, actions) => {
      await new Promise(setImmediate)
      actions.setVar('txn', name, `${id} ${body.slice(0, 12).trimEnd()}`)
    })
  const endpoint = await agent.listen('127.0.0.1:0')
  t.after(() => agent.close())
  return endpoint.type === 'tcp' ? endpoint.port : 0
}

/** Starts a proxy that has it, with its server; answers its port, and the path of its unix socket. */
export async function startWay(t: Cleanup, way: Way): Promise<readonly [number, string]> {
  const { front = '', back = '', server = '', app, manners } = way
  const asks = front.includes('spoe.conf')
  const address =
    app === undefined ? await httpJudge(t, manners) : await fcgiJudge(t, way.cuts ?? large, manners)
  const agents = asks ? `backend agents\n  mode tcp\n  server a 127.0.0.1:${await startAgent(t)}\n` : ''
  const isFcgi = app !== undefined
  const path = join(tempDir(t), 'proxy.sock')
  const proxy = await startProxy(
    t,
    `${defaults}${isFcgi ? `fcgi-app app\n  docroot /srv\n${app}` : ''}frontend fe\n  bind 127.0.0.1:0\n  bind unix@${path}\n${front}` +
      `  default_backend be\nbackend be\n${isFcgi ? '  use-fcgi-app app\n' : ''}` +
      `${back.replace('DEAD', String(await deadPort()))}  server s ${address} ${isFcgi ? 'proto fcgi ' : ''}${server}\n${agents}`,
    { files: { 'spoe.conf': spoe } },
  )
  return [proxy.port(), path]
}
