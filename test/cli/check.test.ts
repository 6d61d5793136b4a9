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
  'spoe.conf': `[one]
spoe-agent a
    messages m
    use-backend x
    tiemout hello 1s
spoe-message m
    args path
    event on-frontend-http-request
[two]
spoe-agent a
    messages m
    timeout processing 1s
    use-backend x
spoe-message m
    args pth res.hdr(a)
    event on-frontend-http-request
`,
  'Größe.cfg': 'defaults\n  mode htp\n',
  'great.conf':
    'spoe-agent a\n  groups g\n  use-backend b\n  max-frame-size 65532\n  timeout processing 1s\n' +
    'spoe-message m\n  args src\nspoe-group g\n  messages m\n',
  'lua.cfg': 'listen www\n  mode http\n  bind 127.0.0.1:8080\n  timeout client 1s\n  http-request lua.x\n',
  'flat.cfg': 'spoe-agent a\n',
  'lacking.cfg':
    'listen www\n  mode http\n  bind 127.0.0.1:8080\n  timeout client 1s\n  stick-table type ip size 1m\n' +
    '  acl seen src_conn_cnt gt 0\n  http-request return status 200 if seen\n',
  'mux.cfg':
    'listen www\n  bind 127.0.0.1:8080\n  mode http\n  timeout client 1s\n  filter spoe config mux.conf\n' +
    '  http-request return status 200 hdr x %[var(txn.a.b)]\nbackend agents\n  mode spop\n  timeout connect 1s\n' +
    '  timeout server 10s\n  option spop-check\n  server a 127.0.0.1:9000 check\n',
  'mux.conf':
    'spoe-agent a\n  messages m\n  timeout processing 1s\n  option set-on-error e\n  use-backend agents\n' +
    'spoe-message m\n  args src\n  event on-frontend-http-request\n',
  'own.conf':
    'spoe-agent a\n  messages m\n  timeout hello 1s\n  timeout idle 1m\n  timeout processing 1s\n  use-backend agents\n' +
    'spoe-message m\n  args src\n  event on-client-session\n  timeout 5ms\n  no-wait\n',
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

test('a long report ends after 50 errors', async () => {
  const { code, stdout } = await runCli(['check', '-f', 'large.cfg'], { cwd: folder.dir })
  assert.equal(code, 1)
  assert.equal(stdout.match(/: error: /g)?.length, 50)
  assert.match(stdout, /\nand 2950 more errors\n/)
  assert.match(stdout, /\n3000 errors, 0 warnings\n$/)
})

for (const [args, wanted, exit] of [
  [['chekc'], /^error: unknown command 'chekc'\n\(Did you mean check\?\)\n/, 1],
  [['check'], /^error: missing argument 'file'\n/, 2],
  [['check', '-f'], /^error: option '-f, --file <file>' argument missing\n/, 2],
  [['check', '-f', 'x', '--verbose'], /^error: unknown option '--verbose'\n/, 2],
  [
    ['check', 'x', '--for', 'nginx'],
    /argument 'nginx' is invalid\. Allowed choices are sluice, haproxy\.\n/,
    2,
  ],
  [
    ['check', 'x', '--haproxy-version', '1.5'],
    /argument '1\.5' is invalid\. write a version from 1\.8 to 3\.5\n/,
    2,
  ],
  [
    ['check', 'x', '--agent-deadline', '1s'],
    /argument '1s' is invalid\. write a number of milliseconds\n/,
    2,
  ],
  [['types'], /^error: missing required argument 'file'\n/, 1],
  [['demo', '--port', '99999'], /argument '99999' is invalid\. a port is a number from 0 to 65535\n/, 1],
] as const) {
  test(`sluice ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runCli(args)
    assert.match(stderr, wanted)
    assert.match(stderr, /sluice --help lists the commands/)
    assert.equal(stdout, '')
    assert.equal(code, exit)
  })
}

test('a name that is not ASCII', async () => {
  const { code, stdout } = await runCli(['check', 'Größe.cfg'], { cwd: folder.dir })
  assert.match(stdout, /^Größe\.cfg:2:8: error: .*\n {6}mode htp\n/)
  assert.equal(code, 1)
})

test('a file that is not there', async () => {
  const { code, stdout } = await runCli(['check', 'none.cfg'], { cwd: folder.dir })
  assert.match(stdout, /^none\.cfg:1:1: error: .*ENOENT/)
  assert.equal(code, 1)
})

test('a name that is empty is not the working directory', async () => {
  const { code, stdout } = await runCli(['check', ''], { cwd: folder.dir })
  assert.match(stdout, /^:1:1: error: the configuration '' cannot be read: EISDIR/)
  assert.equal(code, 1)
})

test('--engine without a SPOE file', async () => {
  const { code, stderr } = await runCli(['check', 'one.cfg', '--engine', 'x'], { cwd: folder.dir })
  assert.equal(stderr, 'error: --engine needs a SPOE file\n')
  assert.equal(code, 2)
})

test('files without -f stand beside those with it', async () => {
  const env = { CHECK_PORT: '8080' }
  for (const args of [
    ['check', 'one.cfg', 'two.cfg'],
    ['check', '-f', 'one.cfg', 'two.cfg'],
  ]) {
    const { code, stdout } = await runCli(args, { cwd: folder.dir, env })
    assert.equal(stdout, 'one.cfg, two.cfg: configuration is valid\n')
    assert.equal(code, 0)
  }
  const inFolder = await runCli(['check', 'conf.d'], { cwd: folder.dir })
  assert.equal(inFolder.code, 1)
})

test('the line is shown with a mark below the place', async () => {
  const { stdout } = await runCli(['check', 'conf.d'], { cwd: folder.dir })
  assert.match(
    stdout,
    /^.*\n {6}http-request retrun status 200\n {19}\^\n {4}hint: did you mean 'return'\?\n1 error/,
  )
})

test('a SPOE file alone: all scopes, or the one that is named', async () => {
  const options = { cwd: folder.dir }
  const all = await runCli(['check', 'spoe.conf'], options)
  assert.match(all.stdout, /^spoe\.conf:5:5: error: unknown keyword 'tiemout' in 'spoe-agent'/m)
  assert.match(all.stdout, /^spoe\.conf:15:10: error: unknown fetch 'pth'/m)
  assert.match(all.stdout, /^spoe\.conf:15:14: error: fetch 'res\.hdr' needs /m)
  assert.match(all.stdout, /\n3 errors, 0 warnings\n/, 'what is missing may stand on the wrong line')
  assert.equal(all.code, 1)
  const one = await runCli(['check', 'spoe.conf', '--engine', 'two'], options)
  assert.doesNotMatch(one.stdout, /tiemout/)
  assert.match(one.stdout, /\n2 errors, /)
  const none = await runCli(['check', 'spoe.conf', '--engine', 'three'], options)
  assert.match(none.stdout, /^spoe\.conf:1:1: error: the file has no scope \[three\]/)
  const valid = await runCli(['check', join(root, 'examples/ip-reputation/spoe-ip-reputation.conf')])
  assert.match(valid.stdout, /: configuration is valid\n$/)
})

test('a SPOE file that cannot be told by its name is told by what it holds', async () => {
  const { stdout } = await runCli(['check', 'flat.cfg'], { cwd: folder.dir })
  assert.match(stdout, /^flat\.cfg:1:1: error: the agent 'a' has no 'use-backend'/)
})

test('keywords of our own are told of, and for HAProxy it is said what becomes of them', async () => {
  const ours = await runCli(['check', 'own.conf'], { cwd: folder.dir })
  assert.equal(ours.code, 0)
  assert.match(ours.stdout, /^own\.conf:10:3: note: 'timeout' is a keyword of sluice/m)
  assert.match(ours.stdout, /^own\.conf:11:3: note: 'no-wait' is a keyword of sluice/m)
  const theirs = await runCli(['check', '--for', 'haproxy', 'own.conf'], { cwd: folder.dir })
  // Tried with 2.6.12: the file is valid there, and the lines are passed over.
  assert.equal(theirs.code, 0)
  assert.match(
    theirs.stdout,
    /^own\.conf:11:3: warning: unknown keyword 'no-wait' in 'spoe-message'.*\n.*no-wait.*\n.*\n *hint: HAProxy ignores the line/m,
  )
  assert.doesNotMatch(theirs.stdout, /a keyword of sluice/)
})

test('a SPOE file that a configuration reads is checked with it, once', async () => {
  const cwd = join(root, 'examples/ip-reputation')
  const { code, stdout } = await runCli(['check', 'haproxy.cfg', 'spoe-ip-reputation.conf'], { cwd })
  assert.equal(stdout, 'haproxy.cfg, spoe-ip-reputation.conf: configuration is valid\n')
  assert.equal(code, 0)
})

test('--json has one object for each diagnostic', async () => {
  const { code, stdout } = await runCli(['check', '--json', 'conf.d', 'warned.cfg'], { cwd: folder.dir })
  const objects = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(objects[0], {
    file: 'conf.d/2.cfg',
    line: 3,
    column: 16,
    severity: 'error',
    code: 'CFG_KEYWORD_UNKNOWN',
    message: "unknown keyword 'http-request retrun' in 'frontend'",
    hint: "did you mean 'return'?",
  })
  assert.equal(code, 1)
  const valid = await runCli(['check', '--json', 'one.cfg'], { cwd: folder.dir })
  assert.deepEqual([valid.code, valid.stdout], [0, ''])
})

test('--deny-warnings fails when there is one', async () => {
  const { code, stdout } = await runCli(['check', '--deny-warnings', 'warned.cfg'], { cwd: folder.dir })
  assert.match(stdout, /\n0 errors, 1 warning\n$/)
  assert.equal(code, 1)
})

test('--for haproxy: what only sluice lacks is a note', async () => {
  const options = { cwd: folder.dir }
  const strict = await runCli(['check', 'lacking.cfg'], options)
  assert.equal(strict.code, 1)
  const { code, stdout } = await runCli(['check', '--for', 'haproxy', 'lacking.cfg'], options)
  assert.match(stdout, /^lacking\.cfg:5:3: note: 'stick-table': not implemented \(CFG_KEYWORD_UNSUPPORTED\)/)
  assert.match(stdout, /hint: HAProxy has it; what stands behind it was not checked/)
  assert.match(
    stdout,
    /\n0 errors, 0 warnings, \d notes\nlacking\.cfg: nothing that HAProxy would refuse was found\n$/,
  )
  assert.equal(code, 0)
})

test('--for haproxy: what depends on a file that is not there', async () => {
  const { code, stdout } = await runCli(['check', '--for', 'haproxy', 'great.conf', 'lua.cfg'], {
    cwd: folder.dir,
  })
  assert.match(
    stdout,
    /^great\.conf:4:18: warning: .*\n.*\n.*\n {4}hint: HAProxy takes it when 'tune\.bufsize' is 65536 or/m,
  )
  assert.match(stdout, /^lua\.cfg:5:16: note: .*lua\.x.*\n.*\n.*\n {4}hint: no script was read: /m)
  assert.equal(code, 0)
})

test('--haproxy-version: what appeared later is an error', async () => {
  const options = { cwd: folder.dir }
  const old = await runCli(['check', '--haproxy-version', '2.1', 'two.cfg'], {
    ...options,
    env: { CHECK_PORT: '8080' },
  })
  assert.match(
    old.stdout,
    /^two\.cfg:3:3: error: 'http-request return' exists since HAProxy 2\.2, not in 2\.1 \(LINT_KEYWORD_TOO_NEW\)/m,
  )
  assert.equal(old.code, 1)
  const mux = await runCli(['check', '--haproxy-version', '3.2', 'mux.cfg'], options)
  assert.equal(mux.code, 0, mux.stdout)
  const before = await runCli(['check', '--haproxy-version', '3.0', 'mux.cfg'], options)
  assert.match(before.stdout, /error: .*spop/)
  assert.equal(before.code, 1)
})

test('an agent that takes longer than HAProxy waits', async () => {
  const args = [
    'check',
    '--agent-deadline',
    '150',
    join(root, 'examples/ip-reputation/spoe-ip-reputation.conf'),
  ]
  const { stdout } = await runCli(args)
  assert.match(
    stdout,
    /: warning: the agent may take 150 ms, 'timeout processing' is 100 ms \(LINT_SPOE_AGENT_DEADLINE\)/,
  )
})

test('help and version', async () => {
  const [help, none, version, about] = await Promise.all([
    runCli(['--help']),
    runCli([]),
    runCli(['-v']),
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

test('a folder without configurations is no configuration, and bytes that a terminal acts on are not shown to it', async () => {
  const { dir, remove } = makeFolder({
    'empty/readme.txt': 'x',
    'controls.cfg': '\u001b[31mglobal\u0007\n',
    'mark.cfg': '\ufeffglobal\n  maxconn 10\n',
  })
  const empty = await runCli(['check', 'empty'], { cwd: dir })
  assert.match(empty.stderr, /^error: empty: a folder is read for its \.cfg files, and there are none$/m)
  assert.equal(empty.code, 2)
  const controls = await runCli(['check', 'controls.cfg', 'mark.cfg'], { cwd: dir })
  remove()
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  assert.doesNotMatch(controls.stdout, /[\u001b\u0007]/)
  assert.match(controls.stdout, /'\ufffd\[31mglobal\ufffd'/)
  assert.match(controls.stdout, /^mark\.cfg:1:1: error: the file begins with a byte order mark/m)
  assert.equal(controls.stdout.match(/^mark\.cfg/gm)?.length, 1)
})
