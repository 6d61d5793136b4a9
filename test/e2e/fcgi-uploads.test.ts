/** Uploads that do not say their length, heads that are too large, and clients that leave: php-fpm behind the proxy. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { end, record, reply as answer, startApp } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { askOnce, RawHttp } from '../support/raw-http.ts'
import type { RawReply } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'

interface Cleanup {
  after(callback: () => void | Promise<void>): void
}

const scripts = {
  'size.php': `<?php
    $in = fopen('php://input', 'r'); $hash = hash_init('md5'); $size = 0;
    while (!feof($in)) { $piece = fread($in, 65536); $size += strlen($piece); hash_update($hash, $piece); }
    echo $size, ' ', hash_final($hash), ' ', $_SERVER['CONTENT_LENGTH'], ' ', $_SERVER['HTTP_TRANSFER_ENCODING'] ?? '-';`,
  'head.php': `<?php for ($i = 0; $i < (int)$_GET['n']; $i++) header("X-$i: " . str_repeat('x', (int)$_GET['size']));`,
  'silent.php': `<?php touch(__DIR__ . '/begun'); usleep(300000); echo 'a'; flush(); sleep(20);`,
  'pid.php': `<?php echo getmypid();`,
}

async function proxy(
  t: Cleanup,
  docroot: string,
  server: string,
  app: readonly string[] = [],
  global = '',
  rules: readonly string[] = [],
) {
  const running = await startSluice({
    ports: ['fe'],
    config: ({ fe }) => `
global
  log stdout format raw local0
  ${global}
defaults
  mode http
  log global
  timeout client 20s
  timeout server 20s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${fe}
  log-format "%ST %tsc %HM"
  ${rules.join('\n  ')}
  default_backend be
fcgi-app app
  docroot ${docroot}
  ${app.join('\n  ')}
backend be
  use-fcgi-app app
  server s ${server} proto fcgi
`,
  })
  t.after(() => running.stop())
  return running
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const chunkedHead = 'POST /size.php HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

function chunk(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
}

/** Sends `count` times the piece in chunks, as fast as it is taken, and gives what came back. */
async function upload(port: number, piece: Buffer, count: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')))
  let wake = (): void => {}
  socket.on('drain', () => wake()).on('close', () => wake())
  // A proxy that has answered may stop reading.
  socket.on('error', () => {})
  const bytes = chunk(piece)
  socket.write(chunkedHead)
  for (let at = 0; at < count && !socket.destroyed; at++) {
    if (!socket.write(bytes)) await new Promise<void>((resolve) => (wake = resolve))
  }
  socket.write('0\r\n\r\n')
  await until(() => socket.destroyed || /\r\n\r\n[^]+/.test(text))
  socket.destroy()
  return text
}

const rss = (pid: number): number =>
  Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/** Temporary files that a process has open. */
const spooled = (pid: number): number =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes('/sluice-')
    } catch {
      return false
    }
  }).length

const md5 = (piece: Buffer, count: number): string => {
  const hash = createHash('md5')
  for (let at = 0; at < count; at++) hash.update(piece)
  return hash.digest('hex')
}

describe('an upload without a length', { skip: skipWithoutPhpFpm() }, () => {
  let php: PhpFpm
  before(async () => {
    php = await startPhpFpm({ scripts, children: 2 })
  })
  after(() => php.stop())

  for (const [what, size, count, lines] of [
    ['of nothing', 0, 0, []],
    ['that fits a buffer', 10, 3, []],
    ['of more than a buffer', 10_000, 9, []],
    ['without memory for it', 1, 3, ['unsized-body-memory 0']],
    ['as large as it may be', 1000, 10, ['max-unsized-body 10000', 'unsized-body-memory 5000']],
  ] as const) {
    it(`${what} reaches PHP with its length`, async (t) => {
      const running = await proxy(t, php.docroot, php.socket, lines)
      const piece = randomBytes(size)
      // The second one goes over a connection that is kept.
      for (let round = 0; round < 2; round++) {
        const text = await upload(running.ports.fe, piece, count)
        assert.match(text, /^HTTP\/1.1 200 /)
        assert.ok(text.includes(`${size * count} ${md5(piece, count)} ${size * count} -`), text)
      }
      await until(() => spooled(running.pid) === 0)
    })
  }

  for (const rules of [
    ['http-request del-header Content-Length'],
    ['http-request set-header Content-Length 1'],
    ['option http-buffer-request', 'http-request set-header X-Size %[req.body_size]'],
  ]) {
    it(`is as long as it is: ${rules.join(', ')}`, async (t) => {
      const { ports } = await proxy(t, php.docroot, php.socket, [], '', rules)
      const sized = 'POST /size.php HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'
      assert.match(((await askOnce(ports.fe, sized)) as RawReply).body, /^5 \w+ 5 -$/)
      assert.match(await upload(ports.fe, Buffer.alloc(50_000), 3), /\r\n\r\n150000 \w+ 150000 -$/)
    })
  }

  it('of 100 MB takes no memory', async (t) => {
    const running = await proxy(t, php.docroot, php.socket, ['max-unsized-body 200000000'])
    const piece = randomBytes(100_000)
    await upload(running.ports.fe, piece, 100)
    const before = rss(running.pid)
    let most = before
    const watch = setInterval(() => (most = Math.max(most, rss(running.pid))), 20)
    const text = await upload(running.ports.fe, piece, 1000)
    clearInterval(watch)
    assert.ok(text.includes(`100000000 ${md5(piece, 1000)} 100000000 -`), text)
    assert.ok(most - before < 32 * 1024 * 1024, `${(most - before) / 1024 / 1024} MB`)
  })

  it('that is too large is told so, while it is still being sent', async (t) => {
    const running = await proxy(t, php.docroot, php.socket, ['max-unsized-body 1000000'])
    assert.match(await upload(running.ports.fe, Buffer.alloc(100_000), 200), /^HTTP\/1.1 413 /)
    await running.waitForLog(/413 PR-- POST/)
    await until(() => spooled(running.pid) === 0)
  })

  it('that breaks off leaves nothing behind', async (t) => {
    const running = await proxy(t, php.docroot, php.socket)
    const client = new RawHttp(running.ports.fe)
    client.send(chunkedHead)
    client.send(chunk(Buffer.alloc(100_000)))
    await until(() => spooled(running.pid) > 0)
    client.close()
    await running.waitForLog(/CR-- POST/)
    await until(() => spooled(running.pid) === 0)
  })

  it('is asked for when its client waits', async (t) => {
    const client = new RawHttp((await proxy(t, php.docroot, php.socket)).ports.fe)
    t.after(() => client.close())
    client.send(chunkedHead.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'))
    assert.equal(((await client.reply()) as RawReply).line, 'HTTP/1.1 100 Continue')
    client.send('2\r\nhi\r\n0\r\n\r\n')
    assert.match(((await client.reply()) as RawReply).body, /^2 /)
  })

  for (const [what, global, query, status] of [
    ['that fits tune.bufsize', 'tune.bufsize 65536', 'n=3&size=19000', '200'],
    ['beyond tune.bufsize', '', 'n=2&size=9000', '502'],
    // PHP adds two of its own, and the first line counts, though FastCGI has none: 39 fields fit in HAProxy, too.
    ['with as many fields as tune.http.maxhdr', 'tune.http.maxhdr 40', 'n=37&size=1', '200'],
    ['with one field more', 'tune.http.maxhdr 40', 'n=38&size=1', '502'],
  ] as const) {
    it(`has an answer with a head ${what}: ${status}`, async (t) => {
      const { ports } = await proxy(t, php.docroot, php.socket, [], global)
      const reply = (await askOnce(ports.fe, get(`/head.php?${query}`))) as RawReply
      assert.equal(reply.line.split(' ')[1], status)
    })
  }

  it('whose client leaves while PHP is silent does not hold its worker', async (t) => {
    const one = await startPhpFpm({ scripts, children: 1 })
    t.after(() => one.stop())
    const { ports } = await proxy(t, one.docroot, one.socket)
    const started = Date.now()
    const client = new RawHttp(ports.fe)
    client.send(get('/silent.php'))
    await until(() => existsSync(`${one.docroot}/begun`))
    client.close()
    // PHP looks when it writes: the script would sleep on for 20 s.
    const reply = (await askOnce(ports.fe, get('/pid.php'))) as RawReply
    assert.match(reply.line, / 200 /)
    assert.ok(Date.now() - started < 15_000)
  })
})

describe('a client that leaves the queue', { skip: skipWithoutPhpFpm() }, () => {
  const counted = {
    'wait.php': `<?php touch(__DIR__ . '/begun'); while (!file_exists(__DIR__ . '/go')) { usleep(10000); } echo 'waited';`,
    'count.php': `<?php file_put_contents(__DIR__ . '/ran', 'x', FILE_APPEND); echo 'ran';`,
  }
  for (const how of ['close', 'end'] as const) {
    for (const [app, runs] of [
      [[], 1],
      [['no option abort-request'], 2],
    ] as const) {
      it(`has its request run ${runs - 1} times: ${how}, ${app.join() || 'as it is'}`, async (t) => {
        const php = await startPhpFpm({ scripts: counted })
        t.after(() => php.stop())
        const running = await proxy(t, php.docroot, `${php.socket} maxconn 1`, app)
        const connectOne = (): RawHttp => {
          const client = new RawHttp(running.ports.fe)
          t.after(() => client.close())
          return client
        }
        const first = connectOne()
        const second = connectOne()
        const third = connectOne()
        first.send(get('/wait.php'))
        await until(() => existsSync(`${php.docroot}/begun`))
        second.send(get('/count.php'))
        await sleep(200)
        second[how]()
        if (runs === 1) await running.waitForLog(/-1 CQ-- GET/)
        else await sleep(200)
        third.send(get('/count.php'))
        writeFileSync(`${php.docroot}/go`, '')
        assert.equal(((await first.reply()) as RawReply).body, 'waited')
        assert.equal(((await third.reply()) as RawReply).body, 'ran')
        assert.equal(readFileSync(`${php.docroot}/ran`, 'utf8').length, runs)
      })
    }
  }
})

describe('a client that leaves', () => {
  /** Answers the second request of a connection; of the first it tells what came. */
  const watching = async (t: Parameters<typeof startApp>[0]) => {
    const seen: string[] = []
    const app = await startApp(t, async (peer: Peer, index) => {
      const first = await peer.request()
      seen.push(`${index}:begin`)
      void (async () => {
        await sleep(500)
        if (!peer.ended) peer.send(record('STDOUT', first.id, 'A: b\r\n\r\nlate'), end(first.id))
      })()
      for (let next = await peer.next(); next !== undefined; next = await peer.next()) {
        seen.push(`${index}:${next.type}`)
        if (next.type === 'STDIN') peer.send(answer(next.id))
      }
      seen.push(`${index}:closed`)
    })
    return { app, seen }
  }
  const asks = {
    GET: get('/'),
    POST: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
  }
  for (const [method, request] of Object.entries(asks)) {
    for (const how of ['close', 'end'] as const) {
      it(`has its request aborted: ${method}, ${how}`, async (t) => {
        const { app, seen } = await watching(t)
        const running = await proxy(t, '/srv', app.endpoint)
        const client = new RawHttp(running.ports.fe)
        client.send(request)
        await until(() => seen.length > 0)
        client[how]()
        await until(() => seen.length >= 3)
        assert.deepEqual(seen, ['0:begin', '0:ABORT', '0:closed'])
        await running.waitForLog(/400 CH-- (GET|POST)/)
        client.close()
      })

      it(`has its request run to its end with no option abort-request: ${method}, ${how}`, async (t) => {
        const { app, seen } = await watching(t)
        const lines = ['no option abort-request']
        const { ports } = await proxy(t, '/srv', app.endpoint, lines)
        const client = new RawHttp(ports.fe)
        client.send(request)
        await until(() => seen.length > 0)
        client[how]()
        // Who has only ended its side reads on.
        if (how === 'end') assert.equal(((await client.reply()) as RawReply).body, 'late')
        await sleep(700)
        assert.deepEqual(seen, ['0:begin'])
        client.close()
      })
    }
  }
})
