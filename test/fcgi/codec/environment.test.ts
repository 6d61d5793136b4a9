import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deriveEnvironment, encodeParams, resolveFcgiApp } from 'sluice/fcgi'
import type { EnvironmentRequest, EnvironmentRules, FcgiAppOptions } from 'sluice/fcgi'
import { Writer } from '#src/bytes/writer.js'
import { HeaderList } from '#src/http1/index.js'

interface Given {
  readonly method?: string
  readonly target?: string
  readonly headers?: [string, string][]
  readonly tls?: boolean
  readonly bodySize?: number
  readonly app?: Partial<FcgiAppOptions>
  readonly rules?: EnvironmentRules
}

function request({
  method = 'GET',
  target = '/',
  headers = [],
  tls = false,
  bodySize = 0,
}: Given): EnvironmentRequest {
  return {
    method,
    target,
    version: 'HTTP/1.1',
    headers: HeaderList.from(headers),
    remoteAddress: '192.0.2.7',
    remotePort: 50_000,
    localAddress: '198.51.100.1',
    localPort: 80,
    tls,
    bodySize,
  }
}

function environment(given: Given): Record<string, string> {
  const app = resolveFcgiApp({ docroot: '/srv/www', ...given.app })
  return Object.fromEntries(deriveEnvironment(request(given), app, given.rules))
}

const phpApp = { index: 'index.php', pathInfo: String.raw`^(/.+\.php)(/.*)?$` }

describe('deriveEnvironment', () => {
  it('gives what HAProxy 2.6 sends, in its order', () => {
    const app = resolveFcgiApp({ docroot: '/srv/www', ...phpApp, serverSoftware: 'HAProxy 2.6.12' })
    const given = request({
      method: 'POST',
      target: '/app.php/extra%20info?a=1&b=%20',
      headers: [
        ['host', 'example.com:8080'],
        ['user-agent', 'curl/7'],
        ['content-type', 'text/plain'],
        ['content-length', '5'],
      ],
    })
    assert.deepEqual(
      [...deriveEnvironment(given, app)],
      [
        ['HTTP_HOST', 'example.com:8080'],
        ['HTTP_USER_AGENT', 'curl/7'],
        ['CONTENT_TYPE', 'text/plain'],
        ['CONTENT_LENGTH', '5'],
        ['GATEWAY_INTERFACE', 'CGI/1.1'],
        ['DOCUMENT_ROOT', '/srv/www'],
        ['SCRIPT_NAME', '/app.php'],
        ['PATH_INFO', '/extra info'],
        ['REQUEST_URI', '/app.php/extra%20info?a=1&b=%20'],
        ['REQUEST_METHOD', 'POST'],
        ['QUERY_STRING', 'a=1&b=%20'],
        ['SERVER_NAME', 'example.com:8080'],
        ['SERVER_PORT', '80'],
        ['SERVER_PROTOCOL', 'HTTP/1.1'],
        ['REMOTE_ADDR', '192.0.2.7'],
        ['REMOTE_PORT', '50000'],
        ['SCRIPT_FILENAME', '/srv/www/app.php'],
        ['PATH_TRANSLATED', '/srv/www/extra info'],
        ['SERVER_SOFTWARE', 'HAProxy 2.6.12'],
      ],
    )
  })

  it('sends the length of a body that no header announces, and 0 for none', () => {
    assert.equal(environment({})['CONTENT_LENGTH'], '0')
    assert.equal(environment({ bodySize: 12 })['CONTENT_LENGTH'], '12')
  })

  it('says HTTPS for a client that came over TLS', () => {
    assert.equal(environment({ tls: true })['HTTPS'], 'on')
    assert.equal(environment({})['HTTPS'], undefined)
  })

  it('takes the local address for SERVER_NAME without a Host', () => {
    assert.equal(environment({})['SERVER_NAME'], '198.51.100.1')
    const headers: [string, string][] = [['Host', '[::1]:81']]
    assert.equal(environment({ headers, app: { serverNamePort: false } })['SERVER_NAME'], '[::1]')
  })

  it('sends no empty value but that of a header', () => {
    const given = environment({ target: '/?', headers: [['X-Empty', '']], rules: { setParams: [['A', '']] } })
    assert.equal(given['QUERY_STRING'], undefined)
    assert.equal(given['HTTP_X_EMPTY'], '')
    assert.equal(given['A'], undefined)
    assert.equal(Object.values(given).filter((value) => value === '').length, 1)
  })
})

describe('headers', () => {
  it('hides what HAProxy hides, Proxy first of all (httpoxy)', () => {
    const hidden = [
      'Connection',
      'Keep-Alive',
      'Authorization',
      'Proxy',
      'Proxy-Authorization',
      'TE',
      'Upgrade',
    ]
    const names = [...hidden, 'Proxy-Authenticate', 'Trailers', 'Transfer-Encoding']
    const headers = names.map((name): [string, string] => [name, 'x'])
    const given = environment({ headers })
    assert.deepEqual(
      Object.keys(given).filter((name) => name.startsWith('HTTP_')),
      [],
    )
  })

  it('passes the hidden ones that a rule names', () => {
    const headers: [string, string][] = [['Authorization', 'Bearer abc']]
    const passHeaders = new Set(['authorization'])
    assert.equal(environment({ headers, rules: { passHeaders } })['HTTP_AUTHORIZATION'], 'Bearer abc')
  })

  it('lets TE through to say trailers only', () => {
    const te = (value: string) =>
      environment({ headers: [['TE', value]], rules: { passHeaders: new Set(['te']) } })['HTTP_TE']
    assert.equal(te('gzip, trailers;q=1'), 'trailers')
    assert.equal(te('trailersx'), undefined)
    assert.equal(te('gzip'), undefined)
  })

  it('joins what comes twice', () => {
    const headers: [string, string][] = [
      ['X-Multi', 'a'],
      ['Cookie', 'c=1'],
      ['x-multi', 'b'],
      ['COOKIE', 'd=2'],
    ]
    const given = environment({ headers })
    assert.equal(given['HTTP_X_MULTI'], 'a, b')
    assert.equal(given['HTTP_COOKIE'], 'c=1; d=2')
  })

  it('drops names that would take the place of others', () => {
    const headers: [string, string][] = [
      ['X-Forwarded-For', 'real'],
      ['X_Forwarded_For', 'forged'],
      ['X.Forwarded.For', 'forged'],
    ]
    assert.equal(environment({ headers })['HTTP_X_FORWARDED_FOR'], 'real')
    const preserved = environment({ headers, app: { preserveHeaderNames: true } })
    assert.equal(preserved['HTTP_X_FORWARDED_FOR'], 'real, forged, forged')
  })

  it('reads AUTH_TYPE and REMOTE_USER, and sends no password', () => {
    const auth = (value: string) => environment({ headers: [['Authorization', value]] })
    const basic = auth(`Basic ${Buffer.from('joe:secret').toString('base64')}`)
    assert.deepEqual([basic['AUTH_TYPE'], basic['REMOTE_USER']], ['Basic', 'joe'])
    assert.ok(!JSON.stringify(basic).includes('secret'))
    assert.deepEqual([auth('Bearer x')['AUTH_TYPE'], auth('Bearer x')['REMOTE_USER']], ['Bearer', undefined])
    assert.equal(auth('Digest x')['AUTH_TYPE'], undefined)
    assert.equal(auth(`Basic ${Buffer.from('nocolon').toString('base64')}`)['AUTH_TYPE'], undefined)
    assert.equal(auth(`Basic ${Buffer.from('a\nb:c').toString('base64')}`)['REMOTE_USER'], undefined)
  })
})

describe('set-param', () => {
  it('overrides, the last one counting, and its names are mapped', () => {
    const setParams: [string, string][] = [
      ['SERVER_NAME', 'one'],
      ['SERVER_NAME', 'two'],
      ['my-var', '1'],
      ['REQUEST_METHOD', 'PURGE'],
      ['HTTP_X', 'set'],
    ]
    const given = environment({ headers: [['X', 'header']], rules: { setParams } })
    assert.equal(given['SERVER_NAME'], 'two')
    assert.equal(given['MY_VAR'], '1')
    assert.equal(given['REQUEST_METHOD'], 'PURGE')
    assert.equal(given['HTTP_X'], 'set')
  })

  it('with SCRIPT_NAME leaves no PATH_INFO to be deduced', () => {
    const setParams: [string, string][] = [['SCRIPT_NAME', '/fixed.php']]
    const given = environment({ target: '/a.php/b?q', app: phpApp, rules: { setParams } })
    assert.deepEqual(
      [given['SCRIPT_NAME'], given['PATH_INFO'], given['SCRIPT_FILENAME'], given['QUERY_STRING']],
      ['/fixed.php', undefined, '/srv/www/fixed.php', 'q'],
    )
    // Not even a path that could not be decoded matters then.
    assert.equal(environment({ target: '/%zz', rules: { setParams } })['SCRIPT_NAME'], '/fixed.php')
  })

  it('with DOCUMENT_ROOT and REQUEST_URI moves what is derived from them', () => {
    const setParams: [string, string][] = [
      ['DOCUMENT_ROOT', '/other'],
      ['REQUEST_URI', '/x.php?y'],
    ]
    const given = environment({ target: '/a.php', rules: { setParams } })
    assert.deepEqual([given['SCRIPT_FILENAME'], given['QUERY_STRING']], ['/other/x.php', 'y'])
  })
})

describe('path', () => {
  const split = (target: string, app: Partial<FcgiAppOptions> = phpApp) => {
    const { SCRIPT_NAME, PATH_INFO, SCRIPT_FILENAME } = environment({ target, app })
    return [SCRIPT_NAME, PATH_INFO, SCRIPT_FILENAME]
  }

  it('is split by the expression', () => {
    assert.deepEqual(split('/a.php'), ['/a.php', undefined, '/srv/www/a.php'])
    assert.deepEqual(split('/a.php/'), ['/a.php', '/', '/srv/www/a.php'])
    assert.deepEqual(split('/a.php/b/c?d'), ['/a.php', '/b/c', '/srv/www/a.php'])
  })

  it('is the script when nothing matches', () => {
    assert.deepEqual(split('/a.txt'), ['/a.txt', undefined, '/srv/www/a.txt'])
    assert.deepEqual(split('/a.PHP/x'), ['/a.PHP/x', undefined, '/srv/www/a.PHP/x'])
    assert.deepEqual(split('/a.php/b', {}), ['/a.php/b', undefined, '/srv/www/a.php/b'])
  })

  it('without capture 1 is the script too', () => {
    assert.deepEqual(split('/x/y', { pathInfo: '^(/a)?/x(/y)$' }), ['/x/y', undefined, '/srv/www/x/y'])
  })

  it('gets the index behind a slash, after the split', () => {
    assert.deepEqual(split('/'), ['/index.php', undefined, '/srv/www/index.php'])
    assert.deepEqual(split('/d/?x'), ['/d/index.php', undefined, '/srv/www/d/index.php'])
    assert.deepEqual(split('/d/x', { index: 'i.php', pathInfo: '^(/d/)(x)$' })[0], '/d/i.php')
  })

  it('is decoded once, and + stays', () => {
    assert.deepEqual(split('/a%20b%2Fc+d%2525')[0], '/a b/c+d%25')
    assert.deepEqual(split('/%c3%a9')[0], '/\xc3\xa9')
  })

  it('may come in absolute form', () => {
    const given = environment({ target: 'http://h:1/p.php?q' })
    assert.deepEqual(
      [given['SCRIPT_NAME'], given['QUERY_STRING'], given['REQUEST_URI']],
      ['/p.php', 'q', 'http://h:1/p.php?q'],
    )
    assert.equal(environment({ target: 'http://h' })['SCRIPT_NAME'], '/')
  })

  it('is refused when it cannot be handed on', () => {
    for (const target of ['/%zz', '/%4', '/a%', '*', 'h:443', '/a%00.php', '/a%0a/b', '/a%0d', '?x']) {
      assert.throws(() => environment({ target }), { code: 'ERR_FCGI_PATH', status: 500 }, target)
    }
    assert.throws(() => environment({ target: `/${'a'.repeat(20_000)}` }), { code: 'ERR_FCGI_PATH' })
  })

  it('must not climb above the docroot', () => {
    for (const target of [
      '/../etc/x.php',
      '/%2e%2e/x',
      '/a/../../x',
      '/a/..%2f..%2fx',
      '/./../x',
      '//../x',
    ]) {
      assert.throws(() => environment({ target }), { code: 'ERR_FCGI_PATH_TRAVERSAL', status: 400 }, target)
    }
    // The depth of the script is no credit for what follows it.
    const pathInfo = '^(/.+?\\.php)(/.*)?$'
    for (const target of [
      '/d/e/f/a.php/../../../../etc/passwd',
      '/d/e/f/a.php/..',
      '/d/a.php/%2e%2e/%2e%2e/x',
      '/d/a.php/..%2f..%2fx',
      '/d/a.php/b/../../x',
      '/d/a.php/./../x',
      '/d/a.php//../x',
      '/a.php/../',
    ]) {
      for (const index of ['', 'index.php']) {
        const app = { pathInfo, index }
        assert.throws(() => environment({ target, app }), { code: 'ERR_FCGI_PATH_TRAVERSAL' }, target)
      }
    }
    const allowed = environment({ target: '/d/a.php/b/../c', app: { pathInfo } })
    assert.equal(allowed['PATH_TRANSLATED'], '/srv/www/b/../c')
    // Nor do rules get around it, except by naming the file themselves.
    for (const setParams of [
      [['SCRIPT_NAME', '/a/../../b']],
      [['PATH_INFO', '/a/../../b']],
      [
        ['SCRIPT_NAME', '/a.php'],
        ['PATH_INFO', '/../b'],
      ],
    ] as const) {
      const given = { target: '/x', rules: { setParams } }
      assert.throws(() => environment(given), { code: 'ERR_FCGI_PATH_TRAVERSAL' })
      assert.ok(environment({ ...given, app: { allowTraversal: true } }))
    }
    const named = environment({
      target: '/x',
      rules: { setParams: [['SCRIPT_FILENAME', '/srv/www/../app.php']] },
    })
    assert.equal(named['SCRIPT_FILENAME'], '/srv/www/../app.php')
    assert.equal(environment({ target: '/a/../b' })['SCRIPT_NAME'], '/a/../b')
    assert.equal(environment({ target: '/..a/b..' })['SCRIPT_NAME'], '/..a/b..')
    const app = { allowTraversal: true }
    assert.equal(environment({ target: '/../x', app })['SCRIPT_FILENAME'], '/srv/www/../x')
  })

  it('is not glued to the name of the docroot', () => {
    const app = { pathInfo: '^(/a\\.php)/?(.*)$' }
    assert.equal(environment({ target: '/a.php/-old/x', app })['PATH_TRANSLATED'], '/srv/www/-old/x')
    const rules: EnvironmentRules = { setParams: [['SCRIPT_NAME', 'app.php']] }
    assert.equal(environment({ target: '/x', rules })['SCRIPT_FILENAME'], '/srv/www/app.php')
    const slash = environment({ target: '/x', rules, app: { docroot: '/srv/www/' } })
    assert.equal(slash['SCRIPT_FILENAME'], '/srv/www/app.php')
  })

  it('is matched byte by byte, with letters that look alike told apart', () => {
    // U+212A KELVIN SIGN lower-cases to k, U+0130 changes length: neither happens to bytes.
    const target = '/a.%E2%84%AAphp/x.php'
    assert.deepEqual(split(target), [
      '/a.\xe2\x84\xaaphp/x.php',
      undefined,
      '/srv/www/a.\xe2\x84\xaaphp/x.php',
    ])
  })

  it('matches a dot with every byte', () => {
    assert.deepEqual(split('/a.php/%e2%80%a8x')[1], '/\xe2\x80\xa8x')
  })
})

describe('resolveFcgiApp', () => {
  it('wants a docroot, and an expression that it can trust', () => {
    const refused = { code: 'ERR_SLUICE_OPTION' }
    assert.throws(() => resolveFcgiApp({ docroot: '' }), refused)
    assert.throws(() => resolveFcgiApp({ docroot: '/', pathInfo: '(' }), refused)
    assert.throws(() => resolveFcgiApp({ docroot: '/', pathInfo: /x/i }), refused)
    assert.throws(() => resolveFcgiApp({ docroot: '/', pathInfo: /x/g }), refused)
    assert.throws(() => resolveFcgiApp({ docroot: '/', pathInfo: /x/u }), refused)
    assert.equal(resolveFcgiApp({ docroot: '/', pathInfo: /a.b/ }).pathInfo?.flags, 's')
  })
})

it('what is derived can be sent', () => {
  const app = resolveFcgiApp({ docroot: '/srv', ...phpApp })
  const given = request({ target: '/%ff.php?\xff', headers: [['X', '\xfe']] })
  encodeParams(new Writer(), 1, deriveEnvironment(given, app))
})
