/** What the pages say must be what the sources are. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { readSources, reexportsOf, withoutComments, type Sources } from './support/source-scan.ts'

const sources = readSources('src')
const errorsPage = readFileSync('docs/errors.md', 'utf8')

interface Catalogue {
  readonly path: string
  readonly codes: readonly string[]
}

/** `export const xFaults = { CODE: …, … } as const` of every errors.ts. */
function catalogues(): Catalogue[] {
  return Object.entries(sources).flatMap(([path, source]) => {
    const body = /export const \w+Faults = \{\n([\s\S]*?)\n\} as const/.exec(withoutComments(source))?.[1]
    if (body === undefined) return []
    return [{ path, codes: [...body.matchAll(/^ {2}(\w+): \{/gm)].map((match) => match[1] ?? '') }]
  })
}

interface Section {
  readonly path: string
  readonly rows: readonly (readonly string[])[]
}

/** Sections are called `## Name (`path`)`, and their table begins each row with a code. */
function sections(page: string): Section[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((text) => ({
      path: /\(`([^`]+)`\)/.exec(text.split('\n')[0] ?? '')?.[1] ?? '',
      rows: [...text.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, code = '', rest = '']) => [
        code,
        ...rest.split(/(?<!\\)\|/).map((cell) => cell.trim()),
      ]),
    }))
}

test('every catalogue of error codes has its section in docs/errors.md, and every section its catalogue', () => {
  assert.deepEqual(
    sections(errorsPage)
      .map(({ path }) => path)
      .sort(),
    catalogues()
      .map(({ path }) => path)
      .sort(),
  )
})

for (const { path, codes } of catalogues()) {
  test(`${path}: every code is explained in docs/errors.md, and nothing else is`, () => {
    const rows = sections(errorsPage).find((section) => section.path === path)?.rows ?? []
    assert.ok(codes.length > 0)
    assert.deepEqual(rows.map(([code]) => code ?? '').sort(), [...codes].sort())
    for (const [code = '', ...cells] of rows) {
      assert.ok(
        cells.length >= 2 && cells.every((cell) => cell !== ''),
        `${code} needs a meaning and an advice`,
      )
    }
  })
}

test('the statuses of SPOP in docs/errors.md are those of the catalogue', async () => {
  const { spopFaults } = await import('sluice/spop')
  const rows = sections(errorsPage).find(({ path }) => path === 'src/spop/errors.ts')?.rows ?? []
  for (const [code = '', status] of rows) {
    assert.equal(status, String(spopFaults[code as keyof typeof spopFaults].status), code)
  }
})

const topFolders = ['src', 'test', 'docs', 'scripts', 'examples', 'bench']
const layers = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())

/** Pages name the files of the proxy's rooms without `src/proxy/`. */
const rooms = readdirSync('src/proxy', { withFileTypes: true }).filter((entry) => entry.isDirectory())

/**
 * What looks like a path of this repository; those of src/ and of src/proxy may be named from there, and a star stands for
 * anything.
 */
function pathsIn(page: string): string[] {
  const words = page.match(/(?<![\w./:@-])[\w-]+(?:\/[\w.*-]+)+\/?/g) ?? []
  return words
    .map((word) => word.replace(/\.$/, ''))
    .flatMap((word) => {
      const first = word.split('/')[0] ?? ''
      if (topFolders.includes(first)) return [word]
      if (!/\.\w+$/.test(word)) return []
      if (layers.some(({ name }) => name === first)) return [`src/${word}`]
      return rooms.some(({ name }) => name === first) ? [`src/proxy/${word}`] : []
    })
}

function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(path)
  const folder = posix.dirname(path)
  const pattern = new RegExp(`^${posix.basename(path).replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
  return existsSync(folder) && readdirSync(folder).some((name) => pattern.test(name))
}

/** Where links lead that name no scheme, from the root of the repository; what stands behind `#` is left out. */
function linksOf(page: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^\w+:/.test(target))
    .map((target) => posix.join(posix.dirname(page), target))
}

const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
const pages = [
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  ...docs.map((name) => `docs/${name}`),
]

for (const page of pages) {
  test(`paths that ${page} names exist, and what it links to`, () => {
    const text = readFileSync(page, 'utf8')
    const missing = [...pathsIn(text), ...linksOf(page, text)].filter((path) => !exists(path))
    assert.deepEqual(missing, [])
  })
}

test('every page of docs/ is linked from the README, or from a page that it links to', () => {
  const linked = linksOf('README.md', readFileSync('README.md', 'utf8'))
  const further = linked
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => linksOf(page, readFileSync(page, 'utf8')))
  const found = new Set([...linked, ...further])
  assert.deepEqual(
    docs.map((name) => `docs/${name}`).filter((page) => !found.has(page)),
    [],
  )
})

test('a path that does not exist is found in prose, in back quotes and in links', () => {
  const page =
    'See docs/none.md, `src/none/`, [this](docs/gone.md#at), `spop/none.ts`, `wire/x.ts`, `config/key-*.txt`, not a/b or `agent/x`.'
  assert.deepEqual(pathsIn(page), [
    'docs/none.md',
    'src/none/',
    'docs/gone.md',
    'src/spop/none.ts',
    'src/proxy/wire/x.ts',
    'src/config/key-*.txt',
  ])
  assert.deepEqual(linksOf('docs/deep/a.md', `${page} [b](../b.md), [c](https://host/c), [d](#d)`), [
    'docs/deep/docs/gone.md',
    'docs/b.md',
  ])
  assert.ok(exists('src/spop/frame*.ts') && !exists('src/spop/nothing*.ts') && !exists('src/none/x*.ts'))
})

/** Where a name is declared, following what is handed on; undefined when it is nowhere. */
function declarationOf(name: string, path: string, all: Sources): { source: string; at: number } | undefined {
  const source = all[path]
  if (source === undefined) return undefined
  const keyword = String.raw`(?:declare\s+|abstract\s+|async\s+)*(?:function\*?|const|let|class|interface|type)`
  const match = new RegExp(String.raw`^export\s+${keyword}\s+${name}\b`, 'm').exec(source)
  if (match !== null) return { source, at: match.index }
  const from = reexportsOf(source).find((each) => each.name === name && each.from !== undefined)?.from
  return from === undefined ? undefined : declarationOf(name, posix.join(posix.dirname(path), from), all)
}

/** The names that an index.ts hands on, `export *` included. */
function publicNames(path: string, all: Sources): { name: string; path: string }[] {
  const source = all[path] ?? ''
  const resolve = (from: string) => posix.join(posix.dirname(path), from)
  const named = reexportsOf(source).map(({ name, from }) => ({
    name,
    path: from === undefined ? path : resolve(from),
  }))
  const stars = [...withoutComments(source).matchAll(/export \* from '([^']+)'/g)].flatMap(
    ([, from = '']) => {
      const target = resolve(from)
      const declared = (all[target] ?? '').matchAll(
        /^export\s+(?:async\s+|abstract\s+)*(?:function\*?|const|class|interface|type)\s+(\w+)/gm,
      )
      const handedOn = publicNames(target, all)
      return [...[...declared].map(([, name = '']) => ({ name, path: target })), ...handedOn]
    },
  )
  return [...named, ...stars]
}

/** The name has a comment of its own: one that ends on the line before it, and begins with two stars. */
function isDocumented({ source, at }: { source: string; at: number }): boolean {
  const before = source.slice(0, at).trimEnd()
  return before.endsWith('*/') && before.slice(before.lastIndexOf('/*')).startsWith('/**')
}

const indexes = Object.keys(sources).filter((path) => path.endsWith('/index.ts'))

for (const path of indexes) {
  test(`${path}: every name is documented where it is declared`, () => {
    const names = publicNames(path, sources)
    const undocumented = names.filter(({ name, path: from }) => {
      const found = declarationOf(name, from, sources)
      return found === undefined || !isDocumented(found)
    })
    assert.deepEqual(undocumented, [])
    assert.match(sources[path] ?? '', /^\/\*\*/, 'what the part is for stands at the head')
  })
}

test('a name without a comment, and one that is nowhere, are found', () => {
  const planted: Sources = {
    'src/p/index.ts': "export { a, b, type C } from './x.ts'\nexport * from './y.ts'",
    'src/p/x.ts': '/** A. */\nexport const a = 1\nexport function b() {}\n/* C. */\nexport interface C {}',
    'src/p/y.ts': "export const d = 1\nexport { e } from './x.ts'",
  }
  const state = publicNames('src/p/index.ts', planted).map(({ name, path }) => {
    const found = declarationOf(name, path, planted)
    return [name, found === undefined ? 'nowhere' : isDocumented(found)]
  })
  assert.deepEqual(state, [
    ['a', true],
    ['b', false],
    ['C', false],
    ['d', false],
    ['e', 'nowhere'],
  ])
})

/** The code of each `@example`: from its fence to the closing one, without the stars in front. */
function examplesOf(source: string): string[] {
  const comments = source.match(/\/\*\*[\s\S]*?\*\//g) ?? []
  return comments.flatMap((comment) => {
    const text = comment.replace(/^ *\* ?/gm, '')
    return [...text.matchAll(/@example[^\n]*\n```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  })
}

/** Pages whose examples are whole, and have no test of their own. */
const pagesOfCode = ['certificates', 'deploying', 'migrating']

test('the examples at the head of each part compile, and those of some pages', { timeout: 60_000 }, () => {
  const folder = '.build/doc-examples'
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const write = (name: string) => (code: string, index: number) => {
    const file = `${name}-${index + 1}.ts`
    writeFileSync(`${folder}/${file}`, `${code}\nexport {}\n`)
    return file
  }
  const written = [
    ...indexes.flatMap((path) => examplesOf(sources[path] ?? '').map(write(path.split('/').at(-2) ?? ''))),
    ...pagesOfCode.flatMap((name) => {
      const blocks = readFileSync(`docs/${name}.md`, 'utf8').matchAll(/^ *```ts\n([\s\S]*?)^ *```$/gm)
      return [...blocks].map(([, code = '']) => code).map(write(name))
    }),
  ]
  assert.ok(written.length > pagesOfCode.length)
  writeFileSync(
    `${folder}/tsconfig.json`,
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: { noEmit: true, noUnusedLocals: false, types: ['node'] },
      include: ['*.ts'],
    }),
  )
  try {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], { encoding: 'utf8' })
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout)
  }
})
