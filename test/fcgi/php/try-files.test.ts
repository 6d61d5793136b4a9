/** Which script serves a path: nginx's `try_files`, and the names that are refused although they are there. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { UsageError } from 'sluice'
import { phpFpm } from 'sluice/fcgi'
import type { FcgiError, PhpFpmOptions } from 'sluice/fcgi'
import { decodePath, normalizePath } from '#src/fcgi/codec/path.js'
import { scriptFilesOf } from '#src/fcgi/php/script-files.js'
import { decide } from '#src/fcgi/php/try-files.js'
import type { Decision } from '#src/fcgi/php/try-files.js'
import { tempDir } from '../support.ts'

const defaults = {
  tryFiles: ['$uri', '$uri/', '/index.php'],
  index: ['index.php', 'index.html'],
  maxPathSize: 4096,
}

const names = [
  'index.php',
  'a.php',
  'page.php',
  'x.php/inner.php',
  'hello.txt',
  'hello.php.txt',
  'sub/index.php',
  'static/index.html',
  'both/index.html',
  'both/index.php',
  'empty/.keep',
  '.well-known/thing',
  '.well-known/acme.php',
  '.hidden/a.php',
  'up.PHP',
  'caf\u00e9.php',
]

const show = (found: Decision): string => {
  if (found.kind === 'run') {
    return `${found.script}|${found.pathInfo}${found.query === undefined ? '' : `|${found.query}`}`
  }
  if (found.kind === 'redirect') return `301 ${found.location}`
  return found.kind === 'status' ? String(found.status) : found.kind
}

describe('a path', () => {
  const front = '/index.php|'
  const cases: Readonly<Record<string, string>> = {
    '/': front,
    '/?a=1': front,
    '/a.php': '/a.php|',
    '/a.php?x': '/a.php|',
    '/a.php/': '/a.php|/',
    '/a.php/b/c.php': '/a.php|/b/c.php',
    '/a.php/..': front,
    '/./a.php': '/a.php|',
    '//a.php': '/a.php|',
    '/sub/../a.php': '/a.php|',
    '/%61.php': '/a.php|',
    '/caf%C3%A9.php': '/caf\xc3\xa9.php|',
    '/A.php': front,
    '/none.php': front,
    '/hello.txt': 'other',
    '/hello.txt/': front,
    '/hello.txt/a.php': front,
    '/hello.php.txt': 'other',
    '/up.PHP': '404',
    '/x.php': '301 /x.php/',
    '/x.php/inner.php': '/x.php/inner.php|',
    '/x.php/inner.php/info': '/x.php/inner.php|/info',
    '/sub': '301 /sub/',
    '/sub?a=1': '301 /sub/?a=1',
    '//sub?': '301 /sub/',
    '/s%75b': '301 /s%75b/',
    '/\\h/../sub': '301 /%5Ch/../sub/',
    '/sub/': '/sub/index.php|',
    '/static/': 'other',
    '/static': '301 /static/',
    '/both/': '/both/index.php|',
    '/empty/': front,
    '/empty': front,
    '/.well-known/thing': 'other',
    '/.well-known/acme.php': '/.well-known/acme.php|',
    '/.hidden/a.php': front,
    '/.hidden/': front,
    '/.well-knownx/': front,
    '/empty/.keep': front,
    '/...': front,
    'http://h/a.php': '/a.php|',
    'http://h': front,
  }

  it('has the script that it should have', async (t) => {
    const root = tempDir(t)
    for (const name of names) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), '')
    }
    // The expression finds x.php a folder, and nothing is its index.
    mkdirSync(join(root, 'x.php'), { recursive: true })
    const files = scriptFilesOf(root)
    for (const [target, expected] of Object.entries(cases)) {
      if (target === '/x.php') continue
      assert.equal(show(await decide(target, files, defaults)), expected, target)
    }
    assert.equal(show(await decide('/x.php', files, defaults)), front)
    // Beside the root, not below it.
    for (const end of ['.html', '.php']) writeFileSync(root + end, '')
    t.after(() => ['.html', '.php'].forEach((end) => rmSync(root + end)))

    const other: [tryFiles: string[], target: string, expected: string][] = [
      [['$uri'], '/none', 'other'],
      [['$uri', '=404'], '/none', '404'],
      [['$uri', '$uri.php', '=404'], '/page', '/page.php|'],
      [['$uri', '$uri.php', '=404'], '/page/', '/page.php|'],
      [['$uri.html', '$uri.php', '=404'], '/', '404'],
      [['$uri/index.php'], '/', '/index.php|'],
      [['$uri', '/index.php?$args'], '/x/y?b=c', '/index.php||b=c'],
      [['/index.php?q=$uri&$query_string'], '/a.php?b', '/index.php||q=/a.php&b'],
      [['/index.php?q=$uri'], '/caf%C3%A9/%ff', '/index.php||q=/caf%C3%A9/%FF'],
      [['/index.php?q=$uri&$args'], '/a&b=1+2%23%25?c', '/index.php||q=/a%26b%3D1%2B2%23%25&c'],
      [['$uri', '/sub/index.php'], '/none', '/sub/index.php|'],
      // The root without its slash, of a mount.
      [defaults.tryFiles, '', '301 /'],
      [defaults.tryFiles, '?a=1', '301 /?a=1'],
      [['$uri', '/index.php'], '?a=1', front],
    ]
    for (const [tryFiles, target, expected] of other) {
      assert.equal(
        show(await decide(target, files, { ...defaults, tryFiles })),
        expected,
        `${target} ${tryFiles.join()}`,
      )
    }
    for (const [target, code] of [
      ['/../a.php', 'ERR_FCGI_PATH_TRAVERSAL'],
      ['/sub/../../a.php', 'ERR_FCGI_PATH_TRAVERSAL'],
      ['/%2e%2e/a.php', 'ERR_FCGI_PATH_TRAVERSAL'],
      ['/a.php%00.txt', 'ERR_FCGI_PATH'],
      ['/a%0ab', 'ERR_FCGI_PATH'],
      ['/%zz', 'ERR_FCGI_PATH'],
      ['*', 'ERR_FCGI_PATH'],
      ['a.php', 'ERR_FCGI_PATH'],
      [`/${'x'.repeat(5000)}`, 'ERR_FCGI_PATH'],
    ] as const) {
      await assert.rejects(decide(target, files, defaults), (error: FcgiError) => error.code === code, target)
    }
  })

  it('is looked for a few times, whatever is in it', async (t) => {
    const root = tempDir(t)
    mkdirSync(join(root, 'x.php'))
    const files = scriptFilesOf(root)
    let looks = 0
    const counted = {
      kind(path: string) {
        looks++
        return files.kind(path)
      },
    }
    assert.equal(show(await decide(`/x.php${'/y.php'.repeat(500)}`, counted, defaults)), front)
    assert.ok(looks <= 4, String(looks))
  })

  it('may lead through a symbolic link', async (t) => {
    const root = tempDir(t)
    const elsewhere = tempDir(t)
    writeFileSync(join(elsewhere, 'a.php'), '')
    symlinkSync(elsewhere, join(root, 'link'))
    assert.equal(show(await decide('/link/a.php', scriptFilesOf(root), defaults)), '/link/a.php|')
  })
})

it('paths are normalized as a browser would', () => {
  for (const path of [
    '/',
    '/a',
    '/a/',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/a/b/..',
    '/a/b/.',
    '/./',
    '/..a/b..',
    '//a',
    '/a/..',
    '/.a',
    '/a.',
  ]) {
    const expected = new URL(path.replace(/\/{2,}/g, '/'), 'http://h').pathname
    assert.equal(normalizePath(path), expected, path)
  }
  assert.equal(decodePath('/%41%e4+', 10), '/A\xe4+')
})

it('the options are checked', () => {
  const good = { root: '/srv', socket: '/run/x.sock' }
  const cases: [object, RegExp][] = [
    [{ ...good, root: '' }, /'root' is mandatory/],
    [{ root: '/srv' }, /'socket' is mandatory/],
    [{ ...good, socket: [] }, /'socket' is mandatory/],
    [{ ...good, socket: 7 }, /'socket' must be an address/],
    [{ ...good, socket: 'nowhere' }, /is not an address/],
    [{ ...good, tryFiles: [] }, /'tryFiles' must be an array of/],
    [{ ...good, tryFiles: ['$url'] }, /'tryFiles'/],
    [{ ...good, tryFiles: ['index.php'] }, /'tryFiles'/],
    [{ ...good, tryFiles: ['/index.html'] }, /'tryFiles'/],
    [{ ...good, tryFiles: ['=40'] }, /'tryFiles'/],
    [{ ...good, params: 7 }, /'params'/],
    [{ ...good, client: { keepConn: 7 } }, /'keepConn'/],
    [{ ...good, other: 7 }, /unknown option 'other'/],
  ]
  for (const [options, message] of cases) {
    assert.throws(
      () => phpFpm(options as PhpFpmOptions),
      (error: UsageError) => error instanceof UsageError && message.test(error.message),
      JSON.stringify(options),
    )
  }
})
