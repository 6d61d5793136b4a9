/** docs/agent.md: its examples compile and run, its table of options is that of the code. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgentCluster, createOffload, IpAddress } from 'sluice/agent'
import { resolveAgentOptions } from '#src/agent/options.js'
import { SpopClient } from '../support/spop-client.ts'

const page = readFileSync('docs/agent.md', 'utf8')

const dir = `.build/docs-agent-${process.pid}`
after(() => rmSync(dir, { recursive: true, force: true }))
/** A file that another one loads says its name in its first line. */
const examples = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ''], index) => ({
  code,
  name: /^\/\/ ([\w-]+)\.ts\n/.exec(code)?.[1] ?? `example-${index}`,
}))
const pathOf = (name: string) => `${process.cwd()}/${dir}/${name}.js`

it('every example compiles, and runs without an error', () => {
  mkdirSync(dir, { recursive: true })
  assert.ok(examples.length >= 14)
  assert.equal(new Set(examples.map(({ name }) => name)).size, examples.length)
  for (const { name, code } of examples) writeFileSync(`${dir}/${name}.ts`, code)
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
    for (const path of process.argv.slice(2)) await import(path)
    setTimeout(() => process.exit(0), 20)`
  const paths = examples.map(({ name }) => pathOf(name))
  // A file, for threads inherit the process's options, and `--input-type` is none for them.
  writeFileSync(`${dir}/prelude.mjs`, prelude)
  const run = spawnSync(process.execPath, [`${dir}/prelude.mjs`, ...paths], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  assert.equal(run.stderr, '')
})

it('the tables of cluster and threads have every option', () => {
  const none = new URL('file:///none.js')
  const wrong = { nothing: 1 } as object
  for (const [maker, call] of [
    ['createAgentCluster', () => createAgentCluster(none, wrong)],
    ['createOffload', () => createOffload(none, wrong)],
  ] as const) {
    const table = page.split(`| option of \`${maker}\` |`)[1]?.split('\n\n')[0] ?? ''
    const written = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
    assert.ok(written.length >= 4)
    assert.throws(call, (error: Error) => error.message.endsWith(`known are ${written.join(', ')}`))
  }
})

it('the example of worker threads answers from its thread', async () => {
  const script = `
    import { Agent } from 'sluice/agent'
    const listen = Agent.prototype.listen
    Agent.prototype.listen = async function () {
      const { port } = await listen.call(this, '127.0.0.1:0')
      process.stdout.write(String(port))
    }
    await import('./main.js')`
  writeFileSync(`${dir}/run.mjs`, script)
  const child = spawn(process.execPath, [`${dir}/run.mjs`], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer]
    const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port: Number(port) })
    // The first question: the agent has not listened before the threads had loaded the module.
    const [action] = await client.notify({ name: 'hash-body', args: [['body', Buffer.from('abc')]] })
    assert.ok(action?.type === 'set-var' && action.value.type === 'string')
    // FIPS 180-2, appendix B.1.
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    assert.equal(action.value.value, digest)
    client.close()
    child.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
  } finally {
    child.kill('SIGKILL')
  }
})

it('the first example prints what it says that it prints, here and in README.md', async () => {
  const shown = [...page.matchAll(/^```\n(.+ warn .+)\n```$/gm)].map(([, line = '']) => line).slice(0, 2)
  const readme = /^```\n(.+ warn .+)\n```$/m.exec(readFileSync('README.md', 'utf8'))?.[1]
  assert.equal(readme, shown[0])
  const forgetful = `
    import { createAgent } from 'sluice/agent'
    const agent = createAgent()
    agent.message('get-ip-reputation', (_, actions) => {
      setImmediate(() => actions.setVar('sess', 'ip_score', 1))
    })
    await agent.listen('127.0.0.1:12345')`
  writeFileSync(`${dir}/forgetful.mjs`, forgetful)
  const printed = [
    await stderrOf(pathOf('example-0'), 'get-ip-reputaton'),
    await stderrOf(`${process.cwd()}/${dir}/forgetful.mjs`, 'get-ip-reputation'),
  ]
  const plain = (line: string) => line.replace(/^\S+Z /, '').replace(/:\d+$/, '')
  assert.deepEqual(
    printed.map((text) => plain(text.trimEnd())),
    shown.map(plain),
  )
})

/** Runs an example, on a free port, and asks it one message; what it has printed on standard error. */
async function stderrOf(path: string, name: string): Promise<string> {
  const prelude = `
    import { Agent } from 'sluice/agent'
    const listen = Agent.prototype.listen
    Agent.prototype.listen = async function () {
      const { port } = await listen.call(this, '127.0.0.1:0')
      process.stdout.write(String(port))
    }
    await import(${JSON.stringify(path)})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude])
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer]
    const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port: Number(port) })
    await client.notify({ name, args: [['ip', IpAddress.parse('192.0.2.1')]] })
    for (let tries = 0; tries < 100 && text === ''; tries++) await sleep(10)
    client.close()
  } finally {
    child.kill('SIGKILL')
  }
  return text
}

it('the table of options has every option, with its default', () => {
  const limits = page.split('\n## Limits and their defaults')[1]?.split('\n## ')[0] ?? ''
  const rows = [...limits.matchAll(/^\| `(\w+)` \| (.+?) \| .+ \|$/gm)].filter(([, , value]) =>
    /^(`.*`|none|stderr)$/.test(value ?? ''),
  )
  const documented = Object.fromEntries(rows.map(([, name, value]) => [name, value]))
  const options = Object.fromEntries(
    Object.entries(resolveAgentOptions({})).map(([name, value]) => {
      if (value === undefined) return [name, 'none']
      if (name === 'logger') return [name, 'stderr']
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
