/** The recipes of docs/fcgi.md that php-site.test.ts has not: examples/php-site with the lines that they name, and a real php-fpm. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import type { IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { RawClient } from '../proxy/support.ts'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { startSluice } from '../support/sluice.ts'

const symfony = '/usr/share/php/Symfony/Component/HttpFoundation/autoload.php'

const scripts = {
  // What Laravel's Request is made of, too.
  'index.php': `<?php require '${symfony}';
$r = Symfony\\Component\\HttpFoundation\\Request::createFromGlobals();
header('Content-Type: application/json');
echo json_encode([$r->getUri(), $r->getBaseUrl(), $r->getPathInfo(), $r->isSecure()], JSON_UNESCAPED_SLASHES);`,
  'upload.php': `<?php echo $_FILES['f']['size'], ' ', md5_file($_FILES['f']['tmp_name']);`,
  'events.php': `<?php header('Content-Type: text/event-stream');
for ($i = 0; $i < 3; $i++) { usleep(700000); echo "data: $i\\n\\n"; flush(); }`,
  'silent.php': `<?php sleep(30);`,
  // How many are at it.
  'busy.php': `<?php $mark = __DIR__ . '/busy-' . getmypid(); touch($mark);
usleep(50000); echo count(glob(__DIR__ . '/busy-*')); unlink($mark);`,
}

describe('a recipe for PHP', { skip: skipWithoutPhpFpm() }, () => {
  let php: PhpFpm
  before(async () => {
    php = await startPhpFpm({
      scripts,
      children: 3,
      ini: ['extension=ctype', 'extension=mbstring', 'post_max_size=64M', 'upload_max_filesize=64M'],
    })
  })
  after(() => php.stop())

  /** The example, with changes. */
  async function site(
    t: TestContext,
    change: (config: string) => string = (config) => config,
    docroot = php.docroot,
  ) {
    const config = change(readFileSync('examples/php-site/haproxy.cfg', 'utf8'))
    const sluice = await startSluice({
      ports: ['fe'],
      config: ({ fe }) => config.replace('${PORT-8080}', String(fe)),
      env: { DOCROOT: docroot, PHP_FPM: php.socket },
    })
    t.after(() => sluice.stop())
    return `http://127.0.0.1:${sluice.ports.fe}`
  }

  const json = async (url: string) => (await (await fetch(url)).json()) as unknown

  it('serves a front controller of Symfony and Laravel', { skip: !existsSync(symfony) }, async (t) => {
    const url = await site(t)
    for (const [path, base, info] of [
      ['/', '', '/'],
      ['/blog/gr%C3%B6%C3%9Fe?page=2', '', '/blog/gr%C3%B6%C3%9Fe'],
      ['/a%2Fb/c+d/', '', '/a%2Fb/c+d/'],
      ['/index.php/', '/index.php', '/'],
      ['/index.php/admin/1?x=%20', '/index.php', '/admin/1'],
    ] as const) {
      assert.deepEqual(await json(url + path), [url + path, base, info, false], path)
    }
  })

  const needs = !existsSync(symfony) || skipWithoutHaproxy() || skipWithoutOpenssl
  it('tells PHP of TLS that a proxy ends', { skip: needs }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'php-recipes-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    const { ca, server } = certificates(dir)
    const url = await site(t)
    const haproxy = await startHaproxy({
      ports: ['fe'],
      files: { 'site.pem': `${String(server.cert)}${String(server.key)}` },
      config: ({ fe }) => `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
listen fe
  bind 127.0.0.1:${fe} ssl crt site.pem
  http-request set-header X-Forwarded-Proto https
  server sluice ${url.replace('http://', '')}
`,
    })
    t.after(() => haproxy.stop())
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const { fe } = haproxy.ports
      const options = { host: '127.0.0.1', port: fe, path: '/a?b=c', ca, agent: false }
      httpsRequest({ ...options, servername: 'agent.test', headers: { Host: 'site.example' } }, resolve)
        .on('error', reject)
        .end()
    })
    assert.deepEqual(JSON.parse(await text(response)), ['https://site.example/a?b=c', '', '/a', true])
  })

  it('takes a large upload', async (t) => {
    const bytes = randomBytes(24_000_000)
    const form = new FormData()
    form.append('f', new Blob([bytes]), 'large.bin')
    const response = await fetch(`${await site(t)}/upload.php`, { method: 'POST', body: form })
    assert.equal(await response.text(), `${bytes.length} ${createHash('md5').update(bytes).digest('hex')}`)
  })

  it('holds no worker while forms come slowly', async (t) => {
    const url = await site(t, (config) =>
      config.replace(
        'http-request try-files',
        'http-request wait-for-body time 1s if METH_POST\n    http-request try-files',
      ),
    )
    // One more than there are workers.
    const slow = Array.from({ length: 4 }, () => new RawClient(Number(new URL(url).port)))
    const head = 'POST /busy.php HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n'
    for (const client of slow) client.send(`${head}Content-Length: 3\r\n\r\na=`)
    await sleep(200)
    assert.equal(await (await fetch(`${url}/busy.php`)).text(), '1')
    slow[0]?.send('1')
    const ends = await Promise.all(slow.map((client) => client.until(/\r\n\r\n/)))
    const statuses = ends.map((answer) => /^HTTP\/1.1 (\d+)/.exec(answer)?.[1])
    assert.deepEqual(statuses, ['200', '408', '408', '408'])
    for (const client of slow) client.destroy()
  })

  it('keeps as many requests in its queue as workers cannot take', async (t) => {
    const url = await site(t, (config) =>
      config
        .replace('maxconn 8', 'maxconn 2')
        .replace('timeout server', 'timeout queue 20s\n    timeout server'),
    )
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const response = await fetch(`${url}/busy.php`)
        return `${response.status} ${await response.text()}`
      }),
    )
    for (const answer of answers) assert.match(answer, /^200 [12]$/)
  })

  it('finds scripts where php-fpm has them under another name', async (t) => {
    // As a container sees the folder: the link is what sluice knows.
    const here = `${php.docroot}-here`
    symlinkSync(php.docroot, here)
    const change = (config: string) =>
      config.replace('docroot "${DOCROOT-/srv/www}"', `docroot ${php.docroot}`)
    const url = await site(t, change, here)
    assert.equal((await fetch(`${url}/busy.php`)).status, 200)
  })

  it('lets PHP be silent for less than timeout server, and no longer', async (t) => {
    const url = await site(t, (config) => config.replace('timeout server 60s', 'timeout server 1500'))
    assert.equal(await (await fetch(`${url}/events.php`)).text(), 'data: 0\n\ndata: 1\n\ndata: 2\n\n')
    assert.equal((await fetch(`${url}/silent.php`)).status, 504)
  })
})
