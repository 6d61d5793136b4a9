/**
 * examples/fastcgi through HAProxy's mux-fcgi and through sluice: the same files, the same php-fpm, the same requests.
 * The page prints its parameters, so what an application sees is compared as well as what a client sees. Only sane
 * responses: HAProxy 2.6.12 crashes on others.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { askOnce, fieldOf, RawHttp } from '../support/raw-http.ts'
import type { RawEnd, RawReply } from '../support/raw-http.ts'
import { root, startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'

const noHaproxy = skipWithoutHaproxy()
const noPhp = skipWithoutPhpFpm()
const skip = noHaproxy === false ? noPhp : noHaproxy
const example = (name: string): string => readFileSync(join(root, 'examples/fastcgi', name), 'utf8')

const scripts = {
  'index.php': example('www/index.php'),
  'sub/index.php': example('www/index.php'),
  'status.php': `<?php http_response_code((int)$_GET['s']); header('X-Test: yes'); echo 'body';`,
  'redirect.php': `<?php header('Location: /elsewhere?a=b');`,
  'cookies.php': `<?php setcookie('a', '1'); setcookie('b', '2'); header('X-Two: 1'); header('X-Two: 2', false);`,
  'length.php': `<?php header('Content-Length: 3'); echo 'abc';`,
  'flush.php': `<?php echo 'a'; flush(); usleep(50000); echo 'b';`,
  'big.php': `<?php for ($i = 0; $i < 64; $i++) { echo str_repeat(chr(65 + $i % 26), 16384); }`,
  'size.php': `<?php $in = file_get_contents('php://input'); echo strlen($in), ' ', md5($in);`,
  'stderr.php': `<?php error_log('one line'); error_log("two\\nlines \\x1b[31m"); echo 'x';`,
  'pid.php': `<?php echo getmypid();`,
}

let php: PhpFpm
let haproxy: Haproxy<'fe'>
let sluice: Sluice<'fe'>

before(async () => {
  if (skip !== false) return
  php = await startPhpFpm({ scripts, children: 6 })
  const options = {
    ports: ['fe'],
    config: ({ fe }: { readonly fe: number }) => example('haproxy.cfg').replace('${PORT-8080}', String(fe)),
    env: { PHP_FPM: php.socket, DOCROOT: php.docroot },
  } as const
  ;[haproxy, sluice] = await Promise.all([startHaproxy(options), startSluice(options)])
})

after(async () => {
  await Promise.all([haproxy?.stop(), sluice?.stop()])
  await php?.stop()
})

type Answer = RawReply | RawEnd

/** Ports, times, and the name of the software, which each proxy has its own for. */
const masked = /^(?:REMOTE_PORT|SERVER_PORT|REQUEST_TIME\w*|SERVER_SOFTWARE): .*$/gm

function comparable(answer: Answer): unknown {
  if (typeof answer === 'string') return answer
  const length = fieldOf(answer.headers, 'content-length')
  if (length !== undefined && answer.framing === 'length') assert.equal(Number(length), answer.body.length)
  const headers = answer.headers.map((each) =>
    // The length changes with what is masked.
    answer.framing === 'none' ? each : each.replace(/^(date|content-length): .*/, '$1: -'),
  )
  if (answer.framing === 'none')
    headers.forEach((each, at) => (headers[at] = each.replace(/^date: .*/, 'date: -')))
  return { ...answer, headers, body: answer.body.replace(masked, '-') }
}

interface Both {
  readonly theirs: RawReply
  readonly ours: RawReply
}

/** Asks both. */
async function ask(request: string | Buffer, head = false): Promise<Both> {
  const [theirs, ours] = await Promise.all(
    [haproxy, sluice].map(({ ports }) => askOnce(ports.fe, request, { head })),
  )
  assert.ok(typeof theirs === 'object' && typeof ours === 'object', JSON.stringify([theirs, ours]))
  return { theirs, ours }
}

/** Asks both, demands that nothing differs, and answers what sluice said. */
async function same(request: string | Buffer, head = false): Promise<RawReply> {
  const { theirs, ours } = await ask(request, head)
  assert.deepEqual(comparable(ours), comparable(theirs))
  return ours
}

/** The parameters that the page has printed. */
function params(reply: RawReply): Map<string, string> {
  const lines = reply.body.split('\n\n')[0]?.split('\n') ?? []
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)] as const),
  )
}

const get = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: example.com:81\r\n${headers}\r\n`

const post = (target: string, body: string, headers = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`

test('the index', { skip }, async () => {
  const seen = params(await same(get('/')))
  assert.equal(seen.get('SCRIPT_NAME'), '/index.php')
  assert.equal(seen.get('SCRIPT_FILENAME'), `${php.docroot}/index.php`)
  assert.equal(seen.get('SERVER_NAME'), 'example.com:81')
  assert.equal(seen.get('APP_ENV'), 'production')
  assert.equal(seen.get('APP_CLIENT'), '127.0.0.1')
  assert.equal(seen.has('APP_DEBUG'), false)
  assert.equal(params(await same(get('/sub/'))).get('SCRIPT_NAME'), '/sub/index.php')
  // Not the folder's: the path does not end with a slash.
  assert.match((await same(get('/sub'))).line, / 403 /)
})

test('the query string', { skip }, async () => {
  assert.equal(params(await same(get('/?a=b%20c&d=%C3%A9+e'))).get('QUERY_STRING'), 'a=b%20c&d=%C3%A9+e')
  assert.equal(params(await same(get('/index.php?a?b'))).get('QUERY_STRING'), 'a?b')
  await same(get('/?'))
  // Twice this is still one write of PHP, so that both proxies see the whole response at once.
  await same(get(`/?${'x'.repeat(2000)}`))
})

test('path-info, and encoded paths', { skip }, async () => {
  const seen = params(await same(get('/index.php/a%20b/c%2Fd+e?f')))
  assert.equal(seen.get('PATH_INFO'), '/a b/c/d+e')
  assert.equal(seen.get('PATH_TRANSLATED'), `${php.docroot}/a b/c/d+e`)
  assert.equal(seen.get('REQUEST_URI'), '/index.php/a%20b/c%2Fd+e?f')
  for (const target of [
    '/index.php/',
    '/sub/index.php/x.php/y',
    '/%69ndex.php/%C3%A9',
    '/index%2Ephp',
    '/INDEX.PHP',
    '/index.php;a=b',
    '//index.php',
    '/sub/../index.php',
    '/./index.php',
    // Dots that stay below the docroot, wherever they stand.
    '/index.php/a/../b',
    '/index.php/./a/%2e%2e/b',
    '/sub/index.php/a/b/../../c',
    '/index.php/..a/b..',
    '/index.php/a//../b',
  ]) {
    await same(get(target))
  }
})

test('the headers', { skip }, async () => {
  const seen = params(
    await same(
      get(
        '/',
        'User-Agent: test\r\nX-Debug: yes\r\nAuthorization: Basic dXNlcjpwYXNz\r\nProxy: http://evil/\r\n' +
          'X_Under_Score: 1\r\nX-Empty:\r\nTE: trailers, deflate\r\nAccept-Encoding: gzip\r\nX-Bytes: \xc3\xa9\r\n' +
          'Cookie: a=1; b=2\r\nKeep-Alive: 1\r\nContent-Type:\r\n',
      ),
    ),
  )
  assert.equal(seen.get('HTTP_USER_AGENT'), 'test')
  assert.equal(seen.get('HTTP_AUTHORIZATION'), 'Basic dXNlcjpwYXNz')
  assert.equal(seen.get('PHP_AUTH_USER'), 'user')
  assert.equal(seen.get('REMOTE_USER'), 'user')
  assert.equal(seen.get('APP_DEBUG'), '1')
  for (const name of ['HTTP_PROXY', 'HTTP_X_UNDER_SCORE', 'HTTP_TE', 'HTTP_KEEP_ALIVE']) {
    assert.equal(seen.has(name), false, name)
  }
})

test('other methods and versions', { skip }, async () => {
  for (const method of ['OPTIONS', 'DELETE', 'PROPFIND', 'M-SEARCH']) {
    assert.equal(
      params(await same(`${method} /index.php HTTP/1.1\r\nHost: a\r\n\r\n`)).get('REQUEST_METHOD'),
      method,
    )
  }
  await same('GET /index.php HTTP/1.0\r\n\r\n')
  await same('GET /length.php HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  await same('GET http://other/index.php?q HTTP/1.1\r\nHost: other\r\n\r\n')
  await same(get('/', 'Connection: close\r\n'))
})

test('HEAD', { skip }, async () => {
  for (const target of ['/', '/length.php', '/status.php?s=404', '/redirect.php']) {
    const { theirs, ours } = await ask(get(target).replace('GET', 'HEAD'), true)
    assert.deepEqual(withoutReason(comparable(ours)), withoutReason(comparable(theirs)))
    assert.equal(ours.body, '')
  }
})

test('POST with a length', { skip }, async () => {
  const reply = await same(
    post('/index.php/p?q', 'a=b', 'Content-Type: application/x-www-form-urlencoded\r\n'),
  )
  assert.equal(params(reply).get('CONTENT_TYPE'), 'application/x-www-form-urlencoded')
  assert.equal(params(reply).get('CONTENT_LENGTH'), '3')
  assert.ok(reply.body.endsWith('\n\na=b'))
  await same(post('/index.php', ''))
  for (const size of [1, 1000, 1024, 65_535, 65_536, 1_048_576]) {
    const body = Buffer.alloc(size, 'some text ').toString('latin1')
    const wanted = `${size} ${createHash('md5').update(body).digest('hex')}`
    assert.equal((await same(post('/size.php', body))).body, wanted)
    assert.equal((await same(post('/size.php', body).replace('POST', 'PUT'))).body, wanted)
  }
})

test('POST in chunks', { skip }, async () => {
  const head = 'POST /index.php HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  const reply = await same(`${head}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n`)
  assert.equal(params(reply).get('CONTENT_LENGTH'), '5')
  assert.equal(params(reply).has('HTTP_TRANSFER_ENCODING'), false)
  await same(`${head}0\r\n\r\n`)
  await same(`${head}bb8\r\n${'x'.repeat(3000)}\r\n0\r\n\r\n`)
})

test('a body that is announced', { skip }, async () => {
  const replies = await Promise.all(
    [haproxy, sluice].map(async ({ ports }) => {
      const client = new RawHttp(ports.fe)
      client.send('POST /index.php HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
      const first = await client.reply()
      client.send('abc')
      const second = await client.reply()
      client.close()
      return [comparable(first), comparable(second)]
    }),
  )
  assert.deepEqual(replies[1], replies[0])
  assert.deepEqual(replies[1]?.[0], { line: 'HTTP/1.1 100 Continue', headers: [], body: '', framing: 'none' })
})

test('the status and the headers of the application', { skip }, async () => {
  for (const status of [200, 201, 400, 404, 410, 500, 503]) {
    assert.match((await same(get(`/status.php?s=${status}`))).line, new RegExp(`^HTTP/1.1 ${status} `))
  }
  assert.match((await same(get('/none.php'))).line, / 404 /)
  const cookies = (await same(get('/cookies.php'))).headers
  assert.equal(cookies.filter((each) => each.startsWith('set-cookie: ')).length, 2)
  assert.equal(cookies.filter((each) => each.startsWith('x-two: ')).length, 2)
})

test('how the body is delimited', { skip }, async () => {
  assert.equal((await same(get('/length.php'))).framing, 'length')
  assert.equal((await same(get('/flush.php'))).framing, 'chunked')
  const { length } = (await same(get('/big.php'))).body
  assert.equal(length, 64 * 16_384)
})

test('a kept connection of a client, and kept connections to php-fpm', { skip }, async () => {
  const pids = await Promise.all(
    [haproxy, sluice].map(async ({ ports }) => {
      const client = new RawHttp(ports.fe)
      const seen = new Set<string>()
      for (let count = 0; count < 8; count++) {
        client.send(get('/pid.php'))
        const reply = await client.reply()
        seen.add(typeof reply === 'string' ? reply : reply.body)
      }
      client.send(get('/pid.php') + get('/pid.php') + get('/pid.php'))
      for (let count = 0; count < 3; count++) {
        const reply = await client.reply()
        seen.add(typeof reply === 'string' ? reply : reply.body)
      }
      client.close()
      return seen
    }),
  )
  // New connections would have gone to all six workers. HAProxy has kept two, one of them for requests that come first.
  for (const { size } of pids) assert.ok(size <= 2, `${size} workers were asked`)
})

test('what the application writes to STDERR is logged', { skip }, async () => {
  await same(get('/stderr.php'))
  await Promise.all([haproxy, sluice].map((each) => each.waitForLog('PHP message: one line')))
})

function withoutReason(answer: unknown): unknown {
  const { line, ...rest } = answer as RawReply
  return { status: line.split(' ')[1], ...rest }
}

test('differs on purpose: repeated headers are joined', { skip }, async () => {
  const { theirs, ours } = await ask(get('/', 'X-Dup: 1\r\nX-Dup: 2\r\nCookie: a=1\r\nCookie: b=2\r\n'))
  assert.equal(params(theirs).get('HTTP_X_DUP'), '2')
  assert.equal(params(ours).get('HTTP_X_DUP'), '1, 2')
  assert.equal(params(theirs).get('HTTP_COOKIE'), 'b=2')
  assert.equal(params(ours).get('HTTP_COOKIE'), 'a=1; b=2')
})

test('differs on purpose: the software has its own name', { skip }, async () => {
  const { theirs, ours } = await ask(get('/'))
  assert.match(params(theirs).get('SERVER_SOFTWARE') ?? '', /^HAProxy 2\./)
  assert.equal(params(ours).get('SERVER_SOFTWARE'), 'sluice')
})

test("differs on purpose: a redirect keeps the application's reason phrase", { skip }, async () => {
  const { theirs, ours } = await ask(get('/redirect.php'))
  assert.deepEqual(withoutReason(comparable(ours)), withoutReason(comparable(theirs)))
  assert.equal(fieldOf(ours.headers, 'location'), '/elsewhere?a=b')
  assert.equal(theirs.line, 'HTTP/1.1 302 Moved Temporarily')
  assert.equal(ours.line, 'HTTP/1.1 302 Found')
})

test('differs on purpose: a body where none may be is dropped', { skip }, async () => {
  for (const status of [204, 304]) {
    const { theirs, ours } = await ask(get(`/status.php?s=${status}`))
    assert.match(theirs.line, / 502 /)
    assert.match(ours.line, new RegExp(` ${status} `))
    assert.equal(fieldOf(ours.headers, 'x-test'), 'yes')
  }
})

test('differs on purpose: a path above the docroot is refused', { skip }, async () => {
  for (const target of [
    '/../www/index.php',
    '/sub/index.php/../../etc/passwd',
    '/sub/index.php/..%2f..%2fetc/passwd',
    '/sub/index.php/%2e%2e',
  ]) {
    const { theirs, ours } = await ask(get(target))
    assert.ok(fieldOf(theirs.headers, 'x-powered-by'), 'HAProxy asks PHP')
    assert.match(ours.line, / 400 /, target)
    assert.equal(fieldOf(ours.headers, 'x-powered-by'), undefined)
  }
})

test('differs on purpose: chunks beyond a buffer are gathered', { skip }, async () => {
  const head = 'POST /size.php HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  const { theirs, ours } = await ask(`${head}10000\r\n${'x'.repeat(65_536)}\r\n0\r\n\r\n`)
  assert.match(theirs.line, / 400 /)
  assert.match(ours.line, / 200 /)
  assert.equal(ours.body.split(' ')[0], '65536')
})

test('differs on purpose: control characters of STDERR do not reach the log', { skip }, async () => {
  await ask(get('/stderr.php'))
  await Promise.all([
    haproxy.waitForLog('PHP message: two\nlines \x1b[31m'),
    sluice.waitForLog('PHP message: two.lines .[31m'),
  ])
})
