/** Which streams are logged, and how urgently: `dontlog-normal`, `log-separate-errors`, `dontlognull`, `set-log-level`. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deadPort, get, RawClient, startProxy } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutHaproxy()

const config = (fe: number, dead: number, options: string): string => `
defaults
  mode http
  log stdout format short local0 debug
  timeout client 1s
  timeout connect 100ms
  timeout server 1s
  retries 1
frontend f
  bind 127.0.0.1:${fe}
  ${options}
  log-format "%HP %ST"
  http-request set-log-level notice if { path_beg /notice }
  http-request set-log-level silent if { path_beg /silent }
  http-request deny if { path_end /deny }
  http-request return status 500 if { path_end /return500 }
  http-request return status 200 unless { path_end /dead }
  default_backend b
backend b
  server s 127.0.0.1:${dead}
`

const paths = ['/ok', '/deny', '/return500', '/dead', '/notice/ok', '/notice/deny', '/silent/deny']

async function play(port: number): Promise<void> {
  for (const path of paths) {
    const client = new RawClient(port)
    client.send(get(path))
    await until(() => client.received.includes('\r\n\r\n'), path)
    client.destroy()
    await sleep(20)
  }
}

describe('what is logged, and how urgently', { skip }, () => {
  for (const options of [
    '',
    'option dontlog-normal',
    'option log-separate-errors',
    'option dontlog-normal\n  option log-separate-errors',
    'option dontlog-normal\n  no option dontlog-normal',
  ]) {
    it(JSON.stringify(options), async (t) => {
      const dead = await deadPort()
      const haproxy = await startHaproxy({ ports: ['fe'], config: ({ fe }) => config(fe, dead, options) })
      t.after(() => haproxy.stop())
      const sluice = await startProxy(t, config(0, dead, options))
      await Promise.all([play(haproxy.ports.fe), play(sluice.port())])
      const theirs = haproxy
        .logs()
        .split('\n')
        .filter((line) => /^<\d>\//.test(line))
      assert.ok(theirs.length > 2, haproxy.logs())
      assert.deepEqual(
        sluice.lines.filter((line) => /^<\d>\//.test(line)),
        theirs,
      )
    })
  }
})

const lineConfig = (fe: number, keyword: string): string => `
global
  ${keyword}
defaults
  mode http
  log stdout len 8192 format raw local0
  timeout client 1s
  log-format "# %{+Q}r|%HM|%HU|%HP|%HPO|%HQ|%HV|%[capture.req.method]|%[capture.req.uri]"
frontend f
  bind 127.0.0.1:${fe}
  http-request return status 200
`

const targets = [
  '/',
  '/abcd?ef',
  'http://h/abcd?ef',
  `/${'p'.repeat(1007)}`,
  `/${'p'.repeat(1008)}`,
  `/${'p'.repeat(800)}?${'q'.repeat(800)}`,
]

describe('how much of a request line is logged', { skip }, () => {
  for (const keyword of ['', ...[7, 2000].map((each) => `tune.http.logurilen ${each}`)]) {
    it(JSON.stringify(keyword), async (t) => {
      const haproxy = await startHaproxy({ ports: ['fe'], config: ({ fe }) => lineConfig(fe, keyword) })
      t.after(() => haproxy.stop())
      const sluice = await startProxy(t, lineConfig(0, keyword))
      for (const port of [haproxy.ports.fe, sluice.port()]) {
        const client = new RawClient(port)
        client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''))
        await client.until(new RegExp(`(HTTP[^]*){${targets.length}}`))
        client.destroy()
      }
      const theirs = (): string[] => haproxy.logs().match(/^# .*(?<!BADREQ>)"\|.*/gm) ?? []
      await until(() => theirs().length === targets.length, 'a line for each')
      assert.deepEqual(sluice.lines, theirs())
    })
  }
})
