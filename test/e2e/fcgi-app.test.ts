/**
 * Node.js applications behind the gateways of this world: examples/fastcgi-app as they stand there, and what a listener
 * sees of uploads, downloads and clients that leave.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatEndpoint } from 'sluice'
import { serveFcgi } from 'sluice/fcgi'
import { gateways, skipWithoutGateway, startGateway } from '../support/gateways.ts'
import { until } from '../support/until.ts'

const folder = 'examples/fastcgi-app'
const examples = readdirSync(folder)

/** Runs an example until it says where it listens. */
async function startExample(t: TestContext, name: string): Promise<string> {
  const child = spawn(process.execPath, [`${folder}/${name}`], {
    env: { ...process.env, LISTEN: '127.0.0.1:0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    const endpoint = /listening on (\S+)/.exec(output)?.[1]
    if (endpoint !== undefined) return endpoint
  }
  throw new Error(`${name} ended without listening: ${output}`)
}

async function startListener(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = await serveFcgi(listener, '127.0.0.1:0')
  t.after(() => server.destroy())
  return formatEndpoint(server.endpoint)
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: object; body?: Readable } = {},
) {
  const { method = 'GET', headers = {}, body } = options
  return new Promise<Answer>((resolve, reject) => {
    const sent = httpRequest({ port, path, method, headers: { ...headers }, agent: false }, (response) => {
      buffer(response).then(
        (whole) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole }),
        reject,
      )
    })
    sent.on('error', reject)
    if (body === undefined) sent.end()
    else body.pipe(sent)
  })
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

it('there are five examples', () => {
  assert.deepEqual(examples, ['express.js', 'fastify.js', 'hono.js', 'koa.js', 'node-http.js'])
})

for (const gateway of gateways) {
  describe(`behind ${gateway}`, { skip: skipWithoutGateway(gateway) }, () => {
    for (const name of examples) {
      it(`${folder}/${name}`, async (t) => {
        const endpoint = await startExample(t, name)
        const { port, logs } = await startGateway(t, gateway, endpoint)
        const host = `127.0.0.1:${port}`
        const headers = { Host: host }
        const got = await ask(port, '/some/p%C3%A4th?a=b&c', { headers })
        assert.equal(got.status, 200, logs() + got.body)
        const expected = { host, ip: '127.0.0.1', secure: false }
        assert.deepEqual(JSON.parse(String(got.body)), {
          method: 'GET',
          url: '/some/p%C3%A4th?a=b&c',
          ...expected,
          size: 0,
        })
        const body = randomBytes(500_000)
        const posted = await ask(port, '/up', {
          method: 'POST',
          headers: { ...headers, 'Content-Length': body.length },
          body: Readable.from([body]),
        })
        assert.deepEqual(JSON.parse(String(posted.body)), {
          method: 'POST',
          url: '/up',
          ...expected,
          size: body.length,
        })
        const empty = await ask(port, '/up', { method: 'POST', headers: { ...headers, 'Content-Length': 0 } })
        assert.equal((JSON.parse(String(empty.body)) as { size: number }).size, 0)
        const head = await ask(port, '/', { method: 'HEAD', headers })
        assert.deepEqual([head.status, head.body.length], [200, 0])
      })
    }

    it('a large body goes both ways, with and without a length', async (t) => {
      const endpoint = await startListener(t, (request, response) => {
        response.setHeader('X-Length', String(request.headers['content-length']))
        request.pipe(response)
      })
      const { port, logs } = await startGateway(t, gateway, endpoint)
      const body = randomBytes(3_000_000)
      const sized = { 'Content-Length': body.length }
      // A chunked body over one buffer HAProxy refuses, and lighttpd any when it streams.
      const onlySized = gateway !== 'nginx' && gateway !== 'apache'
      const cases = onlySized ? [sized] : [sized, { 'Transfer-Encoding': 'chunked' }]
      for (const headers of cases) {
        const answer = await ask(port, '/', { method: 'PUT', headers, body: Readable.from([body]) })
        assert.equal(answer.status, 200, logs())
        assert.equal(md5(answer.body), md5(body))
      }
    })

    it('a response streams, and shows what it is', async (t) => {
      const endpoint = await startListener(t, async (_, response) => {
        response.writeHead(201, { 'Content-Type': 'text/x', 'X-Both': ['a', 'b'] })
        response.write('first')
        await sleep(300)
        response.end('second')
      })
      const { port } = await startGateway(t, gateway, endpoint)
      const began = Date.now()
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({ port, agent: false }, resolve).on('error', reject).end()
      })
      const pieces: [string, number][] = []
      for await (const chunk of response) pieces.push([String(chunk), Date.now() - began])
      assert.equal(pieces.map(([each]) => each).join(''), 'firstsecond')
      assert.equal(response.statusCode, 201)
      assert.match(String(response.headers['x-both']), /a, ?b/)
      assert.equal(response.headers['content-type'], 'text/x')
      // The order, not the speed: the first piece is there before the second was made.
      assert.equal(pieces[0]?.[0], 'first')
    })

    it('a pipeline goes on, whose pieces are small and come faster than a turn', async (t) => {
      const body = randomBytes(1_000_000)
      const pieces = Array.from({ length: 100 }, (_, at) => body.subarray(at * 10_000, (at + 1) * 10_000))
      const endpoint = await startListener(t, (_, response) => pipeline(Readable.from(pieces), response))
      const { port, logs } = await startGateway(t, gateway, endpoint)
      const answer = await ask(port, '/')
      assert.equal(md5(answer.body), md5(body), logs())
    })

    it('a response that breaks off is not taken for a whole one', async (t) => {
      const endpoint = await startListener(t, async (_, response) => {
        // nginx without buffers takes the end of a connection for the end of a body whose length it does not know.
        response.setHeader('Content-Length', 200_000)
        response.write('x'.repeat(100_000))
        await sleep(200)
        response.destroy()
      })
      const { port } = await startGateway(t, gateway, endpoint)
      const answered = await ask(port, '/').then(
        () => 'whole',
        (error: NodeJS.ErrnoException) => error.code,
      )
      assert.notEqual(answered, 'whole')
    })

    it('a client that leaves closes its response', async (t) => {
      // nginx watches its client while it reads from the application, lighttpd and Apache when they write to it.
      let closed: (how: string) => void = () => {}
      const seen = new Promise<string>((resolve) => {
        closed = resolve
      })
      const endpoint = await startListener(t, (request, response) => {
        let left = false
        response.once('close', () => {
          left = true
          closed(`${request.destroyed} ${response.writableFinished}`)
        })
        const write = (): void => {
          if (left) return
          response.write('x'.repeat(10_000))
          setTimeout(write, 10)
        }
        write()
      })
      const { port } = await startGateway(t, gateway, endpoint)
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({ port, agent: false }, resolve).on('error', reject).end()
      })
      await new Promise((resolve) => {
        response.once('data', resolve)
      })
      response.destroy()
      assert.equal(await seen, 'true false')
    })

    it('over a unix socket', async (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'fcgi-app-'))
      t.after(() => rmSync(dir, { recursive: true, force: true }))
      const path = join(dir, 'app.sock')
      const server = await serveFcgi((_, response) => response.end('unix'), path, { socketMode: 0o666 })
      t.after(() => server.destroy())
      // For Apache's workers, which are not root.
      spawnSync('chmod', ['755', dir])
      const { port, logs } = await startGateway(t, gateway, path)
      assert.equal(String((await ask(port, '/')).body), 'unix', logs())
    })
  })
}

const noSpawn = spawnSync('which', ['spawn-fcgi'], { stdio: 'ignore' }).status !== 0

describe('on the descriptor that spawn-fcgi hands over', { skip: noSpawn && 'spawn-fcgi is missing' }, () => {
  for (const name of examples) {
    it(`${folder}/${name}`, { skip: skipWithoutGateway('nginx') }, async (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'fcgi-app-'))
      t.after(() => rmSync(dir, { recursive: true, force: true }))
      const path = join(dir, 'app.sock')
      const env: NodeJS.ProcessEnv = { ...process.env }
      delete env['LISTEN']
      const args = ['-n', '-s', path, '--', process.execPath, `${folder}/${name}`]
      const child = spawn('spawn-fcgi', args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
      const output = text(child.stdout)
      t.after(() => child.kill('SIGKILL'))
      await until(() => existsSync(path))
      const { port } = await startGateway(t, 'nginx', path)
      assert.equal((await ask(port, '/x')).status, 200)
      child.kill('SIGTERM')
      assert.equal(await output, 'listening on fd@0\n')
    })
  }
})
