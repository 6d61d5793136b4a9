/** Who may ask a status port, and who may change something: each way in as a row. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatUrl, isLoopback, toStatusEndpoint } from '#src/status/address.js'
import { complaintOfChange, isOwnHost } from '#src/status/guard.js'
import { resolveStatusOptions } from '#src/status/options.js'

const loopback = { type: 'tcp', host: '127.0.0.1', port: 9100 } as const

describe('the Host header', () => {
  const rows: readonly (readonly [host: string | undefined, allowed: readonly string[], own: boolean])[] = [
    ['127.0.0.1:9100', [], true],
    ['127.0.0.1', [], true],
    ['localhost:8080', [], true],
    ['LOCALHOST', [], true],
    ['agent.localhost:9100', [], true],
    ['[::1]:9100', [], true],
    ['10.1.2.3:9100', [], true],
    [undefined, [], true],
    ['evil.example', [], false],
    ['evil.example:9100', [], false],
    ['127.0.0.1.evil.example', [], false],
    ['localhost.evil.example', [], false],
    ['', [], false],
    ['[::1', [], false],
    ['127.0.0.1@evil.example', [], false],
    ['agent.example', ['agent.example'], true],
    ['AGENT.example:80', ['agent.example'], true],
    ['other.example', ['agent.example'], false],
    ['other.example', ['*'], true],
  ]
  for (const [host, allowed, own] of rows) {
    it(`${host ?? 'none'} with [${allowed.join()}] is ${own ? 'ours' : 'refused'}`, () =>
      assert.equal(isOwnHost(host, loopback, allowed), own))
  }

  it('is not looked at on a unix socket, and the name that is listened on is ours', () => {
    assert.ok(isOwnHost('anything', { type: 'unix', path: '/run/a' }, []))
    assert.ok(isOwnHost('agent.example:1', { type: 'tcp', host: 'agent.example', port: 1 }, []))
  })
})

describe('a change', () => {
  const token = '0123456789abcdef'
  const right = {
    host: '127.0.0.1:9100',
    origin: 'http://127.0.0.1:9100',
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
  }
  const rows: readonly (readonly [what: string, headers: object, complaint: RegExp | undefined])[] = [
    ['all is right', {}, undefined],
    ['a program, which sends no Origin', { origin: undefined, 'sec-fetch-site': undefined }, undefined],
    ['https in front', { origin: 'https://127.0.0.1:9100' }, undefined],
    ['another site', { 'sec-fetch-site': 'cross-site' }, /another site/],
    ['another origin', { origin: 'http://evil.example' }, /Origin/],
    ['a sandboxed origin', { origin: 'null' }, /Origin/],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, /application\/json/],
    ['text', { 'content-type': 'text/plain' }, /application\/json/],
    ['no token', { authorization: undefined }, /token/],
    ['a wrong token', { authorization: 'Bearer 0123456789abcdeg' }, /token/],
    ['a short token', { authorization: 'Bearer 0' }, /token/],
    ['another scheme', { authorization: `Basic ${token}` }, /token/],
  ]
  for (const [what, headers, complaint] of rows) {
    it(what, () => {
      const found = complaintOfChange({ ...right, ...headers }, token)
      if (complaint === undefined) assert.equal(found, undefined)
      else assert.match(found ?? '', complaint)
    })
  }
})

describe('the address', () => {
  it('is loopback unless another is given', () => {
    for (const where of ['9100', ':9100']) assert.deepEqual(toStatusEndpoint(where), loopback)
    assert.deepEqual(toStatusEndpoint('0.0.0.0:9100'), { ...loopback, host: '0.0.0.0' })
    assert.deepEqual(toStatusEndpoint('*:9100'), { ...loopback, host: '0.0.0.0' })
    assert.deepEqual(toStatusEndpoint('unix@/run/s'), { type: 'unix', path: '/run/s' })
    assert.throws(() => toStatusEndpoint('nonsense'), { code: 'ERR_SLUICE_ADDRESS' })
    assert.throws(() => toStatusEndpoint('99999'), { code: 'ERR_SLUICE_ADDRESS' })
  })

  it('is told as a browser takes it', () => {
    assert.equal(formatUrl(loopback), 'http://127.0.0.1:9100/')
    assert.equal(formatUrl(toStatusEndpoint('0.0.0.0:9100')), 'http://127.0.0.1:9100/')
    assert.equal(formatUrl(toStatusEndpoint('[::1]:9100')), 'http://[::1]:9100/')
    assert.equal(formatUrl(toStatusEndpoint('/run/s')), 'unix@/run/s')
    assert.ok(isLoopback(loopback) && isLoopback(toStatusEndpoint('/run/s')))
    assert.ok(!isLoopback(toStatusEndpoint('0.0.0.0:1')) && !isLoopback(toStatusEndpoint('10.0.0.1:1')))
  })
})

it('a wrong option is named, and of a token nothing is shown', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ token: 'secret' }, /option 'token' must be a text of at least 16 characters$/],
    [{ token: 5 }, /option 'token' must/],
    [{ hosts: 'a' }, /option 'hosts' must be an array of strings/],
    [{ verdict: 'a b' }, /option 'verdict' must be the name of a variable/],
    [{ recent: -1 }, /option 'recent' must be a whole number from 0 to 1000/],
    [{ name: '' }, /option 'name' must be a text/],
    [{ host: [] }, /unknown option 'host'/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => resolveStatusOptions(options), { code: 'ERR_SLUICE_OPTION', message })
  }
})
