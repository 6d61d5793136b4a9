/** What a configuration of ready agents may say, and where each mistake is told to be. */
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readReadyConfig } from '#src/services/host/config.js'
import { loadReadyAgent, readyAgentNames } from '#src/services/host/registry.js'
import { makeFolder, root, runCli } from '../support/sluice.ts'

const folder = makeFolder({ 'secret.txt': 'of the file\n' })
after(() => folder.remove())
copyFileSync(join(root, 'test/services/fixtures/own-agent.js'), join(folder.dir, 'own.mjs'))

const env = { PORT: '4000', LIMIT: '7', EMPTY: '', SECRET: 'hush' }

let count = 0
async function read(text: string, ...names: string[]) {
  const { dir, remove } = makeFolder({ 'agents.yaml': text, 'secret.txt': 'of the file\n' })
  count++
  copyFileSync(join(root, 'test/services/fixtures/own-agent.js'), join(dir, 'own.mjs'))
  try {
    return await readReadyConfig({ file: join(dir, 'agents.yaml'), names, env })
  } catch (error) {
    throw new Error((error as Error).message.replaceAll(`${dir}/`, ''), { cause: error })
  } finally {
    remove()
  }
}

/** A whole configuration with these lines at the top, and in an agent of one's own. */
const own = (lines: string, top = '') => `${top}agents:\n  own:\n    use: ./own.mjs\n${lines}`
const list = (lines: string) => `agents:\n  ip-reputation:\n    sources:\n      - name: bad\n${lines}`

const mistakes: readonly (readonly [what: string, text: string, ...complaints: string[]])[] = [
  ['nothing at all', '', "agents.yaml:1:1: there is no agent: write them below 'agents:', or name one"],
  [
    'a key of the process',
    own('', 'lisen: x\n'),
    "agents.yaml:1:1: unknown key 'lisen': did you mean 'listen'?",
  ],
  ['an address', own('', 'listen: nowhere\n'), 'agents.yaml:1:9: listen[0]: '],
  [
    'a level',
    own('', 'log_level: loud\n'),
    'agents.yaml:1:12: log_level: must be ("debug" | "info" | "warn" | "error"), not "loud"',
  ],
  ['YAML', 'agents:\n\t- x\n', 'agents.yaml:2:1: Tabs are not allowed as indentation'],
  [
    'a key twice',
    own('    deadline_ms: 5\n    deadline_ms: 6\n'),
    'agents.yaml:5:5: Map keys must be unique',
  ],
  ['a tag', own('    deadline_ms: !five 5\n'), 'agents.yaml:4:18: Unresolved tag: !five'],
  [
    'an anchor',
    own('    greeting: &a x\n    on_error: *a\n'),
    "agents.yaml:5:15: anchors ('*name') are not read here",
  ],
  [
    'a list of agents',
    'agents: [own]\n',
    'agents.yaml:1:9: agents: must be a mapping of names and configurations',
  ],
  [
    'an agent that is none',
    'agents:\n  ip-reputatoin:\n    x: 1\n',
    "agents.yaml:2:3: a ready agent cannot be loaded: 'ip-reputatoin' is none of ours: did you mean 'ip-reputation'?",
  ],
  [
    'a module that is not there',
    'agents:\n  x:\n    use: ./x.js\n',
    'agents.yaml:2:3: a ready agent cannot be loaded: ./x.js: there is no x.js',
  ],
  [
    'a policy',
    own('    on_error: opened\n'),
    'agents.yaml:4:15: on_error: must be ("open" | "closed"), not "opened"',
  ],
  [
    'a deadline',
    own('    deadline_ms: 80ms\n'),
    'agents.yaml:4:18: deadline_ms: must be a whole number from 1 to 60000',
  ],
  [
    'an output',
    own('    outputs: [greting]\n'),
    "agents.yaml:4:15: 'greting' is no output of this agent: did you mean 'greeting'?",
  ],
  ['an output of all', own('    outputs: [ok]\n'), "agents.yaml:4:15: 'ok' is always among the outputs"],
  [
    'a verdict that leaks',
    own('    scope: sess\n'),
    "agents.yaml:4:12: a verdict about a request must not live in 'sess': leave 'scope' out",
  ],
  ["a key in a schema of one's own", own('    greting: x\n'), 'agents.yaml:4:14: greting: is not for me'],
  ['a value there', own('    greeting: none\n'), 'agents.yaml:4:15: greeting: must greet'],
  [
    'an unset variable',
    own('    greeting: ${NOTHING}\n'),
    'agents.yaml:4:15: the environment has no NOTHING; write ${NOTHING:-…} for what is taken then',
  ],
  [
    'an empty variable',
    own('    greeting: a ${EMPTY} b\n'),
    'agents.yaml:4:15: the environment has no EMPTY',
  ],
  [
    'a file of a secret',
    own('    greeting: file:none.txt\n'),
    'agents.yaml:4:15: file:none.txt cannot be read: ENOENT',
  ],
  [
    'a secret, which is not shown',
    own('    on_error: ${SECRET}\n'),
    'agents.yaml:4:15: on_error: must be ("open" | "closed")\n',
  ],
  [
    'a secret in words of our own',
    own('', 'listen: "${SECRET}"\n'),
    "agents.yaml:1:9: listen[0]: '…' is not an address",
  ],
  [
    'a name',
    'agents:\n  a.b:\n    use: ./own.mjs\n',
    "agents.yaml:2:3: 'a.b' must be letters, digits, '-' and '_', 32 at most",
  ],
  ['a list', '- 1\n- 2\n', 'agents.yaml:1:1: must be a mapping, not a list'],
  ['no list', 'agents:\n  ip-reputation:\n    on_error: open\n', "agents.yaml:2:3: 'sources' is missing"],
  [
    'a text where a mapping is wanted',
    'agents:\n  rate-limit:\n    policies: [{ name: a, limit: 1, window: 1s }]\n    store: redis://127.0.0.1:1\n',
    `agents.yaml:4:12: store: must be a mapping, not "redis://127.0.0.1:1"`,
  ],
  [
    'a list without a place',
    list('        weight: 5\n'),
    "agents.yaml:4:9: sources[0]: must have 'file' or 'url', and not both",
  ],
  [
    'a key of a list',
    list('        file: x\n        wieght: 5\n'),
    "agents.yaml:6:9: unknown key 'sources[0].wieght': did you mean 'weight'?",
  ],
  [
    'two mistakes',
    list('        url: ftp://x\n        refresh: 5\n'),
    "agents.yaml:5:14: sources[0].url: must begin with 'http://' or 'https://'",
    'agents.yaml:6:18: sources[0].refresh: must be a time with its unit',
  ],
  [
    'a time too long',
    list('        file: x\n        refresh: 30d\n'),
    'agents.yaml:6:18: sources[0].refresh: must be a time with its unit',
  ],
  [
    'a share',
    list('        file: x\n        max_shrink: 150%\n'),
    "agents.yaml:6:21: sources[0].max_shrink: must be a share from '0%' to '100%'",
  ],
  [
    'a size',
    list('        file: x\n        max_bytes: 64MB\n'),
    'agents.yaml:6:20: sources[0].max_bytes: must be a size',
  ],
  [
    'names twice',
    list('        file: x\n      - name: bad\n        file: y\n'),
    "agents.yaml:4:7: sources: has 'bad' twice",
  ],
  [
    'thresholds',
    `${list('        file: x\n')}    thresholds: {challenge: 90}\n`,
    'agents.yaml:6:17: thresholds: must rise: log, challenge, deny',
  ],
  [
    'a near key of all agents',
    list('        file: x\n').replace('    sources', '    on_eror: open\n    sources'),
    "agents.yaml:3:5: unknown key 'on_eror': did you mean 'on_error'?",
  ],
]

for (const [what, text, ...complaints] of mistakes) {
  test(`a mistake: ${what}`, async () => {
    await assert.rejects(read(text), (error: Error) => {
      for (const complaint of complaints) assert.ok(error.message.includes(complaint), error.message)
      assert.equal((error.cause as { code?: string }).code, 'ERR_SERVICE_CONFIG')
      assert.ok(!error.message.includes('hush'))
      return true
    })
  })
}

test('what the environment and files have is put in, as if it stood there', async () => {
  const config = await read(
    own(
      '    deadline_ms: ${LIMIT}\n    greeting: "${SECRET}, $$5, ${NO:-other}"\n    on_error: ${POLICY:-closed}\n',
      'listen: 127.0.0.1:${PORT}\nstatus: "[::1]:9100"\n',
    ),
  )
  const [entry] = config.agents
  assert.deepEqual(config.listen, ['127.0.0.1:4000'])
  assert.equal(entry?.deadline, 7)
  assert.equal(entry?.onError, 'closed')
  assert.deepEqual(entry?.config, { greeting: 'hush, $5, other' })
  const secret = await read(own('    greeting: file:secret.txt\n'))
  assert.deepEqual(secret.agents[0]?.config, { greeting: 'of the file' })
})

test('agents are chosen by name, or named by path', async () => {
  const text = `${own('')}  ip-reputation:\n    sources: [{name: bad, file: x}]\n`
  const names = async (...wanted: string[]) => (await read(text, ...wanted)).agents.map(({ name }) => name)
  assert.deepEqual(await names(), ['own', 'ip-reputation'])
  assert.deepEqual(await names('ip-reputation'), ['ip-reputation'])
  await assert.rejects(
    names('own', 'geoip'),
    /agents\.yaml:2:3: there is no agent 'geoip' below 'agents:': it has own, ip-reputation/,
  )
  const byPath = await readReadyConfig({ file: undefined, names: [join(folder.dir, 'own.mjs')] })
  assert.deepEqual(
    byPath.agents.map(({ name }) => name),
    ['own'],
  )
})

test('--check says what is wrong, or that nothing is, and runs nothing', async () => {
  const good = makeFolder({
    'a.yaml': 'agents: {ip-reputation: {sources: [{name: bad, file: x}]}}\n',
    'b.yaml': 'agents: {x: 1}\n',
  })
  after(() => good.remove())
  const check = (file: string) => runCli(['agent', '--config', file, '--check'], { cwd: good.dir })
  const [valid, wrong, missing, neither] = await Promise.all([
    check('a.yaml'),
    check('b.yaml'),
    check('c.yaml'),
    runCli(['agent', 'geoip', '-l', '127.0.0.1:0']),
  ])
  assert.deepEqual([valid.code, valid.stdout], [0, 'a.yaml: the configuration is valid: ip-reputation\n'])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /^b\.yaml:1:10: 'x' must be a mapping$/m)
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /c\.yaml: ENOENT/)
  assert.match(neither.stderr, /geoip wants --config FILE/)
})

test('the table above was read', () => assert.ok(count > mistakes.length))

const page = readFileSync(join(root, 'docs/ready-agents.md'), 'utf8')

/** The text below a heading of the second level. */
const section = (heading: string) => page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''

/** Every key that a schema of valibot knows, those of lists and inner mappings, too. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const {
    entries = {},
    item,
    wrapped,
    options,
    pipe,
  } = schema as {
    entries?: Record<string, unknown>
    item?: unknown
    wrapped?: unknown
    options?: readonly unknown[]
    pipe?: readonly unknown[]
  }
  const inner = [
    item,
    wrapped,
    ...(Array.isArray(options) ? options : []),
    ...(pipe ?? []).filter((each) => each !== schema),
  ]
  return [...Object.keys(entries), ...Object.values(entries).flatMap(keysOf), ...inner.flatMap(keysOf)]
}

for (const name of readyAgentNames) {
  test(`docs/ready-agents.md has every key, output and verdict of ${name}`, async () => {
    const { schema, outputs, verdicts, onError } = await loadReadyAgent(name, '.')
    const text = section(name)
    const keys = keysOf(schema)
    assert.ok(keys.length > 5)
    for (const each of [
      ...keys,
      ...Object.keys(outputs),
      ...verdicts.filter((verdict) => verdict !== 'allow'),
    ])
      assert.ok(text.includes(`\`${each}\``) || text.includes(`\`${each}:`), each)
    assert.equal(onError, 'open', 'the page says so')
  })
}

test('the configuration that docs/ready-agents.md shows is right', async () => {
  const [, shown = ''] = /```yaml\n(listen:[\s\S]*?)```/.exec(page) ?? []
  assert.deepEqual(
    (await read(shown)).agents.map(({ name }) => name),
    ['ip-reputation'],
  )
})

const examples = join(root, 'examples/ready-agents')
for (const file of readdirSync(examples).filter((name) => name.endsWith('.yaml'))) {
  test(`examples/ready-agents/${file} is right`, async () => {
    const { agents, listen } = await readReadyConfig({ file: join(examples, file), env })
    assert.ok(agents.length > 0 && listen.length > 0)
  })
}
