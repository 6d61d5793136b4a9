/**
 * SPOE through HAProxy and through sluice: the same configuration, the same SPOE file, the same agent. Variables,
 * scopes, statuses and the lines that both log are compared.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent, IpAddress } from 'sluice/agent'
import type { Agent, TypedData } from 'sluice/agent'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { RawClient, startProxy } from '../proxy/support.ts'
import type { TestProxy } from '../proxy/support.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutHaproxy()

interface Ports {
  readonly fe: number
  readonly listen: number
  readonly dead: number
  readonly agent: number
  readonly tcp: number
}

const config = ({ fe, listen, dead, agent, tcp }: Ports): string => `
defaults
  mode http
  log stderr format raw local0
  timeout client 2s
  timeout server 2s
  timeout connect 1s
frontend fe
  bind 127.0.0.1:${fe}
  filter spoe engine main config spoe.conf
  http-request set-var(txn.seen) var(txn.m.score),add(1)
  http-request send-spoe-group main grp if { path /group }
  http-request deny deny_status 429 if { var(txn.m.score) -m int lt 10 }
  http-request set-header X-Score "%[var(txn.m.score)]"
  http-response set-header X-Score "%[var(txn.m.score)]"
  http-response set-header X-Seen "%[var(txn.seen)]"
  http-response set-header X-Sess "%[var(sess.m.sess)]"
  http-response set-header X-Proc "%[var(proc.m.proc)]"
  http-response set-header X-Req "%[var(req.m.req)]"
  http-response set-header X-Res "%[var(res.m.res)]"
  http-response set-header X-Unknown "%[var(txn.m.unknown)]"
  http-response set-header X-Forced "%[var(txn.m.forced)]"
  http-response set-header X-Unset "%[var(txn.m.unset)]"
  http-response set-header X-Types "%[var(txn.m.null)]/%[var(txn.m.true)]/%[var(txn.m.neg)]/%[var(txn.m.big)]/%[var(txn.m.ip4)]/%[var(txn.m.ip6)]/%[var(txn.m.bin),hex]"
  http-response set-header X-Err "%[var(txn.m.err)]"
  http-response set-header X-Group "%[var(txn.m.grp)]"
  http-response set-header X-Backend "%[var(txn.m.backend)]"
  http-response set-header X-Echo "%[var(txn.m.echo)]"
  http-response set-header X-Slow "%[var(txn.m.slow)]"
  default_backend web
backend web
  filter spoe engine second config spoe.conf
  http-request set-header X-Second "%[var(txn.s.backend)]"
  http-response set-header X-Second "%[var(txn.s.backend)]"
  http-response set-header X-Error "%[var(txn.s.err)]"
  server origin 127.0.0.1:${listen}
listen origin
  bind 127.0.0.1:${listen}
  http-request return status 200 content-type text/plain lf-string "%[req.hdr(X-Score)]|%[req.hdr(X-Second)]"
frontend broken
  bind 127.0.0.1:${dead}
  filter spoe engine broken config spoe.conf
  http-request set-header X-Err "%[var(txn.b.err)]"
  http-response set-header X-Err "%[var(txn.b.err)]"
  http-response set-header X-Process "%[var(txn.b.pt),bool]"
  default_backend plain
backend plain
  server origin 127.0.0.1:${listen}
listen stream
  mode tcp
  bind 127.0.0.1:${tcp}
  filter spoe engine tcp config spoe.conf
  tcp-request content reject if { var(sess.t.verdict) -m str bad }
  server origin 127.0.0.1:${listen}
backend agents
  mode tcp
  server a 127.0.0.1:${agent}
backend nobody
  mode tcp
  server a 127.0.0.1:1
`

const spoe = `
[main]
spoe-agent main-agent
  log stderr format raw local0
  messages on-request on-conditional types on-response slow
  groups grp
  option var-prefix m
  option set-on-error err
  timeout hello 500ms
  timeout idle 10s
  timeout processing 300ms
  register-var-names forced
  use-backend agents
spoe-message on-request
  args path=path src method=method missing=req.hdr(nope) ua=req.hdr(user-agent) int(-5) ok=bool(true) bytes=str(YQ==),b64dec
  event on-frontend-http-request
spoe-message on-conditional
  acl is_special path_beg /special
  args path=path
  event on-frontend-http-request if is_special
spoe-message types
  event on-frontend-http-request if { path /types }
spoe-message slow
  event on-frontend-http-request if { path /slow }
spoe-message on-response
  args status=status
  event on-http-response if { var(txn.m.score) -m found }
spoe-message in-group
  args path=path
spoe-group grp
  messages in-group

[second]
spoe-agent second-agent
  log stderr format raw local0
  messages in-backend
  option var-prefix s
  option set-on-error err
  timeout processing 300ms
  use-backend agents
spoe-message in-backend
  args be=be_name path=path
  event on-backend-http-request

[broken]
spoe-agent broken-agent
  log stderr format raw local0
  messages never
  option var-prefix b
  option set-on-error err
  option set-process-time pt
  timeout processing 200ms
  use-backend nobody
spoe-message never
  event on-frontend-http-request

[tcp]
spoe-agent tcp-agent
  messages hello
  option var-prefix t
  timeout processing 300ms
  use-backend agents
spoe-message hello
  args port=src_port
  event on-frontend-tcp-request
`

function textOf(value: TypedData | undefined): string {
  if (value === undefined || value.type === 'null') return 'nothing'
  return value.type === 'binary' ? value.value.toString('hex') : String(value.value)
}

/** Answers by path, and says what it was told. */
function makeAgent(): Agent {
  const agent = createAgent()
  agent.message('on-request', (message, actions) => {
    const args = message.args.map(([name, value]) => `${name}:${value.type}:${textOf(value)}`)
    const path = textOf(message.get('path'))
    actions.setVar('txn', 'echo', args.join(','))
    actions.setVar('txn', 'score', path === '/bad' ? 3 : 90)
    actions.setVar('sess', 'sess', 'in-session')
    actions.setVar('proc', 'proc', 'in-process')
    actions.setVar('req', 'req', 'in-request')
    actions.setVar('res', 'res', 'too-early')
    actions.setVar('txn', 'unset', 'x')
    actions.unsetVar('txn', 'unset')
    actions.setVar('txn', 'nobodyknows', 'x')
    actions.setVar('txn', 'forced', 'yes')
  })
  agent.message('on-conditional', (_message, actions) => void actions.setVar('txn', 'unknown', 'special'))
  agent.message('types', (_message, actions) => {
    actions.setVar('txn', 'null', null)
    actions.setVar('txn', 'true', true)
    actions.setVar('txn', 'neg', -7)
    actions.setVar('txn', 'big', 9_007_199_254_740_993n)
    actions.setVar('txn', 'ip4', { type: 'ipv4', value: IpAddress.parse('192.0.2.1') })
    actions.setVar('txn', 'ip6', { type: 'ipv6', value: IpAddress.parse('2001:db8::1') })
    actions.setVar('txn', 'bin', Buffer.from('00ff10', 'hex'))
  })
  agent.message('slow', () => sleep(600))
  agent.message('on-response', (message, actions) => {
    actions.setVar('res', 'res', textOf(message.get('status')))
  })
  agent.message('in-group', (_message, actions) => void actions.setVar('txn', 'grp', 'grouped'))
  agent.message('in-backend', (message, actions) => {
    actions.setVar(
      'txn',
      'backend',
      message.args.map(([, value]) => `${value.type}:${textOf(value)}`).join('/'),
    )
  })
  agent.message('hello', (_message, actions) => void actions.setVar('sess', 'verdict', 'good'))
  return agent
}

const request = (path: string): string =>
  ['GET ' + path + ' HTTP/1.1', 'Host: a', 'User-Agent: parity', 'Connection: close', '', ''].join('\r\n')

describe('SPOE through the proxy and through HAProxy 2.6', { skip, concurrency: false }, () => {
  let haproxy: Haproxy<'fe' | 'listen' | 'dead' | 'agent' | 'tcp'>
  let sluice: TestProxy
  let agent: Agent
  const cleanups: (() => void | Promise<void>)[] = []

  before(async () => {
    agent = makeAgent()
    const endpoint = await agent.listen('127.0.0.1:0')
    const port = endpoint.type === 'tcp' ? endpoint.port : 0
    haproxy = await startHaproxy({
      ports: ['fe', 'listen', 'dead', 'agent', 'tcp'],
      foreign: ['agent'],
      config: (ports) => config({ ...ports, agent: port }),
      files: { 'spoe.conf': spoe },
    })
    const t = { after: (callback: () => void | Promise<void>) => void cleanups.push(callback) }
    // The origin is HAProxy's for both.
    const text = config({ ...haproxy.ports, fe: 0, dead: 0, tcp: 0, agent: port })
    const withoutOrigin = text.replace(/listen origin\n(?: .*\n)*/, '')
    sluice = await startProxy(t, withoutOrigin, { files: { 'spoe.conf': spoe } })
  })

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
    await haproxy?.stop()
    await agent?.close()
  })

  const compare = async (theirs: number, ours: number, path: string): Promise<string> => {
    const answers = await Promise.all(
      [theirs, ours].map(async (port) => {
        const client = new RawClient(port)
        const answer = await client.send(request(path)).untilEnd()
        client.destroy()
        return answer
      }),
    )
    assert.equal(answers[1], answers[0])
    return answers[0] ?? ''
  }

  for (const path of ['/x', '/bad', '/special', '/types', '/group']) {
    it(`answers alike: ${path}`, async () => {
      const answer = await compare(haproxy.ports.fe, sluice.port('fe'), path)
      assert.match(answer, path === '/bad' ? /^HTTP\/1.1 429 / : /^HTTP\/1.1 200 /)
    })
  }

  it('tells the agent the same', async () => {
    const answer = await compare(haproxy.ports.fe, sluice.port('fe'), '/x')
    assert.match(answer, /x-echo: path:string:\/x,:ipv4:127\.0\.0\.1,method:string:GET,missing:null:nothing,/)
    assert.match(answer, /ua:string:parity,:int64:-5,ok:boolean:true,bytes:binary:61/)
    assert.match(answer, /x-score: 90\r\nx-seen: 91\r\nx-sess: in-session\r\nx-proc: in-process\r\n/)
  })

  it('goes on without an agent that takes too long, and says so in a variable', async () => {
    const answer = await compare(haproxy.ports.fe, sluice.port('fe'), '/slow')
    assert.match(answer, /x-err: 1\r\n/)
  })

  it('goes on without an agent that is not there: at once, where HAProxy waits for the whole timeout', async () => {
    const ask = async (port: number): Promise<string> => {
      const client = new RawClient(port)
      const answer = await client.send(request('/x')).untilEnd()
      client.destroy()
      return answer
    }
    const theirs = await ask(haproxy.ports.dead)
    assert.match(theirs, /x-err: 1\r\n/)
    assert.equal((await ask(sluice.port('broken'))).replace('x-err: 257', 'x-err: 1'), theirs)
  })

  it('asks for TCP streams', async () => {
    await compare(haproxy.ports.tcp, sluice.port('stream'), '/x')
  })

  it('logs alike', async () => {
    const plain = (line: string): string =>
      line
        .replace(/sid=\d+/, 'sid=N')
        .replace('st=257', 'st=1')
        .replace(/ -?\d+\/-?\d+\/-?\d+\/-?\d+\/-?\d+ \d+\/\d+ \d+\/\d+ \d+\/\d+$/, ' TIMES')
    const isSpoe = (line: string): boolean => line.startsWith('SPOE: ')
    await until(() => sluice.lines.some((line) => line.includes('broken-agent')))
    const theirs = new Set(haproxy.logs().split('\n').filter(isSpoe).map(plain))
    const ours = new Set(sluice.lines.filter(isSpoe).map(plain))
    assert.deepEqual([...ours].sort(), [...theirs].sort())
  })
})
