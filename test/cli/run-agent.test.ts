/** `sluice run --agent FILE`: agents in the process of the proxy, and everything that may be wrong with their files. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '../support/ports.ts'
import { makeFolder, root, runCli, startSluice } from '../support/sluice.ts'

interface Cleanup {
  after(hook: () => void | Promise<void>): void
}

const spoe = `spoe-agent mine
  messages check
  option var-prefix e
  option force-set-var
  timeout processing 1s
  use-backend agents
spoe-message check
  args path=path
  event on-frontend-http-request
`

const config = (port: number, name = 'my-agent'): string => `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend fe
  bind 127.0.0.1:${port}
  filter spoe config spoe.conf
  http-request return status 200 hdr X-Path "%[var(txn.e.path)]"
backend agents
  mode tcp
  server local inproc@${name}`

/** As the package is imported by who has installed it. */
const library = JSON.stringify(`${root}/dist/agent/index.js`)
const agentCode = `import { createAgent } from ${library}
const agent = createAgent()
agent.message('check', { path: 'string' }, ({ path }, actions) => {
  actions.setVar('txn', 'path', path)
})
export default agent
`
const factoryCode = `import { writeFileSync } from 'node:fs'
import { createAgent } from ${library}
export default async function make() {
  const agent = createAgent()
  agent.message('check', { path: 'string' }, ({ path }, actions) => void actions.setVar('txn', 'path', 'made ' + path))
  const close = agent.close.bind(agent)
  agent.close = async () => (writeFileSync('closed', ''), close())
  return agent
}
`
const typedCode = agentCode.replace('const agent =', 'const agent: ReturnType<typeof createAgent> =')

async function start(t: Cleanup, files: Record<string, string>, args: string[], name?: string) {
  const proxy = await startSluice({
    ports: ['fe'],
    config: ({ fe }) => config(fe, name),
    files: { 'spoe.conf': spoe, ...files },
    args,
  })
  t.after(() => proxy.stop())
  const seen = async (path: string) =>
    (await fetch(`http://127.0.0.1:${proxy.ports.fe}${path}`)).headers.get('x-path')
  return { ...proxy, seen }
}

test('an agent that a file exports is called as its file', async (t) => {
  const proxy = await start(t, { 'my-agent.mjs': agentCode }, ['--agent', './my-agent.mjs'])
  assert.equal(await proxy.seen('/a'), '/a')
  proxy.cli.signal('SIGTERM')
  assert.equal((await proxy.cli.ended).code, 0)
})

test('one that a function makes has a name of its own, and is closed behind the proxy', async (t) => {
  const proxy = await start(t, { 'lib/agent.mjs': factoryCode }, ['--agent', 'waf=lib/agent.mjs'], 'waf')
  assert.equal(await proxy.seen('/a'), 'made /a')
  proxy.cli.signal('SIGTERM')
  const { code, stderr } = await proxy.cli.ended
  assert.deepEqual([code, existsSync(join(proxy.dir, 'closed'))], [0, true], stderr)
})

const runsTypes = 'typescript' in process.features && Boolean(process.features.typescript)

test('TypeScript runs where Node.js runs it', { skip: !runsTypes }, async (t) => {
  const proxy = await start(t, { 'my-agent.ts': typedCode }, ['--agent', './my-agent.ts'])
  assert.equal(await proxy.seen('/a'), '/a')
})

const wrong: readonly (readonly [
  what: string,
  files: Record<string, string>,
  args: readonly string[],
  message: RegExp,
])[] = [
  ['a file that is not there', {}, ['--agent', './no.mjs'], /--agent \.\/no\.mjs: there is no \/.*no\.mjs/],
  [
    'no default export',
    { 'a.mjs': 'export const agent = 1' },
    ['--agent', 'a.mjs'],
    /a\.mjs: it has no default export, only agent; write 'export default agent'/,
  ],
  ['nothing exported', { 'a.mjs': '1' }, ['--agent', 'a.mjs'], /it has no default export; write/],
  ['something else', { 'a.mjs': 'export default 5' }, ['--agent', 'a.mjs'], /its default export is 5; write/],
  [
    'a function that makes something else',
    { 'a.mjs': 'export default () => ({})' },
    ['--agent', 'a.mjs'],
    /its default export has made \{\}; write/,
  ],
  [
    'a function that throws',
    { 'a.mjs': 'export default () => { throw new Error("no list") }' },
    ['--agent', 'a.mjs'],
    /its default export has thrown: no list/,
  ],
  [
    'a file that throws',
    { 'a.mjs': 'throw new Error("no list")' },
    ['--agent', 'a.mjs'],
    /it cannot be run: no list/,
  ],
  [
    'a file that waits for nothing',
    { 'a.mjs': 'await new Promise(() => {})' },
    ['--agent', 'a.mjs'],
    /a\.mjs: it never ends/,
  ],
  [
    'a function that waits for nothing',
    { 'a.mjs': 'export default () => new Promise(() => {})' },
    ['--agent', 'a.mjs'],
    /a\.mjs: it never ends/,
  ],
  ['a file with a mistake', { 'a.mjs': 'export default (' }, ['--agent', 'a.mjs'], /it cannot be run: /],
  [
    'a module that is missing',
    { 'a.mjs': "import 'no-such-package'" },
    ['--agent', 'a.mjs'],
    /it cannot be run: Cannot find package 'no-such-package'/,
  ],
  [
    'two of one name',
    { 'a.mjs': agentCode },
    ['--agent', 'a.mjs', '--agent', 'lib/a.mjs'],
    /there is an agent 'a' already, write --agent NAME=FILE/,
  ],
  ['no file', {}, ['--agent'], /--agent wants a \[name=\]file/],
  [
    'a name that nobody mounts',
    { 'a.mjs': agentCode },
    ['--agent', 'a.mjs'],
    /haproxy\.cfg:12:3: error: no agent is mounted as 'my-agent': mounted are a/,
  ],
  ...(runsTypes
    ? []
    : ([
        [
          'TypeScript that this Node.js does not run',
          { 'my-agent.ts': typedCode },
          ['--agent', 'my-agent.ts'],
          /Node\.js [\d.]+ does not run TypeScript: use 22\.18 or later, or compile it/,
        ],
      ] as const)),
]

for (const [what, files, args, message] of wrong) {
  test(`${what}: no proxy, and a line that says why`, async (t) => {
    const [port = 0] = await freePorts(1)
    const folder = makeFolder({ ...files, 'spoe.conf': spoe, 'haproxy.cfg': `${config(port)}\n` })
    t.after(() => folder.remove())
    const { code, stderr } = await runCli(['run', '-f', 'haproxy.cfg', ...args], { cwd: folder.dir })
    assert.equal(code, 1)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /^ +at /m, 'no stack')
  })
}

test('a check wants the file to be there, and runs nothing of it', async (t) => {
  const folder = makeFolder({
    'my-agent.mjs': 'throw new Error("was run")',
    'spoe.conf': spoe,
    'haproxy.cfg': `${config(8080)}\n`,
  })
  t.after(() => folder.remove())
  const check = (...args: string[]) =>
    runCli(['run', '-c', '-f', 'haproxy.cfg', ...args], { cwd: folder.dir })
  const good = await check('--agent', './my-agent.mjs')
  assert.deepEqual([good.code, good.stdout], [0, 'Warnings were found.\nConfiguration file is valid\n'])
  assert.equal((await check('--agent', './other.mjs')).code, 1)
  assert.equal((await check()).code, 1)
  // Who only reads the configuration does not know what will be mounted.
  const read = await runCli(['check', 'haproxy.cfg'], { cwd: folder.dir })
  assert.equal(read.code, 0)
  assert.match(read.stdout, /^haproxy\.cfg:12:16: note: 'inproc@my-agent' is an address of sluice/m)
  const theirs = await runCli(['check', '--for', 'haproxy', 'haproxy.cfg'], { cwd: folder.dir })
  assert.equal(theirs.code, 1)
  assert.match(
    theirs.stdout,
    /^haproxy\.cfg:12:16: error: 'inproc@my-agent' is an address of sluice, and none of HAProxy/m,
  )
})
