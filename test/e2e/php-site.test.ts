/** examples/php-site as it stands there: files, scripts and a front controller from one configuration, with a real php-fpm. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const show = `<?php header('Content-Type: application/json');
foreach (['SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO', 'REQUEST_URI', 'QUERY_STRING', 'HTTPS', 'HTTP_AUTHORIZATION'] as $name)
  if (isset($_SERVER[$name])) $out[$name] = $_SERVER[$name];
echo json_encode($out + ['get' => $_GET], JSON_UNESCAPED_SLASHES);`

const scripts = {
  'index.php': show,
  'wp-login.php': show,
  'wp-admin/index.php': show,
  'wp-admin/css/style.css': 'body { color: red }',
  'wp-content/uploads/evil.php': show,
  'wp-content/uploads/2024/photo.jpg': 'jpeg',
  'readme.html': '<p>readme</p>',
  'upload.php': `<?php
$target = __DIR__ . '/wp-content/uploads/' . basename($_FILES['f']['name']);
move_uploaded_file($_FILES['f']['tmp_name'], $target);
header('Location: /wp-content/uploads/' . rawurlencode($_FILES['f']['name']), true, 303);`,
  'redirect.php': `<?php header('Location: /elsewhere');`,
  'events.php': `<?php header('Content-Type: text/event-stream');
for ($i = 0; $i < 3; $i++) { echo "data: $i\\n\\n"; flush(); usleep(100000); }`,
  'wait.php': `<?php usleep(700000); echo 'waited';`,
}

describe('a PHP site from one configuration', { skip: skipWithoutPhpFpm() }, () => {
  let php: PhpFpm
  let url = ''
  let stop: () => Promise<void> = async () => {}
  before(async () => {
    php = await startPhpFpm({ scripts, children: 4 })
    const text = readFileSync('examples/php-site/haproxy.cfg', 'utf8')
    const sluice = await startSluice({
      ports: ['fe'],
      config: ({ fe }) => text.replace('${PORT-8080}', String(fe)),
      env: { DOCROOT: php.docroot, PHP_FPM: php.socket },
    })
    stop = () => sluice.stop()
    url = `http://127.0.0.1:${sluice.ports.fe}`
  })
  after(async () => {
    await stop()
    await php.stop()
  })

  /** Of the answer to a path that is sent as it is. */
  const statusOf = async (path: string): Promise<string> => {
    const reply = await askOnce(Number(new URL(url).port), `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    return typeof reply === 'string' ? reply : (reply.line.split(' ')[1] ?? '')
  }

  const json = async (path: string, headers: Record<string, string> = {}) =>
    (await (await fetch(url + path, { headers })).json()) as Record<string, unknown>

  it('runs scripts, with the address that the browser has', async () => {
    for (const [path, script, info] of [
      ['/', '/index.php', undefined],
      ['/2024/05/hello-world/?replytocom=1', '/index.php', undefined],
      ['/wp-login.php?action=register', '/wp-login.php', undefined],
      ['/wp-admin/', '/wp-admin/index.php', undefined],
      ['/index.php/archive/1', '/index.php', '/archive/1'],
      ['/caf%C3%A9/', '/index.php', undefined],
    ] as const) {
      const query = path.split('?')[1]
      assert.deepEqual(await json(path), {
        SCRIPT_NAME: script,
        SCRIPT_FILENAME: php.docroot + script,
        ...(info === undefined ? {} : { PATH_INFO: info }),
        REQUEST_URI: path,
        ...(query === undefined ? {} : { QUERY_STRING: query }),
        get: query === undefined ? [] : Object.fromEntries(new URLSearchParams(query)),
      })
    }
  })

  it('serves files itself, with validators and a life time', async () => {
    const css = await fetch(`${url}/wp-admin/css/style.css?ver=6.1`)
    assert.deepEqual(
      [css.status, css.headers.get('content-type'), css.headers.get('cache-control')],
      [200, 'text/css; charset=utf-8', 'max-age=86400'],
    )
    assert.equal(await css.text(), 'body { color: red }')
    const again = await fetch(`${url}/wp-admin/css/style.css`, {
      headers: { 'If-None-Match': css.headers.get('etag') ?? '' },
    })
    assert.equal(again.status, 304)
    const range = await fetch(`${url}/readme.html`, { headers: { Range: 'bytes=3-8' } })
    assert.deepEqual([range.status, await range.text()], [206, 'readme'])
    assert.equal((await fetch(`${url}/`)).headers.get('cache-control'), null)
  })

  it('redirects to folders, and as scripts say', async () => {
    const folder = await fetch(`${url}/wp-admin?x=1`, { redirect: 'manual' })
    assert.deepEqual([folder.status, folder.headers.get('location')], [301, '/wp-admin/?x=1'])
    const script = await fetch(`${url}/redirect.php`, { redirect: 'manual' })
    assert.deepEqual([script.status, script.headers.get('location')], [302, '/elsewhere'])
  })

  it('takes an upload, and serves what was uploaded', async () => {
    const bytes = randomBytes(1_500_000)
    const form = new FormData()
    form.append('f', new Blob([bytes]), 'f\u00fcr dich.bin')
    const response = await fetch(`${url}/upload.php`, { method: 'POST', body: form })
    assert.match(response.url, /\/wp-content\/uploads\/f%C3%BCr%20dich\.bin$/)
    const back = Buffer.from(await response.arrayBuffer())
    assert.equal(createHash('md5').update(back).digest('hex'), createHash('md5').update(bytes).digest('hex'))
  })

  it('runs nothing that was uploaded, and shows nothing that is hidden', async () => {
    const uploads = '/wp-content/uploads'
    for (const path of [
      `${uploads}/evil.php`,
      `${uploads}/evil.php/x`,
      `${uploads}/evil.p%68p`,
      `${uploads}/evil%2Ephp?a=b`,
      `/wp-content/%75ploads/evil.php`,
      `/wp-content%2Fuploads/evil.php`,
      `/${uploads}//evil.php`,
      `/wp-content/./uploads/evil.php`,
      `/wp-content/%2e/uploads/evil.php`,
      `/wp-admin/..${uploads}/evil.php`,
    ]) {
      assert.equal(await statusOf(path), '403', path)
    }
    mkdirSync(join(php.docroot, '.git'))
    writeFileSync(join(php.docroot, '.git/config'), 'SECRET')
    assert.equal((await json('/.git/config'))['SCRIPT_NAME'], '/index.php')
    assert.equal((await json(`${uploads}/2024/photo.jpg/x.php`))['SCRIPT_NAME'], '/index.php')
    assert.equal((await json('/readme.html/x.php'))['SCRIPT_NAME'], '/index.php')
  })

  it('tells PHP of TLS, and of credentials', async () => {
    const answer = await json('/', { 'X-Forwarded-Proto': 'https', Authorization: 'Bearer x' })
    assert.deepEqual([answer['HTTPS'], answer['HTTP_AUTHORIZATION']], ['on', 'Bearer x'])
  })

  it('lets events through as they come, and waits for what takes its time', async () => {
    const response = await fetch(`${url}/events.php`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const first = await reader.read()
    assert.equal(Buffer.from(first.value ?? []).toString(), 'data: 0\n\n')
    let rest = ''
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      rest += Buffer.from(next.value).toString()
    }
    assert.equal(rest, 'data: 1\n\ndata: 2\n\n')
    assert.equal(await (await fetch(`${url}/wait.php`)).text(), 'waited')
  })
})
