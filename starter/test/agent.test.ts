import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createDriver, IpAddress, variablesOf, type Driver } from 'sluice/testing'
import { createGate, parseBlocked } from '../src/agent.ts'

const visitor = IpAddress.parse('198.51.100.7')

function drive(t: TestContext, failure: 'open' | 'closed' = 'closed'): Driver {
  const agent = createGate({
    blocked: parseBlocked('192.0.2.0/24 2001:db8::/32'),
    failure,
    agent: { logger: false },
  })
  const driver = createDriver(agent)
  t.after(() => driver.close())
  return driver
}

const rows = [
  ['a visitor', { ip: visitor, path: '/' }, 'fine'],
  ['a blocked address', { ip: IpAddress.parse('192.0.2.66'), path: '/' }, 'address'],
  ['a blocked network', { ip: IpAddress.parse('2001:db8::1'), path: '/' }, 'address'],
  ['what nobody asks for by accident', { ip: visitor, path: '/.git/config' }, 'path'],
  ['a client on a unix socket, which has no address', { ip: null, path: '/' }, 'fine'],
] as const

for (const [what, args, reason] of rows) {
  test(`${what} is ${reason}`, async (t) => {
    const variables = variablesOf(await drive(t).notify('check-request', args))
    assert.equal(variables.get('txn.reason'), reason)
    assert.equal(variables.get('txn.ok'), reason === 'fine')
  })
}

for (const failure of ['open', 'closed'] as const) {
  test(`a message that cannot be judged: ${failure}`, async (t) => {
    const variables = variablesOf(await drive(t, failure).notify('check-request', { ip: visitor, path: 42 }))
    assert.equal(variables.get('txn.reason'), 'error')
    assert.equal(variables.get('txn.ok'), failure === 'open')
  })
}
