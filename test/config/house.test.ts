/** The rooms of src/config: which may import which, and that no files import one another in a circle, types included. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'

/** What each room may import of src/config. The files on top may import everything. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  text: [],
  actions: ['text'],
  model: ['text', 'actions'],
  draft: ['text', 'model'],
  keywords: ['text', 'actions', 'model', 'draft'],
  check: ['text', 'actions', 'model', 'draft', 'keywords'],
}

/** Files of the top that rooms may import: codes, which are a leaf. */
const leaves = new Set(['src/config/errors.ts'])

type Sources = Readonly<Record<string, string>>

function readSources(folder: string): Sources {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return Object.fromEntries(
    names.map((name) => {
      const path = posix.join(folder, name.replaceAll('\\', '/'))
      return [path, readFileSync(join(folder, name), 'utf8')]
    }),
  )
}

function importsOf(path: string, sources: Sources): string[] {
  const specifiers = [...(sources[path] ?? '').matchAll(/from '(\.[^']+)'/g)].map((each) => each[1] ?? '')
  return specifiers.map((each) => posix.join(posix.dirname(path), each)).filter((each) => each in sources)
}

const roomOf = (path: string): string => /^src\/config\/([^/]+)\//.exec(path)?.[1] ?? ''

function violations(sources: Sources): string[] {
  return Object.keys(sources).flatMap((path) => {
    const room = roomOf(path)
    const allowed = room === '' ? undefined : arrows[room]
    if (room !== '' && allowed === undefined) return [`${path} is in a room that the table does not know`]
    return importsOf(path, sources)
      .filter((target) => allowed !== undefined && roomOf(target) !== room && !leaves.has(target))
      .filter((target) => !allowed?.includes(roomOf(target)))
      .map((target) => `${path} imports ${target}`)
  })
}

/** One circle for each file that is found to be in one. */
function circles(sources: Sources): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (trail.includes(path) || done.has(path)) return
    for (const next of importsOf(path, sources)) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of Object.keys(sources)) visit(path, [])
  return found
}

const config = readSources('src/config')

test('the rooms of src/config import downwards only', () => {
  assert.deepEqual(violations(config), [])
  assert.deepEqual(new Set(Object.keys(config).map(roomOf)), new Set(['', ...Object.keys(arrows)]))
})

test('no files of src/config, src/proxy/compile or src/proxy/actions import one another in a circle', () => {
  assert.deepEqual(circles(config), [])
  assert.deepEqual(circles({ ...readSources('src/proxy/compile'), ...readSources('src/proxy/actions') }), [])
})

test('a planted arrow and a planted circle are found', () => {
  const planted = { ...config, 'src/config/text/x.ts': "import type { Proxy } from '../model/index.ts'\n" }
  assert.deepEqual(violations(planted), ['src/config/text/x.ts imports src/config/model/index.ts'])
  const circle = {
    'src/config/text/a.ts': "import type { B } from './b.ts'\n",
    'src/config/text/b.ts': "import type { A } from './a.ts'\n",
  }
  assert.deepEqual(circles(circle), ['src/config/text/a.ts -> src/config/text/b.ts -> src/config/text/a.ts'])
})
