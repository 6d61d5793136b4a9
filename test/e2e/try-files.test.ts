/** `http-request try-files` when the system has no more descriptors: the page of a status, and why. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { it } from 'node:test'
import { RawHttp } from '../support/raw-http.ts'
import type { RawReply } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const prlimit = '/usr/bin/prlimit'

it('a file that cannot be opened is 500, and the log says why', { skip: !existsSync(prlimit) }, async (t) => {
  const sluice = await startSluice({
    ports: ['fe'],
    files: { 'www/hello.txt': 'hello' },
    config: ({ fe }) => `
defaults
  mode http
  log stdout format raw local0
  timeout client 5s
  timeout server 5s
  timeout connect 5s
listen fe
  bind 127.0.0.1:${fe}
  log-format "%ST %tsc %HU"
  http-request try-files root www $uri =404
`,
  })
  t.after(() => sluice.stop())
  const client = new RawHttp(sluice.ports.fe)
  t.after(() => client.close())
  const ask = async (): Promise<string> => {
    client.send('GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n')
    return ((await client.reply()) as RawReply).line
  }
  assert.equal(await ask(), 'HTTP/1.1 200 OK')
  // What is open stays open.
  const { status, stderr } = spawnSync(prlimit, ['--pid', String(sluice.pid), '--nofile=3'], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.match(await ask(), /^HTTP\/1.1 500 /)
  await sluice.waitForLog(/500 IR-- \/hello.txt/)
  await sluice.waitForLog(/EMFILE: too many open files, open '.*\/www\/hello.txt'/)
})
