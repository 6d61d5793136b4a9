/** A health check that reads php-fpm's status page, and what the proxy's statistics make of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createProxy, formatDiagnostic, loadProxy } from 'sluice/proxy'
import type { CheckStats } from 'sluice/proxy'
import { freePorts } from '../support/ports.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'

const scripts = { 'wait.php': `<?php while (!file_exists(__DIR__ . '/go')) usleep(10000); echo 'gone';` }

async function start(
  t: TestContext,
  lines: readonly string[],
  { docroot, server, check = '' }: { docroot: string; server: string; check?: string },
) {
  const dir = mkdtempSync(join(tmpdir(), 'php-status-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'haproxy.cfg')
  const [port = 0] = await freePorts(1)
  writeFileSync(
    file,
    `defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 5s
  timeout check 10s
frontend fe
  bind 127.0.0.1:${port}
  default_backend php
backend php
  option httpchk GET /status?json
  ${lines.join('\n  ')}
  use-fcgi-app php
  server fpm ${server} proto fcgi check ${check} inter 100ms rise 1 fall 1
fcgi-app php
  docroot ${docroot}
`,
  )
  const { plan, diagnostics } = loadProxy({ files: [file], env: {}, cwd: dir })
  assert.ok(plan !== undefined, diagnostics.map(formatDiagnostic).join('\n'))
  const proxy = createProxy(plan)
  await proxy.start()
  t.after(() => proxy.destroy())
  /** What the statistics say when they say so; as JSON has it. */
  const until = async (
    holds: (check: CheckStats | undefined, usable: boolean) => boolean,
  ): Promise<CheckStats> => {
    for (const end = performance.now() + 30_000; performance.now() < end;) {
      const { backends } = JSON.parse(JSON.stringify(proxy.stats)) as typeof proxy.stats
      const { check, usable = false } = backends[0]?.servers[0] ?? {}
      if (check !== undefined && holds(check, usable)) return check
      await sleep(10)
    }
    throw new Error(JSON.stringify(proxy.stats.backends))
  }
  return { proxy, until, ask: (path: string) => fetch(`http://127.0.0.1:${port}${path}`) }
}

describe("php-fpm's status page", { skip: skipWithoutPhpFpm() }, () => {
  it('is shown by the live page', async (t) => {
    const php = await startPhpFpm({ scripts, children: 4, settings: ['pm.status_path = /status'] })
    t.after(() => php.stop())
    const { proxy, until } = await start(t, [], { docroot: php.docroot, server: php.socket })
    await until((check) => check?.passed === true)
    const { url } = await proxy.serveStatus('127.0.0.1:0')
    assert.match(
      await (await fetch(url)).text(),
      /php\/fpm.*idle processes 3 .*active processes 1 .*code 200/,
    )
    const metrics = await (await fetch(`${url}metrics`)).text()
    assert.match(metrics, /^sluice_proxy_server\{server="php\/fpm",field="total processes"\} 4$/m)
  })

  it('is read by checks, and shown by the statistics', async (t) => {
    const php = await startPhpFpm({ scripts, children: 4, settings: ['pm.status_path = /status'] })
    t.after(() => php.stop())
    const { until, ask } = await start(t, ['http-check expect status 200'], {
      docroot: php.docroot,
      server: php.socket,
    })
    const before = await until((check) => check?.passed === true)
    assert.equal(before.status, 'Layer7 check passed')
    assert.equal(before.code, 200)
    assert.ok(Math.abs(Date.now() - before.at) < 60_000 && before.duration >= 0)
    const { pool, 'total processes': total, 'listen queue': queue } = before.values
    assert.deepEqual([pool, total, queue], ['www', 4, 0])
    // The check itself takes one of the workers.
    assert.equal(before.values['active processes'], 1)
    const waiting = ask('/wait.php')
    await until((check) => check?.values['active processes'] === 2 && check.values['idle processes'] === 2)
    writeFileSync(join(php.docroot, 'go'), '')
    assert.equal(await (await waiting).text(), 'gone')
    await until((check) => check?.values['active processes'] === 1)
  })

  it('takes a server out while requests wait there, asked where no worker is needed', async (t) => {
    const [port = 0, statusPort = 0] = await freePorts(2)
    const settings = ['pm.status_path = /status', `pm.status_listen = 127.0.0.1:${statusPort}`]
    const php = await startPhpFpm({ scripts, children: 1, port, settings })
    t.after(() => php.stop())
    const { until, ask } = await start(
      t,
      [String.raw`http-check expect ! rstring "\"listen queue\":[2-9]"`],
      {
        docroot: php.docroot,
        server: `127.0.0.1:${port}`,
        check: `port ${statusPort}`,
      },
    )
    await until((check, usable) => check?.passed === true && usable)
    const waiting = [ask('/wait.php'), ask('/wait.php'), ask('/wait.php')]
    const full = await until((check, usable) => !usable && check?.values['listen queue'] === 2)
    assert.deepEqual([full.passed, full.status], [false, 'Layer7 invalid response'])
    writeFileSync(join(php.docroot, 'go'), '')
    for (const each of waiting) assert.equal(await (await each).text(), 'gone')
    await until((check, usable) => check?.passed === true && usable)
  })
})
