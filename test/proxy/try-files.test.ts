/** `http-request try-files`: what is a file is answered with, the rest goes on. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadProxy } from 'sluice/proxy'
import { until } from '../support/until.ts'
import { ask, defaults, folder, get, httpOrigin, rawClient, startProxy } from './support.ts'
import type { Cleanup } from './support.ts'

const files: Readonly<Record<string, string>> = {
  'hello.txt': 'hello\n',
  'empty.css': '',
  'a.php': '<?php echo 1;',
  'index.php': '<?php echo 2;',
  'B.PHP': '<?php echo 3;',
  'static/index.html': '<p>static</p>',
  'sub/index.php': '<?php echo 4;',
  'caf\u00e9.svg': '<svg/>',
  none: 'no suffix',
  '.env': 'SECRET',
  '.git/config': 'SECRET',
  '.well-known/x.json': '{}',
}

function site(t: Cleanup): string {
  const root = folder(t, {})
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

/** A proxy whose server says what the variables are. */
async function start(t: Cleanup, root: string, rule = `root ${root}`, more = '') {
  const origin = await httpOrigin(t, (request, response) => {
    request.resume()
    response.end(
      ['server', request.headers['x-script'] ?? '-', request.headers['x-info'] ?? '-', request.url].join(' '),
    )
  })
  const config = `${defaults}frontend fe
  bind 127.0.0.1:0
  ${more}
  default_backend be
backend be
  http-request try-files ${rule}
  http-request set-header X-Script %[var(txn.script_name)] if { var(txn.script_name) -m found }
  http-request set-header X-Info %[var(txn.path_info)] if { var(txn.path_info) -m found }
  http-response set-header X-Rules yes
  server s 127.0.0.1:${origin.port}
`
  const proxy = await startProxy(t, config)
  return { proxy, port: proxy.port() }
}

/** What a descriptor of this process is; empty for one that has gone meanwhile. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

/** Status and body, or the Location. */
async function look(t: Cleanup, port: number, target: string, ...headers: string[]): Promise<string> {
  const text = await ask(t, port, `GET ${target}`, ...headers)
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const status = head.split(' ')[1]
  const location = /^location: (.*)$/im.exec(head)?.[1]
  return location === undefined ? `${status} ${body}` : `${status} ${location}`
}

describe('try-files', () => {
  it('answers with files, and tells which script is meant', async (t) => {
    const { port } = await start(t, site(t))
    const cases: Readonly<Record<string, RegExp>> = {
      '/hello.txt': /^200 hello\n$/,
      '/hello.txt?x=1': /^200 hello\n$/,
      '//hello.txt': /^200 hello\n$/,
      '/sub/../hello.txt': /^200 hello\n$/,
      '/caf%C3%A9.svg': /^200 <svg\/>$/,
      '/none': /^200 no suffix$/,
      '/empty.css': /^200 $/,
      '/static/': /^200 <p>static<\/p>$/,
      '/static': /^301 \/static\/$/,
      '/.well-known/x.json': /^200 \{\}$/,
      '/a.php': /^200 server \/a.php - \/a.php$/,
      '/a.php/info?x': /^200 server \/a.php \/info \/a.php\/info\?x$/,
      '/': /^200 server \/index.php - \/$/,
      '/sub/': /^200 server \/sub\/index.php - \/sub\/$/,
      '/nothing/here': /^200 server \/index.php - \/nothing\/here$/,
      '/.env': /^200 server \/index.php - /,
      '/.git/config': /^200 server \/index.php - /,
      '/B.PHP': /^404 /,
      '/../etc/passwd': /^400 /,
      '/%2e%2e/%2e%2e/etc/passwd': /^400 /,
      '/hello.txt%00': /^400 /,
      '/%zz': /^400 /,
    }
    for (const [target, expected] of Object.entries(cases)) {
      assert.match(await look(t, port, target), expected, target)
    }
  })

  it('has types, validators, ranges, and the rules of the response', async (t) => {
    const { port, proxy } = await start(t, site(t))
    const whole = await ask(t, port, 'GET /hello.txt')
    assert.match(whole, /^HTTP\/1.1 200 OK\r\n/)
    assert.match(whole, /content-type: text\/plain; charset=utf-8\r\n/i)
    assert.match(whole, /x-rules: yes\r\n/i)
    assert.match(whole, /date: .* GMT\r\n/i)
    const etag = /^etag: (.*)\r$/im.exec(whole)?.[1] ?? ''
    assert.match(await look(t, port, '/hello.txt', `If-None-Match: ${etag}`), /^304 $/)
    assert.match(await look(t, port, '/hello.txt', 'Range: bytes=1-3'), /^206 ell$/)
    assert.match(await look(t, port, '/hello.txt', 'Range: bytes=9-'), /^416 $/)
    const types: Readonly<Record<string, RegExp>> = {
      '/caf%C3%A9.svg': /^content-type: image\/svg\+xml\r$/im,
      '/empty.css': /^content-type: text\/css; charset=utf-8\r$/im,
      '/.well-known/x.json': /^content-type: application\/json; charset=utf-8\r$/im,
    }
    for (const [path, expected] of Object.entries(types)) {
      assert.match(await ask(t, port, `GET ${path}`), expected)
    }
    assert.doesNotMatch(await ask(t, port, 'GET /none'), /content-type/i)
    await until(
      () => proxy.lines.some((line) => /fe be\/<NOSRV> .* 206 \d+ .* "GET \/hello.txt/.test(line)),
      'a line',
    )
  })

  it('has GET and HEAD, and keeps the connection', async (t) => {
    const { port } = await start(t, site(t))
    const client = rawClient(t, port)
    client.send('HEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/content-length: 6\r\n[^]*\r\n\r\n$/i)
    client.received = ''
    client.send(get('/hello.txt')).send(get('/none'))
    await client.until(/hello\n[^]*no suffix$/)
    client.received = ''
    client.send('POST /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')
    assert.match(await client.until(/^HTTP\/1.1 405 [^]*\r\n\r\n/), /\r\nallow: GET, HEAD\r\n/i)
  })

  it('takes other entries, in the section that accepts as well', async (t) => {
    const root = site(t)
    const { port } = await start(t, root, `root ${root} index index.html $uri $uri.svg $uri/ =404`)
    assert.match(await look(t, port, '/static/'), /^200 <p>/)
    assert.match(await look(t, port, '/caf%C3%A9'), /^200 <svg/)
    assert.match(await look(t, port, '/sub/'), /^404 /)
    assert.match(await look(t, port, '/nothing'), /^404 /)
    const listen = await startProxy(
      t,
      `${defaults}listen fe\n  bind 127.0.0.1:0\n  http-request try-files root ${root} $uri if { path_beg /h }\n` +
        '  http-request return status 418\n  http-response set-header X-Rules yes\n',
    )
    assert.match(await look(t, listen.port(), '/hello.txt'), /^200 hello/)
    assert.match(await ask(t, listen.port(), 'GET /hello.txt'), /x-rules: yes/i)
    assert.match(await look(t, listen.port(), '/none'), /^418 /)
    assert.match(await look(t, listen.port(), '/here'), /^418 /)
  })

  it('sends large files as fast as they are taken, and closes them', async (t) => {
    const root = site(t)
    writeFileSync(join(root, 'big.bin'), Buffer.alloc(30_000_000, 'x'))
    const { port } = await start(t, root)
    const open = () =>
      readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === join(root, 'big.bin')).length
    const slow = rawClient(t, port)
    slow.socket.pause()
    slow.send(get('/big.bin'))
    await sleep(150)
    const rss = process.memoryUsage.rss()
    await sleep(150)
    assert.ok(process.memoryUsage.rss() - rss < 10_000_000, 'it waits')
    slow.socket.destroy()
    for (let count = 0; count < 5; count++) {
      const text = await ask(t, port, 'GET /big.bin')
      assert.ok(text.endsWith('x') && text.length > 30_000_000)
    }
    await until(() => open() === 0, 'that all are closed')
  })

  it('breaks off when a file becomes shorter', async (t) => {
    const root = site(t)
    writeFileSync(join(root, 'big.bin'), Buffer.alloc(30_000_000, 'x'))
    const { port, proxy } = await start(t, root)
    const client = rawClient(t, port)
    client.socket.once('data', () => client.socket.pause())
    client.send(get('/big.bin'))
    await until(() => client.received.length > 0, 'the beginning')
    truncateSync(join(root, 'big.bin'), 10)
    client.socket.resume()
    await until(() => client.ended, 'the end')
    assert.ok(client.received.length < 30_000_000)
    await until(() => proxy.lines.some((line) => line.includes(' SD-- ')), 'a line')
  })

  it('follows symbolic links below the root, and is no way to what is not a file', async (t) => {
    const root = site(t)
    symlinkSync('/etc/hostname', join(root, 'link.txt'))
    symlinkSync('/dev/zero', join(root, 'zero.txt'))
    const { port } = await start(t, root)
    assert.match(await look(t, port, '/link.txt'), /^200 ./)
    assert.match(await look(t, port, '/zero.txt'), /^200 server \/index.php/)
  })

  it('tells no server of a file that may not be read', async (t) => {
    const root = site(t)
    chmodSync(root, 0o755)
    chmodSync(join(root, 'hello.txt'), 0)
    const { port } = await start(t, root)
    // To root nothing is closed.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(65_534)
    const shown = await look(t, port, '/hello.txt').finally(() => isRoot && process.seteuid?.(0))
    assert.match(shown, /^403 /)
  })

  it('is checked when the configuration is read', (t) => {
    const root = site(t)
    const read = (rule: string) => {
      const cwd = folder(t, {
        'x.cfg': `defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nlisten a\n  bind 127.0.0.1:1\n  http-request try-files ${rule}\n  http-request return status 404\n`,
      })
      const { diagnostics } = loadProxy({ files: ['x.cfg'], cwd })
      return diagnostics.map(({ message }) => message).join('\n')
    }
    const cases: [rule: string, message: RegExp][] = [
      [`root ${root}`, /^$/],
      [`root ${root} $uri $uri/ /index.php?$args if { path_beg / }`, /^$/],
      ['$uri', /expects 'root <folder>'/],
      ['root', /<folder>/],
      [`root ${root}/none`, /is not a folder/],
      [`root ${root}/hello.txt`, /is not a folder/],
      [`root /${'x'.repeat(300)}`, /is not a folder: ENAMETOOLONG/],
      [`root ${root} index`, /<name>/],
      [`root ${root} /index.html`, /'\/index.html' is neither/],
      [`root ${root} $url`, /'\$url' is neither/],
      [`root ${root} =40`, /'=40' is neither/],
      [`root ${root} =100`, /'=100' is neither/],
    ]
    for (const [rule, message] of cases) assert.match(read(rule), message, rule)
  })
})
