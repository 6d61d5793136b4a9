import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatEndpoint, parseEndpoint, UsageError, type Endpoint } from 'sluice'
import { toEndpoint } from '#src/net/endpoint.js'

const tcp = (host: string, port: number): Endpoint => ({ type: 'tcp', host, port })
const unix = (path: string): Endpoint => ({ type: 'unix', path })

test('all forms are read', () => {
  for (const [text, endpoint] of [
    ['127.0.0.1:80', tcp('127.0.0.1', 80)],
    ['localhost:65535', tcp('localhost', 65535)],
    [':0', tcp('0.0.0.0', 0)],
    ['*:80', tcp('0.0.0.0', 80)],
    ['[::1]:80', tcp('::1', 80)],
    ['::1:80', tcp('::1', 80)],
    [':::80', tcp('::', 80)],
    ['[::]:80', tcp('::', 80)],
    ['2001:db8::1:80', tcp('2001:db8::1', 80)],
    ['2001:db8:::80', tcp('2001:db8::', 80)],
    ['[fe80::1%eth0]:80', tcp('fe80::1%eth0', 80)],
    ['my_host.example.:80', tcp('my_host.example.', 80)],
    ['häuser.example:80', tcp('häuser.example', 80)],
    ['ipv4@127.0.0.1:80', tcp('127.0.0.1', 80)],
    ['ipv4@:80', tcp('0.0.0.0', 80)],
    ['ipv6@::1:80', tcp('::1', 80)],
    ['ipv6@:80', tcp('::', 80)],
    ['ipv6@*:80', tcp('::', 80)],
    ['tcp@127.0.0.1:80', tcp('127.0.0.1', 80)],
    ['tcp4@*:80', tcp('0.0.0.0', 80)],
    ['tcp6@:80', tcp('::', 80)],
    ['/run/a.sock', unix('/run/a.sock')],
    ['./a.sock', unix('./a.sock')],
    ['unix@/run/a.sock', unix('/run/a.sock')],
    ['unix@a.sock', unix('a.sock')],
    ['abns@name', unix('\0name')],
    ['fd@3', { type: 'fd', fd: 3 }],
  ] as const) {
    assert.deepEqual(parseEndpoint(text), endpoint, text)
  }
})

test('what is none is a UsageError with the text, the reason and the forms', () => {
  for (const [text, reason] of [
    ['', /the port is missing/],
    ['localhost', /the port is missing/],
    ['localhost:', /the port '' is not 0 to 65535/],
    ['localhost:http', /the port 'http'/],
    ['127.0.0.1:65536', /the port '65536'/],
    ['127.0.0.1:-1', /the port '-1'/],
    ['127.0.0.1:000080', /the port '000080'/],
    ['[::1]', /the port '1\]'/],
    ['[::1', /the host '\[:' holds '\['/],
    ['::1]:80', /the host '::1\]' holds '\]'/],
    ['tcp://127.0.0.1:0', /the host 'tcp:\/\/127\.0\.0\.1' holds '\/'/],
    ['udp@127.0.0.1:80', /holds '@'/],
    ['a b:80', /holds ' '/],
    ['::1', /the host ':' is no IPv6 address/],
    ['tcp:127.0.0.1:80', /the host 'tcp:127\.0\.0\.1' is no IPv6 address/],
    ['unix@', /the path is empty/],
    ['abns@', /the path is empty/],
    [`/${'x'.repeat(107)}`, /at most 107 bytes, this one 108/],
    [`/${'é'.repeat(54)}`, /at most 107 bytes, this one 109/],
    ['fd@', /fd@ wants a number/],
    ['fd@x', /fd@ wants a number/],
    ['fd@-1', /fd@ wants a number/],
  ] as const) {
    assert.throws(
      () => parseEndpoint(text),
      (error) =>
        error instanceof UsageError &&
        error.code === 'ERR_SLUICE_ADDRESS' &&
        error.message.startsWith(`'${text}' is not an address: `) &&
        error.message.includes('; use host:port') &&
        reason.test(error.message),
      text,
    )
  }
  assert.equal(parseEndpoint(`/${'x'.repeat(106)}`).type, 'unix')
})

test('what is no text and no endpoint is refused, with what was given', () => {
  for (const [given, start] of [
    [undefined, 'undefined is not an address: it is neither'],
    [12345, '12345 is not an address: it is neither'],
    [['127.0.0.1:80'], '["127.0.0.1:80"] is not an address: it is neither'],
    [{}, '{} is not an address: the type undefined is not tcp, unix or fd'],
    [{ port: 0 }, '{"port":0} is not an address: the type undefined'],
    [{ type: 'tcp', port: 0 }, '{"type":"tcp","port":0} is not an address: the host is missing'],
    [
      { type: 'tcp', host: 'h', port: '80' },
      `{"type":"tcp","host":"h","port":"80"} is not an address: the port '80' is not 0 to 65535`,
    ],
    [{ type: 'unix' }, '{"type":"unix"} is not an address: the path is missing'],
    [{ type: 'unix', path: '' }, "'' is not an address: the path is empty"],
    [{ type: 'fd', fd: -1 }, '{"type":"fd","fd":-1} is not an address: the descriptor -1 is no number'],
  ] as const) {
    assert.throws(
      () => toEndpoint(given as never),
      (error) =>
        error instanceof UsageError &&
        error.code === 'ERR_SLUICE_ADDRESS' &&
        error.message.startsWith(start) &&
        error.message.includes('use '),
      start,
    )
  }
  for (const endpoint of [tcp('::1', 0), unix('/a'), { type: 'fd', fd: 3 }]) {
    assert.equal(toEndpoint(endpoint as never), endpoint)
  }
  // @ts-expect-error a number is no text
  assert.throws(() => parseEndpoint(80), { code: 'ERR_SLUICE_ADDRESS', message: /^80 is not an address/ })
})

test('an endpoint is written as it is read', () => {
  for (const [endpoint, text] of [
    [tcp('127.0.0.1', 80), '127.0.0.1:80'],
    [tcp('::1', 80), '[::1]:80'],
    [unix('/run/a.sock'), 'unix@/run/a.sock'],
    [unix('\0name'), 'abns@name'],
    [{ type: 'fd', fd: 3 }, 'fd@3'],
  ] as const) {
    assert.equal(formatEndpoint(endpoint), text)
    assert.deepEqual(parseEndpoint(text), endpoint)
  }
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
  fc.assert(
    fc.property(host, fc.nat(65535), (name, port) => {
      assert.deepEqual(parseEndpoint(formatEndpoint(tcp(name, port))), tcp(name, port))
    }),
    { seed: 6, numRuns: 200 },
  )
})
