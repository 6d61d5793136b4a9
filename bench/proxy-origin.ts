/** What the gateways of the proxy cases are configured with, and what stands behind them on core 1. */
import { patternList } from './growth-lists.js'
import { manyMessages, messageName } from './payloads.js'
import { fcgiBackend, isFcgi, startFcgiOrigin, type FcgiSetup } from './fcgi-origin.js'
import { compile, start, startScript } from './processes.js'
import type { Listening, Origin } from './origin.js'

/**
 * What a gateway does: passes on, asks an agent and answers itself, asks a FastCGI application, passes on and logs, or looks for the path
 * in a list and answers itself.
 */
export type ProxySetup =
  | 'http'
  | 'spoe'
  | 'spoe-20x20'
  | 'log-udp'
  | 'log-stdout'
  | 'list-none'
  | 'list-sub'
  | 'list-reg'
  | FcgiSetup

/** `length` is that of the body of an answer. */
export async function startOrigin(setup: ProxySetup, length: number): Promise<Origin> {
  if (isFcgi(setup)) return startFcgiOrigin(setup)
  const running = await (setup === 'spoe' || setup === 'spoe-20x20'
    ? startScript(1, 'agent-server', setup === 'spoe' ? 'one' : 'many')
    : start(1, [compile('http-origin') ?? '', '-l', String(length)]))
  return { address: `127.0.0.1:${running.line}`, path: '/', stop: () => running.stop() }
}

/** The files of a gateway; `haproxy.cfg` is the first to be read. */
export function proxyConfiguration(
  setup: ProxySetup,
  port: number,
  origin: Listening,
): Readonly<Record<string, string>> {
  const head = `
global
    nbthread 1
    maxconn 6000
defaults
    mode http
    timeout connect 2s
    timeout client 1m
    timeout server 1m
frontend fe
    bind 127.0.0.1:${port}`
  switch (setup) {
    case 'http':
      return { 'haproxy.cfg': `${head}\n${httpBackend(origin)}` }
    case 'log-udp':
      return { 'haproxy.cfg': `${head}\n${logTo(`${origin.address} local0`)}${httpBackend(origin)}` }
    case 'log-stdout':
      return { 'haproxy.cfg': `${head}\n${logTo('stdout format raw local0')}${httpBackend(origin)}` }
    case 'fcgi':
    case 'fcgi-c':
    case 'fcgi-go':
    case 'fcgi-go-mux':
      return { 'haproxy.cfg': `${head}\n${fcgiBackend(setup, origin)}` }
    case 'list-none':
      return { 'haproxy.cfg': `${head}\n${returnOk}` }
    case 'list-sub':
      return { 'haproxy.cfg': `${head}\n${denyListed('sub')}`, list: patternList('sub', 100_000) }
    case 'list-reg':
      return { 'haproxy.cfg': `${head}\n${denyListed('reg')}`, list: patternList('reg', 1000) }
    case 'spoe':
      return {
        'haproxy.cfg': `${head}\n${spoeBackend(origin)}`,
        'spoe.conf': spoe([messageName], ['ip=src']),
      }
    case 'spoe-20x20':
      return {
        'haproxy.cfg': `${head}\n${spoeBackend(origin)}`,
        'spoe.conf': spoe(manyMessages, manyArguments),
      }
  }
}

const returnOk = `    http-request return status 200 content-type text/plain string ok
`

const denyListed = (method: string) => `    http-request deny if { path -m ${method} -f list }
${returnOk}`

const logTo = (target: string) => `    option httplog
    log ${target}
`

const httpBackend = ({ address }: Listening) => `    default_backend be
backend be
    server origin ${address}
`

const spoeBackend = ({ address }: Listening) => `    filter spoe engine bench config spoe.conf
    http-request return status 200 content-type text/plain string ok hdr x-score %[var(sess.b.ip_score)]
backend agents
    mode tcp
    server agent ${address}
`

const spoe = (messages: readonly string[], args: readonly string[]) => `
[bench]
spoe-agent bench
    messages ${messages.join(' ')}
    option var-prefix b
    timeout hello 2s
    timeout idle 1m
    timeout processing 1s
    use-backend agents
${messages
  .map((name) => `spoe-message ${name}\n    args ${args.join(' ')}\n    event on-frontend-http-request\n`)
  .join('')}`

/** Of every type, present and missing. */
const manyArguments = (
  'ip=src port=src_port dst=dst dst_port=dst_port method=method path=path url=url query=query version=req.ver ' +
  'host=req.hdr(host) agent=req.hdr(user-agent) sid=req.cook(sid) accept=req.hdr(accept) from=req.hdr(x-forwarded-for) ' +
  'count=req.hdr_cnt(accept) fe=fe_name tls=ssl_fc number=int(5000000) text=str(text) yes=bool(true)'
).split(' ')
