/** `phpFpm` below a path of its own, and over HTTP/2: what PHP sees of a request, with a real php-fpm. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect, constants, createServer as createHttp2Server } from 'node:http2'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { phpFpm } from 'sluice/fcgi'
import type { KoaContext, PhpFpm as Handler } from 'sluice/fcgi'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void
type Middleware = (context: KoaContext & { path: string }, next: () => Promise<unknown>) => Promise<unknown>

/** Of what comes without types, what is used. */
interface Router extends Listener {
  use(path: string, handler: unknown): this
}
const load = async (name: string): Promise<unknown> => ((await import(name)) as { default: unknown }).default
const express = (await load('express')) as { (): Router; Router(): Router }
const Koa = (await load('koa')) as new () => { use(middleware: Middleware): void; callback(): Listener }

const names = "['SCRIPT_NAME', 'PATH_INFO', 'REQUEST_URI', 'HTTP_HOST', 'SERVER_NAME', 'HTTPS']"
const scripts = {
  'index.php': `<?php foreach (${names} as $name) $seen[$name] = $_SERVER[$name] ?? null; echo json_encode($seen, JSON_UNESCAPED_SLASHES);`,
  'sub/index.php': `<?php echo $_SERVER['SCRIPT_NAME'];`,
  'mark.php': `<?php file_put_contents('marks', file_get_contents('php://input'));`,
  'marks.php': `<?php readfile('marks');`,
  'upload.php': `<?php echo strlen(file_get_contents('php://input')), ' ', $_SERVER['CONTENT_LENGTH'] ?? 'none';`,
}

type Seen = Readonly<Record<string, string | null>>

/** What koa-mount does. */
const koaMount =
  (prefix: string, middleware: Handler['koa']): Middleware =>
  async (context, next) => {
    if (!`${context.path}/`.startsWith(`${prefix}/`)) return next()
    const { path } = context
    context.path = path.slice(prefix.length) || '/'
    return middleware(context, () => {
      context.path = path
      return next()
    })
  }

/** Servers with PHP at `/blog`, and at `/a/blog`. */
const mounts: Readonly<Record<string, (php: Handler) => Promise<Server>>> = {
  async Express(php) {
    const app = express()
    app.use('/blog', php)
    app.use('/a', express.Router().use('/blog', php))
    return createServer(app)
  },
  async Fastify(php) {
    const app = Fastify()
    app.get('/', () => 'the root is somebody else’s')
    await app.register(php.fastify, { prefix: '/blog' })
    await app.register(php.fastify, { prefix: '/:any/blog' })
    await app.ready()
    return app.server
  },
  async Koa(php) {
    const app = new Koa()
    app.use(koaMount('/blog', php.koa))
    app.use(koaMount('/a/blog', php.koa))
    return createServer(app.callback())
  },
  async Hono(php) {
    const app = new Hono()
    for (const base of ['/blog', '/a/blog']) {
      app.use(`${base}/*`, async ({ req }, next) => (await php.fetch(req.raw, { base })) ?? next())
    }
    return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  },
}

describe('PHP in Node.js', { skip: skipWithoutPhpFpm() }, () => {
  let fpm: PhpFpm
  before(async () => {
    fpm = await startPhpFpm({ scripts, children: 4 })
  })
  after(() => fpm.stop())

  const startPhp = (t: TestContext): Handler => {
    const params = (_: unknown, headers: { get(name: string): string | undefined }) => ({
      HTTPS: headers.get('x-forwarded-proto') === 'https' ? 'on' : undefined,
    })
    const php = phpFpm({ root: fpm.docroot, socket: fpm.socket, params })
    t.after(() => php.close())
    return php
  }

  for (const [framework, create] of Object.entries(mounts)) {
    it(`is mounted in ${framework}`, async (t) => {
      const server = await create(startPhp(t))
      if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
      t.after(() => server.close())
      t.after(() => server.closeAllConnections())
      const { port } = server.address() as AddressInfo
      const ask = async (path: string) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' })
        return { location: response.headers.get('location'), body: await response.text() }
      }
      for (const base of ['/blog', '/a/blog']) {
        const seen = async (path: string) => JSON.parse((await ask(base + path)).body) as Seen
        const index = await seen('/index.php/a%20b?x=1')
        assert.deepEqual(
          [index['SCRIPT_NAME'], index['PATH_INFO'], index['REQUEST_URI']],
          [`${base}/index.php`, '/a b', `${base}/index.php/a%20b?x=1`],
        )
        const page = await seen('/some/page?x=1')
        assert.deepEqual(
          [page['SCRIPT_NAME'], page['REQUEST_URI']],
          [`${base}/index.php`, `${base}/some/page?x=1`],
        )
        assert.equal((await seen('/'))['REQUEST_URI'], `${base}/`)
        assert.equal((await ask(`${base}/sub/`)).body, `${base}/sub/index.php`)
        // Folders without their slash, the root among them.
        assert.equal((await ask(`${base}/sub?x=1`)).location, `${base}/sub/?x=1`)
        assert.equal((await ask(base)).location, `${base}/`)
        assert.equal((await ask(`${base}?x=1`)).location, `${base}/?x=1`)
      }
      assert.equal((await ask('/blogs/index.php')).location, null)
    })
  }

  const overHttp2: Readonly<Record<string, (php: Handler) => Promise<{ close(): unknown; port: number }>>> = {
    async 'node:http2'(php) {
      const server = createHttp2Server(php).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { port: (server.address() as AddressInfo).port, close: () => server.close() }
    },
    async Koa(php) {
      const app = new Koa()
      app.use(php.koa)
      const callback = app.callback() as unknown as (request: unknown, response: unknown) => void
      const server = createHttp2Server(callback).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { port: (server.address() as AddressInfo).port, close: () => server.close() }
    },
    async Fastify(php) {
      const app = Fastify({ http2: true })
      await app.register(php.fastify)
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
    },
  }
  for (const [framework, listen] of Object.entries(overHttp2)) {
    it(`has names and bodies of HTTP/2, in ${framework}`, async (t) => {
      const warnings: string[] = []
      const onWarning = (warning: Error): void => void warnings.push(warning.message)
      process.on('warning', onWarning)
      t.after(() => process.off('warning', onWarning))
      const server = await listen(startPhp(t))
      const session = connect(`http://127.0.0.1:${server.port}`)
      t.after(async () => {
        session.destroy()
        await server.close()
      })
      const ask = async (headers: OutgoingHttpHeaders, body?: Buffer) => {
        const stream = session.request(headers)
        if (body !== undefined) stream.end(body)
        const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
        return { status: head[':status'], body: await text(stream) }
      }
      const headers = { ':authority': 'example.com:81', 'x-forwarded-proto': 'https' }
      const seen = JSON.parse((await ask({ ':path': '/x', ...headers })).body) as Seen
      assert.deepEqual(
        [seen['HTTP_HOST'], seen['SERVER_NAME'], seen['HTTPS']],
        ['example.com:81', 'example.com', 'on'],
      )
      const post = { ':method': 'POST', ':path': '/upload.php', 'content-type': 'x/y' }
      // HTTP/2 has no need of a length.
      for (const size of [5, 300_000]) {
        for (const length of [undefined, size]) {
          const { status, body } = await ask({ ...post, 'content-length': length }, Buffer.alloc(size, 'x'))
          assert.deepEqual([status, body], [200, `${size} ${size}`])
        }
      }
      assert.equal((await ask({ ':method': 'HEAD', ':path': '/upload.php' })).body, '')
      // Node.js ends the body of a stream that is reset: PHP must not take what there is for all of it.
      await ask({ ':method': 'POST', ':path': '/mark.php' }, Buffer.from('whole'))
      const cut = session.request({ ':method': 'POST', ':path': '/mark.php' })
      cut.on('error', () => {})
      cut.write('half')
      await sleep(50)
      cut.close(constants.NGHTTP2_CANCEL)
      await sleep(100)
      assert.equal((await ask({ ':path': '/marks.php' })).body, 'whole')
      assert.deepEqual(warnings, [])
    })
  }
})
