/** `phpFpm` in five servers: examples/php-fpm as they stand there, with a real php-fpm behind them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { phpFpm } from 'sluice/fcgi'
import type { PhpFpmOptions } from 'sluice/fcgi'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { RawHttp } from '../support/raw-http.ts'
import type { RawEnd, RawReply } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

const folder = 'examples/php-fpm'
const examples = readdirSync(folder)

const seen = `<?php header('Content-Type: application/json');
$names = ['SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO', 'QUERY_STRING', 'REQUEST_URI', 'REQUEST_METHOD', 'HTTP_HOST',
  'SERVER_NAME', 'REMOTE_ADDR', 'HTTPS', 'REQUEST_SCHEME', 'DOCUMENT_ROOT', 'HTTP_AUTHORIZATION', 'HTTP_PROXY', 'APP_NAME'];
foreach ($names as $name) if (isset($_SERVER[$name])) $out[$name] = $_SERVER[$name];
echo json_encode(['get' => $_GET] + $out, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);`

const scripts = {
  'index.php': seen,
  'a.php': seen,
  'sub/index.php': `<?php echo 'sub';`,
  'static/index.html': '<p>static</p>',
  'hello.txt': 'hello\n',
  'UPPER.PHP': `<?php echo 'secret';`,
  '.env': 'SECRET=1',
  '.git/x.php': `<?php echo 'hidden';`,
  'upload.php': `<?php $in = file_get_contents('php://input'); echo strlen($in), ' ', md5($in);`,
  'form.php': `<?php echo $_FILES['f']['size'], ' ', md5_file($_FILES['f']['tmp_name']), ' ', $_POST['name'];`,
  'many.php': `<?php setcookie('a', '1'); setcookie('b', '2'); http_response_code(418); header('X-A: 1'); echo 'teapot';`,
  'slow.php': `<?php header('X-Early: 1'); flush(); usleep(300000); echo 'late';`,
  'work.php': `<?php header('Content-Length: 2'); echo 'ok'; flush();
    for ($i = 0; $i < 500 && !file_exists('go'); $i++) usleep(10000); touch('done');`,
  'sleep.php': `<?php sleep(3); echo 'never';`,
  'broken.php': `<?php header('Content-Length: 100'); echo 'short';`,
  'more.php': `<?php header('Content-Length: 3'); echo 'more';`,
  'nothing.php': `<?php http_response_code(204);`,
  'big.php': `<?php for ($i = 0; $i < 100; $i++) echo str_repeat('x', 65536);`,
  'endless.php': `<?php ignore_user_abort(false); for ($i = 0; $i < 600; $i++) { echo str_repeat('x', 1000); flush(); usleep(5000); }`,
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const lineOf = (reply: RawReply | RawEnd) => (typeof reply === 'string' ? reply : reply.line)

function ask(url: string, path: string, options: { method?: string; headers?: object; body?: Buffer } = {}) {
  const { method = 'GET', headers = {}, body } = options
  return new Promise<Answer>((resolve, reject) => {
    const target = {
      host: '127.0.0.1',
      port: new URL(url).port,
      path,
      method,
      headers: { ...headers },
      agent: false,
    }
    const sent = httpRequest(target, (response) => {
      const { statusCode: status = 0, headers: fields } = response
      buffer(response).then(
        (whole) => resolve({ status, headers: fields, body: whole.toString('latin1') }),
        reject,
      )
    })
    sent.on('error', reject)
    if (body === undefined) sent.end()
    else Readable.from([body]).pipe(sent)
  })
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

describe('PHP in Node.js', { skip: skipWithoutPhpFpm() }, () => {
  let php: PhpFpm
  before(async () => {
    php = await startPhpFpm({ scripts, children: 4 })
  })
  after(() => php.stop())

  /** Runs an example until it says where it listens. */
  async function startExample(
    t: TestContext,
    name: string,
  ): Promise<{ url: string; stop: () => Promise<unknown> }> {
    const child = spawn(process.execPath, [`${folder}/${name}`], {
      env: { ...process.env, ROOT: php.docroot, PHP_FPM: php.socket, PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    t.after(() => child.kill('SIGKILL'))
    const stop = async () => {
      child.kill('SIGTERM')
      return (await once(child, 'exit')) as unknown
    }
    let output = ''
    for await (const chunk of child.stdout) {
      output += String(chunk)
      const url = /listening on (http:\S+)/.exec(output)?.[1]
      if (url !== undefined) return { url, stop }
    }
    throw new Error(`${name} ended without listening: ${output}`)
  }

  it('there are five examples', () => {
    assert.deepEqual(examples, ['express.js', 'fastify.js', 'hono.js', 'koa.js', 'node-http.js'])
  })

  for (const name of examples) {
    it(`${folder}/${name}`, async (t) => {
      const { url, stop } = await startExample(t, name)
      const { host } = new URL(url)
      const json = async (path: string, options = {}) =>
        JSON.parse((await ask(url, path, options)).body) as Record<string, unknown>
      const common = {
        REQUEST_METHOD: 'GET',
        HTTP_HOST: host,
        SERVER_NAME: '127.0.0.1',
        REMOTE_ADDR: '127.0.0.1',
        REQUEST_SCHEME: 'http',
        DOCUMENT_ROOT: php.docroot,
      }
      const script = (path: string) => ({ SCRIPT_NAME: path, SCRIPT_FILENAME: php.docroot + path })

      assert.deepEqual(
        await json('/a.php/p%20i/x?q=%20', { headers: { Authorization: 'Bearer t', Proxy: 'x' } }),
        {
          get: { q: ' ' },
          ...common,
          ...script('/a.php'),
          PATH_INFO: '/p i/x',
          QUERY_STRING: 'q=%20',
          REQUEST_URI: '/a.php/p%20i/x?q=%20',
          HTTP_AUTHORIZATION: 'Bearer t',
        },
      )
      // The front controller takes what is not there, scripts among it.
      for (const path of ['/', '/some/page', '/none.php', '/.env', '/.git/x.php']) {
        const answer = await json(`${path}?x=1`)
        assert.deepEqual(answer, {
          get: { x: '1' },
          ...common,
          ...script('/index.php'),
          QUERY_STRING: 'x=1',
          REQUEST_URI: `${path}?x=1`,
        })
      }
      const statusOf = async (path: string) => (await ask(url, path)).status
      // Files are the framework's, and a script is no file whatever its letters.
      assert.equal((await ask(url, '/hello.txt')).body, 'hello\n')
      assert.equal((await ask(url, '/static/')).body, '<p>static</p>')
      assert.equal((await ask(url, '/sub/')).body, 'sub')
      const folder301 = await ask(url, '/sub?x=1')
      assert.deepEqual([folder301.status, folder301.headers.location], [301, '/sub/?x=1'])
      assert.equal(await statusOf('/UPPER.PHP'), 404)
      assert.equal(await statusOf('/a%00.php'), 500)
      if (name !== 'node-http.js') assert.equal((await ask(url, '/from-node')).body, 'not PHP\n')
      if (name === 'express.js' || name === 'fastify.js') {
        const mounted = await json('/mounted/a.php/info?q=1')
        assert.deepEqual(
          [mounted['SCRIPT_NAME'], mounted['SCRIPT_FILENAME'], mounted['PATH_INFO'], mounted['REQUEST_URI']],
          ['/mounted/a.php', `${php.docroot}/a.php`, '/info', '/mounted/a.php/info?q=1'],
        )
      }
      const many = await ask(url, '/many.php')
      assert.deepEqual([many.status, many.body, many.headers['set-cookie']], [418, 'teapot', ['a=1', 'b=2']])
      assert.equal(await statusOf('/nothing.php'), 204)
      const head = await ask(url, '/a.php', { method: 'HEAD' })
      assert.deepEqual([head.status, head.body], [200, ''])

      const body = randomBytes(2_000_000)
      const sum = `${body.length} ${md5(body)}`
      const length = { 'Content-Length': body.length }
      const upload = await ask(url, '/upload.php', {
        method: 'POST',
        headers: { ...length, 'Content-Type': 'x/y' },
        body,
      })
      assert.equal(upload.body, sum)
      const part = `--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nJ\xf6\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n`
      const form = Buffer.concat([Buffer.from(part, 'latin1'), body, Buffer.from('\r\n--b--\r\n')])
      const headers = { 'Content-Type': 'multipart/form-data; boundary=b', 'Content-Length': form.length }
      assert.equal(
        (await ask(url, '/form.php', { method: 'POST', headers, body: form })).body,
        `${sum} J\xf6`,
      )
      const small = body.subarray(0, 100_000)
      const chunked = { 'Transfer-Encoding': 'chunked', 'Content-Type': 'x/y' }
      const unsized = await ask(url, '/upload.php', { method: 'POST', headers: chunked, body: small })
      assert.equal(unsized.body, `${small.length} ${md5(small)}`)
      const large = await ask(url, '/upload.php', { method: 'POST', headers: chunked, body })
      assert.equal(large.body, sum)

      assert.equal((await ask(url, '/big.php')).body.length, 6_553_600)
      // Who takes a whole Response may have been told in time to say so.
      const broken = await ask(url, '/broken.php').catch(() => undefined)
      assert.ok(broken === undefined || (name === 'hono.js' && broken.status === 502), `${broken?.status}`)
      assert.equal((await ask(url, '/slow.php')).body, 'late')
      assert.deepEqual(await stop(), [0, null])
    })
  }

  /** `phpFpm` in this process, on node:http. */
  async function startHere(t: TestContext, options: Partial<PhpFpmOptions> = {}) {
    const errors: string[] = []
    const handler = phpFpm({
      root: php.docroot,
      socket: php.socket,
      onError: (error) => errors.push((error as Error & { code: string }).code),
      ...options,
    })
    const server = createServer((request, response) => void handler(request, response))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    t.after(async () => {
      server.closeAllConnections()
      server.close()
      await handler.close()
    })
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, port, errors, handler }
  }

  it('answers 503 where nobody listens, 504 to silence, 413 to what is too large, 404 without a framework', async (t) => {
    const nobody = await startHere(t, { socket: `${php.socket}.not` })
    assert.equal((await ask(nobody.url, '/a.php')).status, 503)
    const { url, errors } = await startHere(t, {
      client: { responseTimeout: 300, maxUnsizedBody: 1000 },
      maxBodySize: 1000,
      tryFiles: ['$uri'],
      maxPathSize: 200,
    })
    const status = async (path: string, options = {}) => (await ask(url, path, options)).status
    assert.equal(await status('/sleep.php'), 504)
    assert.equal(
      await status('/upload.php', {
        method: 'POST',
        headers: { 'Content-Length': 2000 },
        body: Buffer.alloc(2000),
      }),
      413,
    )
    const chunked = { 'Transfer-Encoding': 'chunked' }
    assert.equal(
      await status('/upload.php', { method: 'POST', headers: chunked, body: Buffer.alloc(2000) }),
      413,
    )
    assert.equal(await status('/none'), 404)
    assert.equal(await status('/hello.txt'), 404)
    assert.equal(await status(`/${'x'.repeat(300)}`), 500)
    assert.deepEqual(errors, [
      'ERR_FCGI_RESPONSE_TIMEOUT',
      'ERR_FCGI_BODY_LIMIT',
      'ERR_FCGI_LENGTH_UNKNOWN',
      'ERR_FCGI_PATH',
    ])
  })

  it('never throws into the server, whatever the target', async (t) => {
    const { port, handler } = await startHere(t)
    const cases: [target: string, status: RegExp][] = [
      ['/../x', /^HTTP\/1.1 400 /],
      ['/a.php/../../x', /^HTTP\/1.1 400 /],
      ['/%2e%2e/x', /^HTTP\/1.1 400 /],
      ['/sub/../a.php', /^HTTP\/1.1 200 /],
      ['//a.php', /^HTTP\/1.1 200 /],
      ['//sub', /^HTTP\/1.1 301 /],
      ['/%', /^HTTP\/1.1 500 /],
      ['/%0a.php', /^HTTP\/1.1 500 /],
      ['/\x80\xff', /^HTTP\/1.1 (200|400) /],
      ['*', /^HTTP\/1.1 500 /],
      ['http://h/a.php', /^HTTP\/1.1 200 /],
      ['http://h', /^HTTP\/1.1 200 /],
      ['x', /^HTTP\/1.1 (400|500) /],
      [`/${'a/'.repeat(3000)}`, /^HTTP\/1.1 500 /],
      ['/a.php\\..\\x', /^HTTP\/1.1 200 /],
      ['/?' + 'x'.repeat(8000), /^HTTP\/1.1 200 /],
    ]
    for (const [target, expected] of cases) {
      const raw = new RawHttp(port)
      raw.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      const reply = await raw.reply()
      assert.notEqual(typeof reply, 'string', target)
      assert.match((reply as RawReply).line, expected, target)
      if (target === '//sub') assert.match((reply as RawReply).headers.join('\n'), /^location: \/sub\/$/im)
      raw.close()
    }
    assert.equal(handler.stats.failed, 0)
  })

  it('lets the worker go when its client leaves', async (t) => {
    const { url, port } = await startHere(t, { client: { maxConnections: 1 } })
    const request = httpRequest({ host: '127.0.0.1', port, path: '/endless.php', agent: false }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await once(response, 'data')
    response.destroy()
    assert.equal((await ask(url, '/a.php')).status, 200)
  })

  it('has the next request of a connection, whatever became of the body of the last one', async (t) => {
    const { port } = await startHere(t, { maxBodySize: 1000 })
    const raw = new RawHttp(port)
    t.after(() => raw.close())
    raw.send(`POST /upload.php HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`)
    assert.match(((await raw.reply()) as RawReply).line, / 413 /)
    raw.send('GET /nothing.php HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(((await raw.reply()) as RawReply).line, / 204 /)
  })

  it('takes a body that a parser has read, when its bytes are there', async (t) => {
    const handler = phpFpm({ root: php.docroot, socket: php.socket })
    t.after(() => handler.close())
    let keep: (body: Buffer) => unknown = (body) => body
    const server = createServer(async (request, response) => {
      const body = keep(await buffer(request))
      await handler(Object.assign(request, { body }), response)
    }).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const body = Buffer.from('hello')
    const post = { method: 'POST', headers: { 'Content-Length': 5, 'Content-Type': 'x/y' }, body }
    assert.equal((await ask(url, '/upload.php', post)).body, `5 ${md5(body)}`)
    keep = (bytes) => String(bytes)
    assert.equal((await ask(url, '/upload.php', post)).body, `5 ${md5(body)}`)
    keep = () => ({ parsed: true })
    assert.equal((await ask(url, '/upload.php', post)).status, 500)
  })

  it('gives parameters of its own, and a docroot that has another name there', async (t) => {
    const elsewhere = `${php.docroot}-link`
    symlinkSync(php.docroot, elsewhere)
    const { url } = await startHere(t, {
      docroot: `${elsewhere}/`,
      params: (request) => ({
        HTTPS: 'on',
        APP_NAME: 'j\xf6',
        REMOTE_ADDR: String((request as IncomingMessage).headers['x-ip']),
      }),
    })
    const answer = await ask(url, '/a.php', { headers: { 'X-Ip': '192.0.2.9' } })
    const { HTTPS, APP_NAME, REMOTE_ADDR, SCRIPT_FILENAME, DOCUMENT_ROOT } = JSON.parse(
      Buffer.from(answer.body, 'latin1').toString(),
    ) as Record<string, string>
    assert.deepEqual(
      [HTTPS, APP_NAME, REMOTE_ADDR, SCRIPT_FILENAME, DOCUMENT_ROOT],
      ['on', 'j\xf6', '192.0.2.9', `${elsewhere}/a.php`, elsewhere],
    )
  })

  it('takes a root that begins at the working directory', async (t) => {
    const { url } = await startHere(t, { root: relative('', php.docroot) })
    const answer = await ask(url, '/a.php')
    assert.equal(answer.status, 200, answer.body)
    const { SCRIPT_FILENAME } = JSON.parse(answer.body) as Record<string, string>
    assert.equal(SCRIPT_FILENAME, `${php.docroot}/a.php`)
  })

  it('shows the head of a script that works on', async (t) => {
    const { port } = await startHere(t)
    const request = httpRequest({ host: '127.0.0.1', port, path: '/slow.php', agent: false }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let ended = false
    response.on('end', () => (ended = true))
    assert.equal(response.headers['x-early'], '1')
    await sleep(50)
    assert.equal(ended, false)
    response.resume()
    await once(response, 'end')
  })

  it('takes the next request of a connection while the script of the last one works on, to its end', async (t) => {
    const { port } = await startHere(t)
    const client = new RawHttp(port)
    t.after(() => client.close())
    for (const method of ['GET', 'HEAD', 'POST']) {
      client.send(
        `${method} /work.php HTTP/1.1\r\nHost: a\r\n${method === 'POST' ? 'Content-Length: 3' : 'A: b'}\r\n\r\n`,
      )
      if (method === 'POST') client.send('abc')
      assert.match(lineOf(await client.reply(method === 'HEAD')), / 200 /)
      client.send('GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n')
      assert.match(lineOf(await client.reply()), / 404 /)
      assert.equal(existsSync(join(php.docroot, 'done')), false, method)
      writeFileSync(join(php.docroot, 'go'), '')
      await until(() => existsSync(join(php.docroot, 'done')))
      for (const name of ['go', 'done']) rmSync(join(php.docroot, name))
    }
  })

  it('hands out what there is of a response that has another length than it says', async (t) => {
    const { port } = await startHere(t)
    const ask = (path: string) => {
      const client = new RawHttp(port)
      t.after(() => client.close())
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      return client
    }
    await assert.rejects(ask('/broken.php').reply(), /the body was cut/)
    const more = ask('/more.php')
    assert.equal(((await more.reply()) as RawReply).body, 'mor')
    assert.equal(await more.ended(), 'closed')
  })
})
