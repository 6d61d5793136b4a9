/** A plan is opaque, and the types of `sluice/proxy` reach nothing of the proxy at work. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { it } from 'node:test'
import { createProxy } from 'sluice/proxy'
import type { LoadedProxy, Plan } from 'sluice/proxy'

it('nothing of a plan can be read or made up', () => {
  const uses = (plan: Plan, loaded: LoadedProxy): void => {
    // @ts-expect-error: not to be read
    void plan.proxies
    // @ts-expect-error: not to be read
    void plan.global
    // @ts-expect-error: not to be made up
    createProxy({})
    // @ts-expect-error: it may be undefined
    createProxy(loaded.plan)
    createProxy(plan)
  }
  assert.equal(uses.length, 2)
})

/** Public by itself: a recorder of exchanges is given to a proxy as to an engine. */
const ownEntry = 'dist/engine/index.d.ts'

/** All declaration files that `file` imports, itself included. */
function reachable(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file) || file === ownEntry) return found
  found.add(file)
  const text = readFileSync(file, 'utf8')
  for (const [, from = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.[jt]s['"]/g)) {
    reachable(join(dirname(file), `${from}.d.ts`), found)
  }
  return found
}

it('the declaration files of sluice/proxy are few, and none is of a room behind it', () => {
  const files = [...reachable('dist/proxy/index.d.ts')].map((file) => relative('dist', file))
  const own = files.filter((file) => file.startsWith('proxy/'))
  assert.deepEqual(own.toSorted(), [
    'proxy/control/stats.d.ts',
    'proxy/control/status-options.d.ts',
    'proxy/errors.d.ts',
    'proxy/index.d.ts',
    'proxy/load-options.d.ts',
    'proxy/load.d.ts',
    'proxy/plan/check-stats.d.ts',
    'proxy/plan/opaque.d.ts',
    'proxy/plan/phases.d.ts',
    'proxy/proxy.d.ts',
    'proxy/settings.d.ts',
  ])
  // The files that users write, as far as they are described to them; nothing that runs, measures or parses a message.
  const floors = new Set(files.map((file) => file.split('/')[0] ?? ''))
  assert.deepEqual(
    [...floors].toSorted((a, b) => (a < b ? -1 : 1)),
    ['base', 'config', 'net', 'proxy'],
  )
  const leaves = files.filter((file) => /^(?:base|net)\//.test(file))
  assert.deepEqual(leaves.toSorted(), [
    'base/errors.d.ts',
    'base/logger-option.d.ts',
    'base/logger.d.ts',
    'base/options.d.ts',
    'base/suggest.d.ts',
    'net/endpoint.d.ts',
  ])
})
