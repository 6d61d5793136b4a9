/** Our authorizer behind the two servers that ask one: lighttpd and Apache's mod_authnz_fcgi. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { createFcgiResponder } from 'sluice/fcgi'
import { skipWithoutGateway, startGateway } from '../support/gateways.ts'

/** Lets in whoever has the password. */
async function startAuthorizer(t: TestContext) {
  const roles: string[] = []
  const responder = createFcgiResponder({
    roles: ['authorizer'],
    onRequest: ({ role, params, http }) => {
      roles.push(role)
      const isKnown =
        http.headers.get('authorization') === `Basic ${btoa('joe:secret')}` ||
        params.get('REMOTE_PASSWD') === 'secret'
      const allowed = { headers: { 'Variable-SHOWN': 'shown', 'Variable-REMOTE_USER': 'joe' } }
      return isKnown
        ? allowed
        : { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' }, body: 'who?' }
    },
  })
  t.after(() => responder.destroy())
  const endpoint = await responder.listen('127.0.0.1:0')
  assert.ok(endpoint.type === 'tcp')
  return { port: endpoint.port, roles }
}

function docroot(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'authorizer-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  chmodSync(dir, 0o755)
  writeFileSync(join(dir, 'page.txt'), 'the page')
  return dir
}

const ask = async (port: number, path: string, password?: string) => {
  const headers: Record<string, string> =
    password === undefined ? {} : { Authorization: `Basic ${btoa(`joe:${password}`)}` }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return [response.status, await response.text()]
}

describe('lighttpd', { skip: skipWithoutGateway('lighttpd') }, () => {
  it('asks before it serves a file', async (t) => {
    const { port: app, roles } = await startAuthorizer(t)
    const server = (mode: string) =>
      `(("host" => "127.0.0.1", "port" => ${app}, "check-local" => "disable", ${mode}))`
    const root = docroot(t)
    const gateway = await startGateway(t, 'lighttpd', '', {
      docroot: root,
      lines: `server.modules = ("mod_fastcgi")
fastcgi.server = ("/page" => ${server(`"mode" => "authorizer", "docroot" => "${root}"`)})`,
    })
    assert.deepEqual(await ask(gateway.port, '/page.txt'), [401, 'who?'])
    assert.deepEqual(await ask(gateway.port, '/page.txt', 'wrong'), [401, 'who?'])
    assert.deepEqual(await ask(gateway.port, '/page.txt', 'secret'), [200, 'the page'])
    assert.deepEqual(roles, ['authorizer', 'authorizer', 'authorizer'])
  })
})

describe('Apache', { skip: skipWithoutGateway('apache') }, () => {
  it('asks before it serves a file', async (t) => {
    const { port: app, roles } = await startAuthorizer(t)
    const root = docroot(t)
    const modules = ['authn_core', 'authz_user', 'auth_basic', 'authnz_fcgi']
    const gateway = await startGateway(t, 'apache', `127.0.0.1:${app}`, {
      docroot: root,
      lines: `${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
AuthnzFcgiDefineProvider authn Ours fcgi://127.0.0.1:${app}/
<Location "/page.txt">
  AuthType Basic
  AuthName "x"
  AuthBasicProvider Ours
  Require valid-user
</Location>`,
    })
    assert.equal((await ask(gateway.port, '/page.txt'))[0], 401)
    assert.equal((await ask(gateway.port, '/page.txt', 'wrong'))[0], 401)
    assert.deepEqual(await ask(gateway.port, '/page.txt', 'secret'), [200, 'the page'], gateway.logs())
    assert.deepEqual(roles, ['authorizer', 'authorizer'])
  })
})
