import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOnly, importsOf, reexportsOf, withoutComments } from './source-scan.ts'

test('imports of every kind are found, and none in comments or texts', () => {
  const source = `
// import { a } from './comment.ts'
/* import { b } from './block.ts' */
import { c } from './named.ts'
import type { d } from './type.ts'
import e, { type f } from "./both.ts"
import * as g from 'node:net'
import './bare.ts'
import {
  h,
  type i,
} from './lines.ts'
export { j } from './export.ts'
export type { k } from './export-type.ts'
export * from './star.ts'
const later = await import('./dynamic.ts')
const text = "import { x } from './text.ts'"
`
  assert.deepEqual(importsOf(source.replace(/^const text.*$/m, '')).sort(), [
    './bare.ts',
    './both.ts',
    './dynamic.ts',
    './export-type.ts',
    './export.ts',
    './lines.ts',
    './named.ts',
    './star.ts',
    './type.ts',
    'node:net',
  ])
})

test('code is what is neither comment nor text nor regular expression', () => {
  const source = [
    "const a = 'process.exit' // process.exit",
    'const b = /process\\/[/]x/.test(c) /* process */',
    'const d = `process ${process.pid} {process} ${`setTimeout ${Date.now()} {}`} process`',
    'const e = f / g / process',
  ].join('\n')
  const words = codeOnly(source).match(/process|setTimeout|Date/g)
  assert.deepEqual(words, ['process', 'Date', 'process'])
  assert.equal(codeOnly(source).split('\n').length, 4)
  assert.equal(withoutComments("a // b\n/* c */ 'd // e'"), "a     \n        'd // e'")
})

test('names that are handed on are found with their file', () => {
  const source =
    "export { a, type b, c as d } from './x.ts'\nexport type { e } from './y.ts'\n// export { f }\nexport { g }"
  assert.deepEqual(reexportsOf(source), [
    { name: 'a', from: './x.ts' },
    { name: 'b', from: './x.ts' },
    { name: 'c', from: './x.ts' },
    { name: 'e', from: './y.ts' },
    { name: 'g', from: undefined },
  ])
})
