/** The HTTP request behind parameters: what gateways were seen to send, and what must not be believed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deriveEnvironment, HeaderList, readHttpRequest, resolveFcgiApp } from 'sluice/fcgi'

const read = (params: Readonly<Record<string, string>>) => {
  const { headers, ...rest } = readHttpRequest(new Map(Object.entries(params)))
  return { ...rest, headers: [...headers] }
}

/** In the forms of three gateways; test/e2e/fcgi-app.test.ts asks the real ones. */
const seen = {
  nginx: {
    QUERY_STRING: 'a=1',
    REQUEST_METHOD: 'GET',
    CONTENT_TYPE: '',
    CONTENT_LENGTH: '',
    SCRIPT_NAME: '/x y',
    REQUEST_URI: '/x%20y?a=1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_SCHEME: 'https',
    HTTPS: 'on',
    REMOTE_ADDR: '192.0.2.7',
    REMOTE_PORT: '50000',
    SERVER_ADDR: '192.0.2.1',
    SERVER_PORT: '443',
    HTTP_HOST: 'example.com',
    HTTP_ACCEPT_LANGUAGE: 'de',
  },
  apache: {
    HTTP_HOST: 'example.com',
    HTTP_ACCEPT_LANGUAGE: 'de',
    HTTPS: 'on',
    SERVER_ADDR: '192.0.2.1',
    SERVER_PORT: '443',
    REMOTE_ADDR: '192.0.2.7',
    REQUEST_SCHEME: 'https',
    REMOTE_PORT: '50000',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: 'GET',
    QUERY_STRING: 'a=1',
    REQUEST_URI: '/x%20y?a=1',
    SCRIPT_NAME: '/x y',
  },
  lighttpd: {
    CONTENT_LENGTH: '0',
    SCRIPT_NAME: '/x y',
    QUERY_STRING: 'a=1',
    REQUEST_URI: '/x%20y?a=1',
    REQUEST_SCHEME: 'https',
    HTTPS: 'on',
    REQUEST_METHOD: 'GET',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_PORT: '443',
    SERVER_ADDR: '192.0.2.1',
    REMOTE_PORT: '50000',
    REMOTE_ADDR: '192.0.2.7',
    HTTP_HOST: 'example.com',
    HTTP_ACCEPT_LANGUAGE: 'de',
  },
} as const

describe('the request behind parameters', () => {
  for (const [gateway, params] of Object.entries(seen)) {
    it(`of ${gateway}`, () => {
      assert.deepEqual(read(params), {
        method: 'GET',
        target: '/x%20y?a=1',
        version: 'HTTP/1.1',
        remoteAddress: '192.0.2.7',
        remotePort: 50000,
        localAddress: '192.0.2.1',
        localPort: 443,
        tls: true,
        contentLength: gateway === 'lighttpd' ? 0 : undefined,
        headers: [
          ['Host', 'example.com'],
          ['Accept-Language', 'de'],
        ],
      })
    })
  }

  it('is what deriveEnvironment was given', () => {
    const request = {
      method: 'POST',
      target: '/a.php/b%C3%A4?x=%20',
      version: 'HTTP/1.1',
      headers: HeaderList.from([
        ['Host', 'example.com:8080'],
        ['X-Thing', 'one'],
        ['Content-Type', 'text/x'],
        ['Content-Length', '5'],
      ]),
      remoteAddress: '2001:db8::7',
      remotePort: 50000,
      localAddress: '',
      localPort: 80,
      tls: false,
    }
    const back = readHttpRequest(deriveEnvironment(request, resolveFcgiApp({ docroot: '/srv' })))
    assert.deepEqual([...back.headers], [...request.headers])
    const { headers: _, contentLength, ...rest } = back
    const { headers: __, ...given } = request
    assert.deepEqual(rest, given)
    assert.equal(contentLength, 5)
  })

  it('of a gateway without REQUEST_URI', () => {
    const params = { SCRIPT_NAME: '/a b', PATH_INFO: '/\xe4?%', QUERY_STRING: 'q=%20' }
    assert.equal(read(params).target, '/a%20b/%E4%3F%25?q=%20')
    assert.equal(read({}).target, '/')
    assert.equal(read({ PATH_INFO: '/€' }).target, '/%E2%82%AC')
  })

  it('has nothing of what is malformed, and no Proxy header', () => {
    const bad = {
      HTTP_PROXY: 'http://evil/',
      HTTP_CONTENT_LENGTH: '7',
      CONTENT_LENGTH: '-1',
      REMOTE_PORT: '70000',
      SERVER_PORT: 'x',
      SERVER_PROTOCOL: 'SPDY',
      HTTPS: 'off',
      REQUEST_SCHEME: 'https',
    }
    assert.deepEqual(read(bad), {
      method: 'GET',
      target: '/',
      version: 'HTTP/1.1',
      remoteAddress: '',
      remotePort: 0,
      localAddress: '',
      localPort: 0,
      tls: false,
      contentLength: undefined,
      headers: [],
    })
    assert.equal(read({ REQUEST_SCHEME: 'https' }).tls, true)
  })

  it('has a Content-Length of 0 where a body might be', () => {
    const lengths = ['GET', 'HEAD', 'POST', 'DELETE'].map(
      (method) => read({ REQUEST_METHOD: method, CONTENT_LENGTH: '0' }).headers.length,
    )
    assert.deepEqual(lengths, [0, 0, 1, 1])
  })
})
