/** Faults that other implementations of FastCGI have had, each named by where it is known from, and that we do not have. */
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import {
  createFcgiClient,
  createFcgiResponder,
  decodeGetValuesResult,
  deriveEnvironment,
  encodeBeginRequest,
  encodeEndRequest,
  encodeRecord,
  encodeUnknownType,
  FcgiError,
  formatStderr,
  RecordType,
  resolveFcgiApp,
} from 'sluice/fcgi'
import type { FcgiAppOptions } from 'sluice/fcgi'
import { Writer } from '#src/bytes/writer.js'
import { HeaderList } from '#src/http1/index.js'
import { begin, connectPeer, end, record, reply, startApp, tempDir } from './support.js'
import { join } from 'node:path'

const php = { docroot: '/srv', pathInfo: String.raw`^(/.+\.php)(/.*)?$` }

function environment(
  target: string,
  headers: [string, string][] = [],
  app: FcgiAppOptions = php,
): Record<string, string> {
  const request = {
    method: 'GET',
    target,
    version: 'HTTP/1.1',
    headers: HeaderList.from(headers),
    remoteAddress: '192.0.2.1',
    remotePort: 1,
    localAddress: '192.0.2.2',
    localPort: 80,
    tls: false,
  }
  return Object.fromEntries(deriveEnvironment(request, resolveFcgiApp(app)))
}

function dirty(): Writer {
  const writer = new Writer(100)
  writer.bytes.fill(0xee)
  return writer
}

const client = (t: TestContext, endpoint: string) => {
  const created = createFcgiClient({ endpoint, maxRetries: 0 })
  t.after(() => created.destroy())
  return created
}

const get = { params: [['REQUEST_METHOD', 'GET']] as [string, string][] }

describe('records', () => {
  it('CVE-2023-0836: reserved bytes and padding hold no old memory', () => {
    const writer = dirty()
    encodeBeginRequest(writer, 1, 1, true)
    assert.equal(writer.view().toString('hex'), '0101000100080000' + '0001010000000000')
    writer.reset()
    encodeEndRequest(writer, 1, 0, 0)
    assert.equal(writer.view().toString('hex'), '0103000100080000' + '0000000000000000')
    writer.reset()
    encodeUnknownType(writer, 99)
    assert.equal(writer.view().toString('hex'), '010b000000080000' + '6300000000000000')
    writer.reset()
    encodeRecord(writer, RecordType.Stdin, 1, Buffer.from('a'), true)
    assert.equal(writer.view().toString('hex'), '0105000100010700' + '61' + '00'.repeat(7))
  })

  it('HAProxy 0aeae2305: a large body is cut into records, never a length; nothing in it becomes a record', async (t) => {
    // What a body would smuggle if the length of 65536 + 24 bytes were cut to 24.
    const smuggled = Buffer.concat([begin(3), record('PARAMS', 3, '\x09\x08PHP_VALUEevil=yes')])
    const body = Buffer.alloc(65_536 + smuggled.length, 'x')
    smuggled.copy(body, 24)
    const app = await startApp(t, async (peer) => {
      const seen = await peer.request()
      assert.equal(seen.body, body.toString('latin1'))
      peer.send(reply(1))
      assert.equal(await peer.next(), undefined, 'no second request')
    })
    const fcgi = client(t, app.endpoint)
    await text((await fcgi.request({ params: [['REQUEST_METHOD', 'POST']], body })).body)
    await fcgi.close()
    app.check()
  })

  it('CVE-2026-55203: content of 65535 with padding of 255 does not wrap', async (t) => {
    const smuggled = Buffer.concat([record('STDOUT', 1, 'Status: 200\r\n\r\nsmuggled'), end(1)])
    const content = Buffer.alloc(65_535, 'y')
    content.write('\r\n', 0)
    smuggled.copy(content, 254)
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, content, 255), end(1))
    })
    const answer = await text((await client(t, app.endpoint).request(get)).body)
    assert.equal(answer.length, 65_533)
  })

  it('HAProxy 96286b2a8: GET_VALUES_RESULT is never read beyond its record', () => {
    const content = Buffer.from('\x0d\x01FCGI_MAX_REQS9\x80\x00\x00\x0f\x01FCGI_MPXS_CONNS1', 'latin1')
    const memory = Buffer.concat([content, Buffer.from('\x0f\x01FCGI_MPXS_CONNS1', 'latin1')])
    for (let at = 0; at <= content.length; at++) {
      try {
        const values = decodeGetValuesResult(memory, 0, at)
        assert.ok(at === 0 || at === 16 || at === content.length, `${at}`)
        assert.equal(values.mpxsConns, at === content.length ? true : undefined)
      } catch (error) {
        assert.ok(error instanceof FcgiError && error.code === 'ERR_FCGI_TRUNCATED')
      }
    }
  })

  it('HAProxy 3ac082b2b: application records with id 0 fail the connection, and only that', async (t) => {
    for (const bad of [record('STDOUT', 0, 'x'), record('STDERR', 0, 'x'), end(0)]) {
      const app = await startApp(t, async (peer) => {
        await peer.request()
        peer.send(bad)
      })
      await assert.rejects(client(t, app.endpoint).request(get), { code: 'ERR_FCGI_PROTOCOL' })
    }
  })

  it('HAProxy 57faf0971, a01ba66bc, 7668409cf: a response in pieces of one byte is the same response', async (t) => {
    const bytes = Buffer.concat([
      record('STDERR', 1, 'e', 7),
      record('STDOUT', 1, 'Status: 201\r', 3),
      record('STDOUT', 1, '\n\r\nbo', 255),
      record('STDOUT', 1, 'dy'),
      record('STDOUT', 1, '', 8),
      end(1),
    ])
    const app = await startApp(t, async (peer) => {
      await peer.request()
      for (const byte of bytes) {
        peer.socket.write(Buffer.of(byte))
        await new Promise(setImmediate)
      }
    })
    const response = await client(t, app.endpoint).request(get)
    assert.deepEqual([response.status, await text(response.body)], [201, 'body'])
  })

  it('HAProxy f495d486e: STDERR forges no lines of a log', () => {
    assert.equal(
      formatStderr(Buffer.from('x\r\nJan 1 sshd: root logged in\x1b]0;t\x07')),
      'x..Jan 1 sshd: root logged in.]0;t.',
    )
  })

  it('golang 81548: unfinished requests are bounded in number, size and time', async (t) => {
    const responder = createFcgiResponder({
      onRequest: () => undefined,
      maxRequestsPerConnection: 5,
      maxParamsSize: 1000,
      paramsTimeout: 30,
    })
    t.after(() => responder.destroy())
    const path = join(tempDir(t), 'r.sock')
    await responder.listen(path)
    const peer = await connectPeer(t, { path })
    for (let id = 1; id <= 200; id++) peer.send(begin(id), record('PARAMS', id, Buffer.alloc(900, 1)))
    await peer.closed()
    assert.ok(responder.stats.requests <= 5)
    assert.equal(responder.stats.active, 0)
  })

  it('CVE-2025-23016: lengths of two gigabytes are an error, not a sum of 32 bits', async (t) => {
    const responder = createFcgiResponder({ onRequest: () => assert.fail('it was run') })
    t.after(() => responder.destroy())
    const path = join(tempDir(t), 'r.sock')
    await responder.listen(path)
    for (const lengths of ['ffffffffffffffff', 'ffffffff80000001', '80000001ffffffff', 'ffffffff7f']) {
      const peer = await connectPeer(t, { path })
      const content = Buffer.concat([Buffer.from(lengths, 'hex'), Buffer.alloc(40)])
      peer.send(begin(1), record('PARAMS', 1, content), record('PARAMS', 1))
      assert.equal(await peer.next(), undefined)
    }
  })
})

describe('parameters', () => {
  it('HAProxy 769: QUERY_STRING is not decoded', () => {
    assert.equal(environment('/a?x=%26%3d%00&y=%zz')['QUERY_STRING'], 'x=%26%3d%00&y=%zz')
  })

  it('HAProxy 1232: an absolute target gives the path, not the host, as the script', () => {
    const { SCRIPT_NAME, SCRIPT_FILENAME } = environment('http://evil/x.php')
    assert.deepEqual([SCRIPT_NAME, SCRIPT_FILENAME], ['/x.php', '/srv/x.php'])
  })

  it('HAProxy 26a9ac5f2: PATH_INFO is there when it is captured, and only then', () => {
    assert.equal(environment('/x.php/info')['PATH_INFO'], '/info')
    assert.equal(environment('/x.php')['PATH_INFO'], undefined)
    assert.equal(environment('/x.php')['PATH_TRANSLATED'], undefined)
  })

  it('a header with _ does not take the place of the one with -', () => {
    const headers: [string, string][] = [
      ['X_Forwarded_For', '127.0.0.1'],
      ['Content_Length', '0'],
      ['X-Forwarded-For', '192.0.2.1'],
    ]
    const given = environment('/', headers)
    assert.equal(given['HTTP_X_FORWARDED_FOR'], '192.0.2.1')
    assert.equal(given['HTTP_CONTENT_LENGTH'], undefined)
  })

  it('CVE-2016-5385 to 5388, httpoxy: Proxy is not passed on, in whatever case', () => {
    for (const name of ['Proxy', 'PROXY', 'pRoXy']) {
      assert.equal(environment('/', [[name, 'http://evil']])['HTTP_PROXY'], undefined)
    }
  })

  it('no name is sent twice', () => {
    const given = environment('/', [
      ['A', '1'],
      ['a', '2'],
      ['Content-Type', 'x'],
      ['Content-type', 'y'],
    ])
    assert.deepEqual([given['HTTP_A'], given['CONTENT_TYPE']], ['1, 2', 'x, y'])
  })

  it('CVE-2019-11043: a line feed does not empty PATH_INFO, and an empty one is not sent', () => {
    for (const target of ['/index.php/PHP%0Ais_the_shittiest_lang.php', '/index.php%0a/x', '/%0d.php']) {
      assert.throws(() => environment(target), { code: 'ERR_FCGI_PATH' })
    }
    const given = environment('/x', [], { docroot: '/srv', pathInfo: '^(/x)()$' })
    assert.equal(Object.hasOwn(given, 'PATH_INFO'), false)
  })

  it('CVE-2026-24895, CVE-2026-27590, CVE-2026-45062: letters that look like ASCII, or change length, match nothing', () => {
    // Fullwidth "php", KELVIN SIGN, LONG S, dotless i: equal to letters under some folding.
    for (const odd of ['\uff50\uff48\uff50', 'p\u212ap', 'ph\u017f', '\u0131php', 'PHP']) {
      const encoded = [...Buffer.from(odd)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      const path = `/upload.${Buffer.from(odd).toString('latin1')}/x`
      assert.equal(environment(`/upload.${encoded}/x`)['SCRIPT_NAME'], path)
    }
    // The split is where the bytes are, whatever letters come before.
    const prefix = Buffer.from('\u0130\u212a\u1e9e'.repeat(10)).toString('latin1')
    const given = environment(`/${encodeURIComponent('\u0130\u212a\u1e9e'.repeat(10))}/a.php/b`)
    assert.deepEqual([given['SCRIPT_NAME'], given['PATH_INFO']], [`/${prefix}/a.php`, '/b'])
  })

  it('CVE-2013-4547: a NUL in the path is refused, a space stays where it is', () => {
    assert.throws(() => environment('/upload.jpg%20%00.php'), { code: 'ERR_FCGI_PATH' })
    assert.equal(environment('/upload.jpg%20.php')['SCRIPT_FILENAME'], '/srv/upload.jpg .php')
  })

  it('cgi.fix_pathinfo: the whole script path is sent, for the application to find or not', () => {
    // PHP cuts it down to /upload.jpg when that is a file: security.limit_extensions must forbid it.
    assert.equal(environment('/upload.jpg/x.php')['SCRIPT_FILENAME'], '/srv/upload.jpg/x.php')
  })
})
