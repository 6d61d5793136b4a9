/** docs/fcgi.md says what is so, and its examples run. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { createFcgiResponder, fcgiFaults } from 'sluice/fcgi'
import { resolveClientOptions } from '#src/fcgi/client/options.js'
import { resolveResponderOptions } from '#src/fcgi/responder/options.js'
import { resolvePhpOptions } from '#src/fcgi/php/options.js'
import { resolveFcgiApp } from '#src/fcgi/codec/app.js'
import { tempDir } from './support.js'

const page = readFileSync('docs/fcgi.md', 'utf8')
const examples = [...page.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? '')

/** Rows `| names | default | …` below a heading or a table head that contains `above`. */
function rows(above: string): Map<string, string> {
  const table = page.slice(page.indexOf(above)).split('\n\n')[0] ?? ''
  const found = new Map<string, string>()
  for (const line of table.split('\n')) {
    const [, names = '', fallback = ''] = line.split('|')
    for (const [, name = ''] of names.matchAll(/`(\w+)`/g))
      found.set(name, fallback.trim().replaceAll('`', ''))
  }
  return found
}

function compare(
  table: Map<string, string>,
  options: object,
  exceptions: Readonly<Record<string, string>>,
): void {
  const defaults = new Map(Object.entries(options))
  assert.deepEqual([...table.keys()].sort(), [...defaults.keys()].sort())
  for (const [name, value] of defaults) {
    if (name in exceptions) assert.equal(table.get(name), exceptions[name], name)
    else assert.equal(table.get(name), String(value), name)
  }
}

describe('docs/fcgi.md', () => {
  it('has the options and their defaults', () => {
    const client = { ...resolveClientOptions({ endpoint: '/x' }), endpoint: '' }
    const silent = { logger: 'silent' }
    const table = rows('| option | default | meaning |\n|---|---|---|\n| `endpoint`')
    compare(table, client, { endpoint: '', servers: '', onStderr: '', ...silent })
    const responder = resolveResponderOptions({ onRequest: () => undefined })
    compare(rows('| option | default | meaning |\n|---|---|---|\n| `onRequest`'), responder, {
      onRequest: '',
      roles: "['responder']",
      allowedPeers: 'all',
      socketMode: 'umask',
      logger: 'stderr',
    })
    const php = resolvePhpOptions({ root: '/r', socket: '/s' })
    const { servers: _, ...phpOptions } = php
    const phpTable = rows('| `phpFpm` option')
    phpTable.delete('phpFpm')
    compare(phpTable, phpOptions, {
      root: 'mandatory',
      socket: 'mandatory',
      docroot: 'the root',
      params: 'none',
      onError: 'none',
      client: '{}',
      tryFiles: php.tryFiles.join(', '),
      index: php.index.join(', '),
    })
    const app = rows('| setting of')
    app.delete('resolveFcgiApp')
    compare(app, resolveFcgiApp({ docroot: '/x' }), { docroot: 'mandatory', index: 'none', pathInfo: 'none' })
  })

  it('has examples that run', async (t) => {
    const responder = createFcgiResponder({
      onRequest: async ({ params, stdin }) => ({
        headers: { 'Content-Type': 'text/x' },
        body: `${params.get('SCRIPT_FILENAME')} ${await text(stdin)}`,
      }),
    })
    t.after(() => responder.destroy())
    const socket = join(tempDir(t), 'app.sock')
    await responder.listen(socket)
    const expected = [
      '200 /srv/www/index.php \n',
      '200 text/x /srv/www/index.php hello\n{ appStatus: 0, protocolStatus: 0 }\n',
      '/srv/www/app.php /path info\n',
      "200 [ [ 'Content-Type', 'text/x' ] ]\n/srv/www/index.php ",
      'GET /hello?a=1 from 192.0.2.7\n',
      'PUT something\n\n',
      'true joe\na file\n',
    ]
    assert.equal(examples.length, expected.length)
    for (const [at, source] of examples.entries()) {
      // Within the package, so that it is found by its own name.
      const file = join('.build', `fcgi-example-${process.pid}-${at}.mjs`)
      writeFileSync(file, source)
      t.after(() => rmSync(file, { force: true }))
      const env = { ...process.env, PHP_FPM_SOCKET: socket, ROOT: '/srv/www' }
      const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
      assert.deepEqual([output, errors], [expected[at], ''], source)
    }
  })
})

it('docs/errors.md has every code, with its status', () => {
  const errors = readFileSync('docs/errors.md', 'utf8')
  const listed = new Map(
    [...errors.matchAll(/^\| `(ERR_FCGI_\w+)` \| (\d+) \|/gm)].map((row) => [row[1], Number(row[2])]),
  )
  const known = new Map(Object.entries(fcgiFaults).map(([code, { status }]) => [code, status]))
  assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(known))
})
