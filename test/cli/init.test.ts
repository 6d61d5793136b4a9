/** `sluice init`: what it writes, and what it refuses. That the project works is test/e2e/tutorial.test.ts. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { packageSource } from '#src/cli/package-source.js'
import { root, runCli } from '../support/sluice.ts'

const cwd = mkdtempSync(join(tmpdir(), 'init-'))
after(() => rmSync(cwd, { recursive: true, force: true }))

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

interface Manifest {
  readonly version: string
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}
const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

test('every file of the project bears its name', async () => {
  const { code, stdout, stderr } = await runCli(['init', 'bot-gate'], { cwd })
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^bot-gate is in bot-gate\. Next:\n\n {2}cd bot-gate\n/)
  const folder = join(cwd, 'bot-gate')
  assert.deepEqual(filesOf(folder), [
    '.dockerignore',
    '.gitignore',
    'Dockerfile',
    'README.md',
    'compose.yaml',
    'deploy/bot-gate.service',
    'haproxy/haproxy.cfg',
    'haproxy/spoe-bot-gate.conf',
    'package.json',
    'src/agent.ts',
    'src/main.ts',
    'test/agent.test.ts',
    'tsconfig.json',
  ])
  for (const path of filesOf(folder)) {
    const text = readFileSync(join(folder, path), 'utf8')
    assert.doesNotMatch(text, /my[-_]agent|SLUICE/, path)
  }
  assert.match(readFileSync(join(folder, 'haproxy/haproxy.cfg'), 'utf8'), /var\(txn\.bot_gate\.ok\)/)
  assert.equal(manifestOf(folder).dependencies['sluice'], `file:${root}`, 'a clone')
})

test('the project has the package from where it came', () => {
  const modules = join(cwd, 'there/node_modules')
  mkdirSync(join(modules, 'sluice'), { recursive: true })
  const source = () => packageSource(join(modules, 'sluice'), '1.2.3')
  const lock = (resolved?: string) =>
    writeFileSync(
      join(modules, '.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/sluice': { resolved } } }),
    )
  assert.equal(source(), '^1.2.3', 'nobody has written it down')
  lock()
  assert.equal(source(), '^1.2.3')
  lock('https://registry.example/sluice-1.2.3.tgz')
  assert.equal(source(), '^1.2.3')
  lock('file:../sluice-1.2.3.tgz')
  assert.equal(source(), `file:${join(cwd, 'sluice-1.2.3.tgz')}`)
  assert.equal(packageSource('/src/sluice', '1.2.3'), 'file:/src/sluice')
})

test('its tools are the versions that are tested here', () => {
  const { devDependencies } = JSON.parse(
    readFileSync(join(root, 'starter/_package.json'), 'utf8'),
  ) as Manifest
  for (const [name, version] of Object.entries(devDependencies))
    assert.equal(version, manifestOf(root).devDependencies[name], name)
})

test('a name and a source of its own, in a folder with a fresh repository', async () => {
  mkdirSync(join(cwd, 'Some Folder/.git'), { recursive: true })
  const { code } = await runCli(['init', 'Some Folder', '--name', 'gate', '--from', 'file:../a "b".tgz'], {
    cwd,
  })
  assert.equal(code, 0)
  assert.equal(manifestOf(join(cwd, 'Some Folder')).dependencies['sluice'], 'file:../a "b".tgz')
})

for (const [what, args, wanted] of [
  [
    'a folder that has something in it',
    ['full'],
    /^sluice: full is not empty \(kept\.txt\): nothing was written/,
  ],
  ['a file', ['full/kept.txt'], /^sluice: .*ENOTDIR/],
  ['a name that HAProxy would not take', ['Some Other'], /^sluice: 'Some Other' cannot be the agent's name/],
  ['the name of the package itself', ['sluice'], /and not 'sluice'/],
  ['a name that makes variables too long', [`a${'b'.repeat(32)}`], /32 at most/],
  ['no folder', [], /missing required argument 'folder'/],
] as const) {
  test(`refused: ${what}`, async () => {
    mkdirSync(join(cwd, 'full'), { recursive: true })
    writeFileSync(join(cwd, 'full/kept.txt'), 'mine')
    const args2 = args[0] === 'full/kept.txt' ? [...args, '--name', 'gate'] : args
    const { code, stdout, stderr } = await runCli(['init', ...args2], { cwd })
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, wanted)
    assert.deepEqual(readdirSync(join(cwd, 'full')), ['kept.txt'])
    assert.ok(!existsSync(join(cwd, 'Some Other')) && !existsSync(join(cwd, 'sluice')))
  })
}
