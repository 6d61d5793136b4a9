/** docs/agent.md: its examples compile and run, its table of options is that of the code. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { it } from 'node:test'
import { resolveAgentOptions } from '#src/agent/options.js'

const page = readFileSync('docs/agent.md', 'utf8')

it('every example compiles, and runs without an error', (t) => {
  const dir = `.build/docs-agent-${process.pid}`
  mkdirSync(dir, { recursive: true })
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  assert.ok(blocks.length >= 12)
  for (const [index, code] of blocks.entries()) writeFileSync(`${dir}/example-${index}.ts`, code)
  writeFileSync(
    `${dir}/tsconfig.json`,
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: { rootDir: '.' },
      include: ['*.ts'],
    }),
  )
  try {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', dir], { encoding: 'utf8' })
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout)
  }
  // Each in a process of its own; they listen where there is room, and stop by themselves.
  const prelude = `
    import { Agent } from 'sluice/agent'
    const listen = Agent.prototype.listen
    Agent.prototype.listen = function () { return listen.call(this, '127.0.0.1:0') }
    for (const path of process.argv.slice(1)) await import(path)
    setTimeout(() => process.exit(0), 20)`
  const paths = blocks.map((_, index) => `${process.cwd()}/${dir}/example-${index}.js`)
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', prelude, ...paths], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  assert.equal(run.stderr, '')
})

it('the table of options has every option, with its default', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.+?) \| .+ \|$/gm)].filter(([, , value]) =>
    /^(`.*`|none|silent)$/.test(value ?? ''),
  )
  const documented = Object.fromEntries(rows.map(([, name, value]) => [name, value]))
  const options = Object.fromEntries(
    Object.entries(resolveAgentOptions({})).map(([name, value]) => {
      if (value === undefined) return [name, 'none']
      if (name === 'logger') return [name, 'silent']
      return [name, typeof value === 'string' ? `\`'${value}'\`` : `\`${JSON.stringify(value)}\``]
    }),
  )
  assert.deepEqual(documented, options)
})

it('every link to a heading has its heading', () => {
  const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  )
  for (const [, anchor = ''] of page.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(anchors.includes(anchor), anchor)
})
