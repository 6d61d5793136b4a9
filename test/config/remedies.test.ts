/** What is refused, or ignored, says what to do about it, where there is something to be done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remedyFor } from '#src/config/index.js'
import { loadProxy } from 'sluice/proxy'
import { makeFolder } from '../support/sluice.ts'

const rows: readonly (readonly [line: string, remedy: RegExp])[] = [
  ['bind :443 ssl', /speaks no TLS/],
  ['bind :443 alpn h2', /speaks no TLS/],
  ['bind :80 accept-proxy', /PROXY protocol/],
  ['server a 192.0.2.1:1 sni str(a)', /speaks no TLS/],
  ['server a 192.0.2.1:1 cookie a', /req\.cook\(NAME\)/],
  ['server a 192.0.2.1:1 send-proxy-v2', /PROXY protocol/],
  ['server a 192.0.2.1:1 resolvers dns', /by the system, for each connection/],
  ['server-template a 1-3 example.com:80', /a 'server' line for each/],
  ['cookie SRV insert', /req\.cook\(NAME\)/],
  ['stick on src', /req\.cook\(NAME\)/],
  ['stick-table type ip size 1k', /sluice agent rate-limit/],
  ['http-request track-sc0 src', /sluice agent rate-limit/],
  ['http-request sc-inc-gpc0(0)', /sluice agent rate-limit/],
  ['http-request deny if { sc_http_req_rate(0) gt 20 }', /sluice agent rate-limit/],
  ['http-request deny if { src_conn_cur ge 10 }', /sluice agent rate-limit/],
  ['stats uri /stats', /proxy\.stats/],
  ['compression algo gzip', /compress and cache/],
  ['filter compression', /compress and cache/],
  ['http-request cache-use c', /compress and cache/],
  ['http-request auth', /examples\/auth/],
  ['http-request deny unless { http_auth(L) }', /examples\/auth/],
  ['http-request do-resolve(txn.a,dns) hdr(host)', /by the system/],
  ['http-request set-map(a) %[src] 1', /read once, at the start/],
  ['http-request use-service prometheus-exporter', /sluice run --status/],
  ['option mysql-check', /'option httpchk'/],
  ['tcp-check send PING', /'option httpchk'/],
  // Nothing is to be done about these, or their lines say it themselves.
  ['server a 192.0.2.1:1 slowstart 1s', /would not do what this file says/],
  ['server a 192.0.2.1:1 source 192.0.2.2', /would not do what this file says/],
]

test('each feature that is not there says once what to do in its place', () => {
  const lines = rows.map(([line]) => `  ${line}\n`).join('')
  const { dir, remove } = makeFolder({ 'a.cfg': `listen a\n  mode http\n${lines}` })
  const { diagnostics } = loadProxy({ files: ['a.cfg'], cwd: dir })
  remove()
  for (const [at, [line, remedy]] of rows.entries()) {
    const hints = diagnostics.filter(({ place }) => place.line === at + 3).map(({ hint }) => hint)
    assert.ok(
      hints.some((hint) => hint !== undefined && remedy.test(hint)),
      `${line}: ${hints.join(' | ')}`,
    )
  }
})

test('what is there has no such words', () => {
  for (const keyword of ['source', 'http-request deny', 'option httpchk', 'check', 'fetch src', 'fetch path'])
    assert.equal(remedyFor(keyword), undefined, keyword)
})
