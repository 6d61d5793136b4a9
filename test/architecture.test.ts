/**
 * What may import what, as a table. `violations` is a function over sources, so that the tests at the end can plant
 * each mistake and see it refused.
 */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { circles, folderCircles, importCircles } from './support/import-circles.ts'
import { codeOnly, importsOf, readSources, withoutComments, type Sources } from './support/source-scan.ts'

/** What everybody may import; only `net` imports the other one. The public root, src/index.ts, exports of these. */
const leaves = ['base', 'net']

/** A folder may import itself, the folders named here, and the leaves. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  base: [],
  net: ['base'],
  bytes: [],
  spop: ['bytes'],
  status: [],
  agent: ['status', 'spop', 'bytes'],
  engine: ['spop', 'bytes'],
  http1: ['bytes'],
  fcgi: ['http1', 'bytes'],
  config: [],
  sample: ['config'],
  lint: ['sample', 'config'],
  proxy: ['engine', 'spop', 'fcgi', 'http1', 'sample', 'config', 'status', 'bytes'],
  recording: ['engine', 'spop', 'bytes'],
  services: ['agent', 'status'],
  inspect: ['spop', 'fcgi', 'bytes'],
  load: ['spop', 'fcgi', 'bytes'],
  testing: ['agent', 'engine', 'fcgi', 'spop', 'bytes'],
  cli: [
    'bytes',
    'spop',
    'status',
    'agent',
    'engine',
    'http1',
    'fcgi',
    'config',
    'sample',
    'lint',
    'proxy',
    'recording',
    'services',
    'inspect',
    'load',
    'testing',
  ],
}

/**
 * The rooms of the proxy, and what each may import of the others: arrows go down only. Files that lie in no room are named
 * by themselves.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  index: ['errors', 'load', 'load-options', 'plan', 'proxy', 'settings', 'control'],
  load: ['loader', 'load-options'],
  loader: ['compile', 'plan', 'load-options'],
  'load-options': ['plan'],
  proxy: ['runtime', 'control', 'plan', 'settings'],
  control: ['runtime', 'errors', 'plan'],
  runtime: ['client', 'filters', 'stream', 'server', 'log', 'context', 'settings', 'plan'],
  client: ['stream', 'server', 'context', 'settings', 'errors', 'plan', 'wire'],
  filters: ['stream', 'server', 'context', 'plan'],
  stream: ['server', 'context', 'settings', 'plan', 'wire'],
  server: ['context', 'settings', 'log', 'plan', 'wire'],
  compile: ['actions', 'settings', 'errors', 'plan', 'wire'],
  actions: ['plan', 'wire'],
  context: ['log', 'settings', 'plan'],
  log: ['settings', 'plan'],
  settings: [],
  errors: [],
  plan: ['wire'],
  wire: ['settings'],
}

/** `stream` for `src/proxy/stream/http-stream.ts`, `load` for `src/proxy/load.ts`; undefined outside of the proxy. */
function roomOf(path: string): string | undefined {
  return /^src\/proxy\/([^/.]+)/.exec(path)?.[1]
}

/** Folders and files that do no I/O and read no clock. Of FastCGI: what knows records and parameters, and no socket; of
 * the agent: what a connection does with what it knows. */
const pure = [
  'bytes/',
  'spop/',
  'http1/',
  'config/',
  'sample/',
  'lint/',
  'fcgi/codec/',
  'fcgi/errors.ts',
  'agent/ends.ts',
  'agent/overdue.ts',
  'agent/held-exchanges.ts',
  'agent/held-input.ts',
  'agent/unfinished.ts',
].map((path) => `src/${path}`)

/** What reads a clock, waits, or reaches the process. Names behind a dot or before a colon are somebody's own. */
const impure =
  /(?<![.\w$#])(?:(?:setTimeout|setInterval|setImmediate|queueMicrotask|randomBytes|randomInt|randomUUID|randomFill|randomFillSync)\s*\(|(?:performance|process|console|globalThis)\s*[.[]|Date\s*\.\s*now|new\s+Date\s*\(\s*\)|Date\s*\(\s*\))/g

/** What computes and does nothing else; of node:crypto that is digests and ciphers, not what makes random values. */
const pureModules = ['node:buffer', 'node:crypto']

/** Packages that a folder may use. */
const packages: Readonly<Record<string, readonly string[]>> = {
  cli: ['commander'],
  proxy: ['mime-types'],
  services: ['yaml', 'valibot', 'ioredis', 'mmdb-lib'],
}

const isPure = (path: string) => pure.some((prefix) => path.startsWith(prefix))

/** `spop` for `src/spop/frame.ts`; empty for the root. */
function layerOf(path: string): string {
  const [, folder = '', ...rest] = path.split('/')
  return rest.length === 0 ? '' : folder
}

/** What is wrong with these files; `all` is what they may import, when that is more. */
function violations(sources: Sources, all: Sources = sources): string[] {
  return Object.entries(sources).flatMap(([path, source]) => [
    ...importsOf(source).flatMap((specifier) => importViolation(path, specifier, all)),
    ...purityViolations(path, source),
    ...indexViolations(path, source),
  ])
}

function importViolation(path: string, specifier: string, sources: Sources): string[] {
  if (specifier.startsWith('node:')) {
    const free = !isPure(path) || pureModules.includes(specifier)
    return free ? [] : [`${path} is pure and imports ${specifier}`]
  }
  if (!specifier.startsWith('.')) {
    return (packages[layerOf(path)] ?? []).includes(specifier)
      ? []
      : [`${path} imports the package ${specifier}`]
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (!(target in sources)) return [`${path} imports ${specifier}, which does not exist`]
  return [...arrowViolation(path, target), ...leafViolation(path, target, sources)]
}

function arrowViolation(path: string, target: string): string[] {
  const from = layerOf(path)
  const to = layerOf(target)
  if (to === from) return roomViolation(path, target)
  if (leaves.includes(to) && !leaves.includes(from)) return []
  if (from === '') return [`${path} is the root and imports ${target}`]
  const allowed = arrows[from]
  if (allowed === undefined) return [`${path} is in a folder that the table does not know`]
  return allowed.includes(to) ? [] : [`${path} imports ${target}: ${from} -> ${to} is not in the table`]
}

function roomViolation(path: string, target: string): string[] {
  const from = roomOf(path)
  const to = roomOf(target)
  if (from === undefined || to === undefined || from === to) return []
  const allowed = rooms[from]
  if (allowed === undefined) return [`${path} is in a room that the table does not know`]
  return allowed.includes(to) ? [] : [`${path} imports ${target}: ${from} -> ${to} goes up`]
}

/** A pure file may import only leaves that are pure themselves. */
function leafViolation(path: string, target: string, sources: Sources): string[] {
  if (!isPure(path) || !leaves.includes(layerOf(target))) return []
  const source = sources[target] ?? ''
  const isImpure = (each: string) => each.startsWith('node:') && !pureModules.includes(each)
  const reasons = [...importsOf(source).filter(isImpure), ...impureNames(source)]
  return reasons.length === 0
    ? []
    : [`${path} is pure and imports ${target}, which uses ${reasons.join(', ')}`]
}

const impureNames = (source: string): string[] => codeOnly(source).match(impure) ?? []

function purityViolations(path: string, source: string): string[] {
  const found = isPure(path) ? impureNames(source).map((name) => `${path} is pure and uses ${name}`) : []
  const prints = path.startsWith('src/cli/')
    ? []
    : (codeOnly(source).match(/(?<![.\w$#])console\s*[.[]/g) ?? [])
  return [...found, ...prints.map(() => `${path} prints with console; only src/cli/ may`)]
}

/** `index.ts` is the public API and nothing else. */
function indexViolations(path: string, source: string): string[] {
  if (!path.endsWith('/index.ts')) return []
  const rest = withoutComments(source)
    .replace(/\bexport\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s*from\s*(['"]).*?\1;?/g, '')
    .trim()
  return rest === '' ? [] : [`${path} holds more than exports: ${rest.slice(0, 60)}`]
}

const sources = readSources('src')

test('every import in src/ is an arrow of the table, and pure files stay pure', () => {
  assert.deepEqual(violations(sources), [])
})

test('no folders import one another, and no files', () => {
  assert.deepEqual(circles(new Map(Object.entries(arrows))), [], 'the table')
  assert.deepEqual(folderCircles(sources, 'src/'), [], 'folders')
  assert.deepEqual(importCircles(sources, 'src/'), [], 'files')
  for (const folder of ['bench', 'test']) {
    // They may name what a file is compiled to.
    const files = Object.entries(readSources(folder))
    const named = Object.fromEntries(files.map(([path, source]) => [path, source.replaceAll(".js'", ".ts'")]))
    assert.deepEqual(importCircles(named, `${folder}/`), [], folder)
  }
})

test('the table names every folder of src/, and everything that it calls pure exists', () => {
  const folders = new Set(Object.keys(sources).map(layerOf))
  folders.delete('')
  for (const folder of folders) assert.ok(folder in arrows, folder)
  for (const prefix of pure) {
    assert.ok(
      Object.keys(sources).some((path) => path.startsWith(prefix)),
      prefix,
    )
  }
})

/** What the checker says about one planted file. */
const planted = (path: string, source: string) => violations({ [path]: source }, sources)

test('every arrow between rooms of the proxy that is not in the table is refused', () => {
  assert.deepEqual(circles(new Map(Object.entries(rooms))), [])
  for (const from of Object.keys(rooms)) {
    for (const [to, inside] of Object.entries(aFileOfEach(rooms))) {
      const path = `src/proxy/${from}/planted.ts`
      const found = planted(path, `import { x } from '../${inside.slice('src/proxy/'.length)}'`)
      const refused = found.some((each) => each.endsWith(`${from} -> ${to} goes up`))
      assert.equal(refused, from !== to && rooms[from]?.includes(to) === false, `${from} -> ${to}`)
    }
  }
})

/** A file in each room, to be imported by a planted one. */
function aFileOfEach(table: Readonly<Record<string, unknown>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const path of Object.keys(sources)) {
    const room = roomOf(path)
    if (room !== undefined && room in table) found[room] ??= path
  }
  return found
}

test('a planted arrow is refused', () => {
  for (const [path, specifier, expected] of [
    ['src/spop/planted.ts', '../agent/index.ts', /spop -> agent is not in the table/],
    ['src/net/planted.ts', '../agent/index.ts', /net -> agent is not in the table/],
    ['src/base/planted.ts', '../net/dial.ts', /base -> net is not in the table/],
    ['src/bytes/planted.ts', '../spop/varint.ts', /bytes -> spop is not in the table/],
    ['src/agent/planted.ts', '../engine/index.ts', /agent -> engine is not in the table/],
    ['src/config/planted.ts', '../sample/index.ts', /config -> sample is not in the table/],
    ['src/services/planted.ts', '../spop/index.ts', /services -> spop is not in the table/],
    ['src/engine/planted.ts', '../../src/agent/index.ts', /engine -> agent is not in the table/],
    ['src/planted.ts', './spop/index.ts', /is the root and imports src\/spop\/index\.ts/],
    ['src/new/planted.ts', '../spop/index.ts', /a folder that the table does not know/],
    ['src/spop/planted.ts', './missing.ts', /which does not exist/],
    ['src/spop/planted.ts', 'commander', /imports the package commander/],
    ['src/proxy/planted.ts', 'lodash', /imports the package lodash/],
  ] as const) {
    for (const source of [
      `import { x } from '${specifier}'`,
      `import type { x } from "${specifier}"`,
      `export { x } from '${specifier}'`,
      `export * from '${specifier}'`,
      `import '${specifier}'`,
      `const x = await import('${specifier}')`,
      `import {\n  x, // comment\n  y,\n} from '${specifier}'`,
    ]) {
      const found = planted(path, source)
      assert.equal(found.length, 1, `${path}: ${source}`)
      assert.match(found[0] ?? '', expected)
    }
  }
  assert.deepEqual(planted('src/cli/planted.ts', "import { Command } from 'commander'"), [])
  assert.deepEqual(planted('src/agent/planted.ts', "import { x } from '../spop/index.ts'"), [])
})

test('planted impurity is refused, in pure files only', () => {
  for (const code of [
    "import { connect } from 'node:net'",
    "import { monotonic } from '../base/clock.ts'",
    'export const x = Date.now()',
    'export const x = new Date()',
    'export const x = () => setTimeout(f, 1)',
    'setImmediate(f)',
    'export const x = performance.now()',
    'export const x = process.env',
    "export const x = process['env']",
    'export const x = `${process.pid}`',
  ]) {
    for (const path of ['src/spop/planted.ts', 'src/fcgi/codec/record.ts', 'src/config/deep/planted.ts']) {
      const source = path.includes('deep') ? code.replace('../', '../../') : code
      assert.equal(planted(path, source).length, 1, `${path}: ${code}`)
    }
    assert.deepEqual(planted('src/agent/planted.ts', code), [], code)
  }
  for (const code of [
    "import { Buffer } from 'node:buffer'",
    '// setTimeout(f, 1) and process.env',
    "export const x = 'process.env'",
    'export const x = /process.env/',
    'export const x = this.process.env',
    'export const x = { process: 1 }',
    'export const x = new Date(seconds)',
    'export const x = `process.env`',
  ]) {
    assert.deepEqual(planted('src/spop/planted.ts', code), [], code)
  }
})

test('a planted console is refused everywhere but in cli/', () => {
  assert.match(planted('src/agent/planted.ts', 'console.log(1)')[0] ?? '', /prints with console/)
  assert.deepEqual(planted('src/cli/planted.ts', 'console.log(1)'), [])
})

test('a planted declaration in an index.ts is refused', () => {
  const exported = "export { x } from '../bytes/reader.ts'\n"
  assert.deepEqual(planted('src/spop/index.ts', `/** Doc. */\n${exported}`), [])
  assert.match(
    planted('src/spop/index.ts', `${exported}export const y = 1`)[0] ?? '',
    /holds more than exports/,
  )
  assert.match(
    planted('src/spop/index.ts', "import '../bytes/reader.ts'")[0] ?? '',
    /holds more than exports/,
  )
})

test('a planted circle of folders is found; what a folder shares with those inside is none', () => {
  assert.deepEqual(circles(new Map(Object.entries({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] }))), [
    'a -> b -> c -> a',
  ])
  const between = {
    'src/spop/x.ts': "import { a } from '../bytes/y.ts'",
    'src/bytes/y.ts': 'export const a = 1',
    'src/bytes/z.ts': "import type { a } from '../spop/w.ts'",
  }
  assert.deepEqual(folderCircles({ ...between, 'src/spop/w.ts': '' }, 'src/'), [
    'src/bytes -> src/spop -> src/bytes',
  ])
  const inside = {
    'src/a/index.ts': "export { x } from './one/x.ts'\nexport { y } from './two/y.ts'",
    'src/a/errors.ts': '',
    'src/a/one/x.ts': "import { z } from '../two/z.ts'\nimport { e } from '../errors.ts'",
    'src/a/two/y.ts': '',
    'src/a/two/z.ts': '',
  }
  assert.deepEqual(folderCircles(inside, 'src/'), [])
  const knot = { ...inside, 'src/a/two/y.ts': "import { b } from '../one/b.ts'", 'src/a/one/b.ts': '' }
  assert.deepEqual(folderCircles(knot, 'src/'), ['src/a/one -> src/a/two -> src/a/one'])
  assert.deepEqual(importCircles(knot, 'src/'), [])
})

test('a planted circle of files is found, over types and over several steps, once and at its shortest', () => {
  const circle = (files: Sources) => importCircles(files, 'src/a/')
  const direct = {
    'src/a/one.ts': "import type { Two } from './two.ts'",
    'src/a/two.ts': "import { one } from './one.ts'",
  }
  assert.deepEqual(circle(direct), ['src/a/one.ts -> src/a/two.ts -> src/a/one.ts'])
  assert.deepEqual(importCircles(direct, 'src/b/'), [])
  const knot = {
    'src/a/index.ts': "export { x } from './x.ts'",
    'src/a/x.ts': "import { y } from './deep/y.ts'",
    'src/a/deep/y.ts': "export type { z } from '../z.ts'",
    'src/a/z.ts': "import './x.ts'\nconst y = await import('./deep/y.ts')",
  }
  assert.deepEqual(circle(knot), ['src/a/deep/y.ts -> src/a/z.ts -> src/a/deep/y.ts'])
  assert.deepEqual(circle({ ...knot, 'src/a/z.ts': "import { b } from '../b/x.ts'" }), [])
  assert.deepEqual(circle({ 'src/a/self.ts': "import { x } from './self.ts'" }), [
    'src/a/self.ts -> src/a/self.ts',
  ])
  const planted = { ...sources, 'src/fcgi/errors.ts': "import type { FcgiPool } from './client/pool.ts'" }
  assert.equal(importCircles(planted, 'src/fcgi/').length, 1)
})

test('every exception from the linter says why', () => {
  const exceptions = ['src', 'test', 'bench'].flatMap((folder) =>
    Object.entries(readSources(folder)).flatMap(([path, source]) =>
      [...source.matchAll(/\/[/*] *(?:oxlint|eslint)-disable.*/g)].map(([text]) => `${path}: ${text}`),
    ),
  )
  assert.ok(exceptions.length > 0)
  assert.deepEqual(
    exceptions.filter((text) => !/ -- \w/.test(text)),
    [],
  )
})

test('Buffer and performance are imported: as globals of Node.js they are getters, called wherever they stand', () => {
  const globals = { Buffer: 'node:buffer', performance: 'node:perf_hooks' }
  const bare = (all: Sources) =>
    Object.entries(all).flatMap(([path, source]) =>
      Object.entries(globals).flatMap(([name, from]) => {
        const used = new RegExp(`(?<![\\w.])${name}\\.|instanceof ${name}\\b`).test(codeOnly(source))
        const imported = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '${from}'`).test(source)
        return used && !imported ? [`${path}: ${name}`] : []
      }),
    )
  assert.deepEqual(bare(sources), [])
  assert.deepEqual(bare({ 'src/a.ts': 'const b = Buffer.alloc(1)', 'src/b.ts': 'let b: Buffer' }), [
    'src/a.ts: Buffer',
  ])
})
