/** `sluice check`, and what the command says to those who call it wrongly. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeFolder, root, runCli } from '../support/sluice.ts'

const folder = makeFolder({
  'one.cfg': 'defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n',
  'two.cfg': 'frontend www\n  bind "127.0.0.1:${CHECK_PORT}"\n  http-request return status 200\n',
  'warned.cfg': 'listen www\n  mode http\n  bind 127.0.0.1:8080\n  http-request return status 200\n',
  'conf.d/1.cfg': 'defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n',
  'conf.d/2.cfg': 'frontend www\n  bind 127.0.0.1:8080\n  http-request retrun status 200\n',
  'conf.d/notes.txt': 'not a configuration',
  'bytes.cfg': Buffer.from('defaults\n  mode http\n  b\xc3\xa4d\n', 'latin1').toString('utf8'),
  'large.cfg': Array.from({ length: 3000 }, (_, at) => `word${at}\n`).join(''),
})
after(() => folder.remove())

test('a valid configuration', async () => {
  const cwd = join(root, 'examples/ip-reputation')
  assert.deepEqual(await runCli(['check', '-f', 'haproxy.cfg'], { cwd }), {
    code: 0,
    signal: null,
    stdout: 'haproxy.cfg: configuration is valid\n',
    stderr: '',
  })
})

test('the other example', async () => {
  const cwd = join(root, 'examples/fastcgi')
  const { code, stdout } = await runCli(['check', '-f', 'haproxy.cfg'], { cwd })
  assert.equal(stdout, 'haproxy.cfg: configuration is valid\n')
  assert.equal(code, 0)
})

test('several files are one configuration, and the environment counts', async () => {
  const args = ['check', '-f', 'one.cfg', '-f', 'two.cfg']
  const valid = await runCli(args, { cwd: folder.dir, env: { CHECK_PORT: '8080' } })
  assert.equal(valid.stdout, 'one.cfg, two.cfg: configuration is valid\n')
  assert.equal(valid.code, 0)
  const broken = await runCli(args, { cwd: folder.dir, env: { CHECK_PORT: 'many' } })
  assert.match(broken.stdout, /^two\.cfg:2:8: error: .*'127\.0\.0\.1:many'/)
  assert.equal(broken.code, 1)
})

test('a folder is read file by file', async () => {
  const { code, stdout } = await runCli(['check', '-f', 'conf.d'], { cwd: folder.dir })
  assert.match(stdout, /^conf\.d\/2\.cfg:3:16: error: .*retrun'/)
  assert.equal(code, 1)
})

test('warnings alone do not fail', async () => {
  const { code, stdout } = await runCli(['check', '-f', 'warned.cfg'], { cwd: folder.dir })
  assert.match(stdout, /^warned\.cfg:1:1: warning: .*timeout client/)
  assert.match(stdout, /\n0 errors, 1 warning\nwarned\.cfg: configuration is valid\n$/)
  assert.equal(code, 0)
})

test('names that are not ASCII are printed as they are', async () => {
  const { stdout } = await runCli(['check', '-f', 'bytes.cfg'], { cwd: folder.dir })
  const text = readFileSync(join(folder.dir, 'bytes.cfg'), 'utf8').split('\n')[2]?.trim() ?? ''
  assert.ok(stdout.includes(`'${text}'`), stdout)
})

test('a long report is complete', async () => {
  const { code, stdout } = await runCli(['check', '-f', 'large.cfg'], { cwd: folder.dir })
  assert.equal(code, 1)
  assert.match(stdout, /\n3000 errors, 0 warnings\n$/)
})

for (const [args, wanted] of [
  [['chekc'], /^error: unknown command 'chekc'\n\(Did you mean check\?\)\n/],
  [['check'], /^error: required option '-f, --file <file>' not specified\n/],
  [['check', '-f'], /^error: option '-f, --file <file>' argument missing\n/],
  [['check', '-f', 'x', '--verbose'], /^error: unknown option '--verbose'\n/],
  [['check', 'haproxy.cfg'], /^error: required option '-f, --file <file>' not specified\n/],
  [['check', '-f', 'x', 'y'], /^error: too many arguments for 'check'/],
  [['run', '-f', 'x', '--log-level', 'loud'], /argument 'loud' is invalid\. Allowed choices are /],
  [['agent', 'geoip'], /^error: unknown command 'geoip'\n/],
  [['agent', 'ip-reputation'], /^error: required option '-l, --listen <address>' not specified\n/],
  [['types'], /^error: missing required argument 'file'\n/],
  [['demo', '--port', '99999'], /argument '99999' is invalid\. a port is a number from 0 to 65535\n/],
] as const) {
  test(`sluice ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runCli(args)
    assert.match(stderr, wanted)
    assert.match(stderr, /sluice --help lists the commands/)
    assert.equal(stdout, '')
    assert.equal(code, 1)
  })
}

test('help and version', async () => {
  const [help, none, version, about] = await Promise.all([
    runCli(['--help']),
    runCli([]),
    runCli(['--version']),
    runCli(['agent', 'ip-reputation', '--help']),
  ])
  assert.equal(help.code, 0)
  for (const name of ['run', 'check', 'demo', 'agent', 'types', 'probe']) {
    assert.match(help.stdout, new RegExp(`^ {2}${name} `, 'm'))
  }
  assert.equal(none.stderr, help.stdout)
  const { version: wanted } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  assert.equal(version.stdout, `${wanted}\n`)
  assert.match(about.stdout, /--list <file>/)
})
