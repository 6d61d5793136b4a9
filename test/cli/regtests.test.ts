/**
 * `npm run regtests` on a tree of five lines. VTest is a script here, which starts the program as VTest does and prints
 * what VTest prints: a real one is a C program that nobody has to have.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keywords } from '#src/config/index.js'
import { makeFolder, root } from '../support/sluice.ts'

/** Each test is a configuration; `# say …` lines are what VTest prints, `# exit N` how it ends. */
const vtest = `#!/bin/sh
for file; do :; done
sed -n 's/^# say //p' "$file"
if grep -q '^# run' "$file"; then
  "$HAPROXY_PROGRAM" -d $HAPROXY_ARGS -c -f "$file" 2>&1 | sed 's/^/***  h1    debug|/'
fi
if [ -e "$file.once" ]; then
  rm "$file.once"
  exit 2
fi
exit "$(sed -n 's/^# exit //p' "$file")"
`

/** A keyword that HAProxy has and sluice has not. */
const absent =
  keywords.find(
    ({ name, support, sections }) => support === 'no' && sections.includes('listen') && !name.includes(' '),
  )?.name ?? 'none'

const config =
  'listen a\n  mode http\n  bind 127.0.0.1:1\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n'

const { dir, remove } = makeFolder({
  vtest,
  'tests/balance/passes.vtc': '# exit 0\n',
  'tests/checks/old.vtc': '#REQUIRE_VERSION_BELOW=2.4\n# exit 1\n',
  'tests/checks/cli.vtc':
    '# say **   h1    CLI starting\n# say **   h1    CLI connection normally closed\n# say **   h1    CLI starting\n# exit 2\n',
  'tests/checks/skipped.vtc':
    '# say **   top   === feature cmd "$HAPROXY_PROGRAM -cc \'feature(OPENSSL)\'"\n# say *    top   SKIPPING test, lacking feature: cmd\n# exit 77\n',
  'tests/http-rules/missing.vtc': `# run\n# exit 1\n# say ---- h1    Bad exit status: 0x0100 exit 0x1 signal 0 core 0\n${config}  ${absent}\n`,
  'tests/http-rules/refused.vtc': `# run\n# exit 1\n${config}  ${absent}\n  server s no-such-word:x\n`,
  'tests/log/differs.vtc':
    '# say ---- h1    Bad exit status: 0x0100 exit 0x1 signal 0 core 0\n# say ---- c1    EXPECT resp.status (400) == "200" failed\n# say ---- c2    HTTP rx timeout\n# exit 2\n',
  'tests/http-messaging/http_request_buffer.vtc':
    '# say ---- c1    EXPECT resp.status (400) == "408" failed\n# exit 2\n',
  'tests/http-messaging/http_transfer_encoding.vtc':
    '# say ---- c1    EXPECT resp.status (502) == "200" failed\n# exit 2\n',
  'tests/spoe/hangs.vtc': '# say #    top  TEST x TIMED OUT (kill -9)\n# exit 2\n',
  'tests/ssl/elsewhere.vtc': '# exit 1\n',
})
chmodSync(join(dir, 'vtest'), 0o755)
after(remove)

function regtests(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/regtests.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

const paths = ['--vtest', join(dir, 'vtest'), '--tests', join(dir, 'tests')]

interface Result {
  readonly test: string
  readonly sluice: { readonly verdict: string; readonly reason: string; readonly seconds: number }
  readonly haproxy?: { readonly verdict: string }
}

const read = (stdout: string): Result[] => JSON.parse(stdout) as Result[]

test('each test has a verdict and the first thing that is missing or different', () => {
  const { code, stdout } = regtests(...paths, '--json')
  const short = read(stdout).map((each) => [each.test, each.sluice.verdict, each.sluice.reason])
  assert.deepEqual(short, [
    ['balance/passes.vtc', 'pass', ''],
    ['checks/cli.vtc', 'missing', 'the runtime API (stats socket, master CLI)'],
    ['checks/skipped.vtc', 'skip', 'feature(OPENSSL)'],
    [
      'http-messaging/http_request_buffer.vtc',
      'differs',
      'on purpose: an HTTP/1.1 request without Host is 400',
    ],
    ['http-messaging/http_transfer_encoding.vtc', 'fail', 'c1: EXPECT resp.status (502) == "200" failed'],
    ['http-rules/missing.vtc', 'missing', `'${absent}': not implemented`],
    ['http-rules/refused.vtc', 'fail', short[6]?.[2]],
    ['log/differs.vtc', 'fail', 'c1: EXPECT resp.status (400) == "200" failed'],
    ['spoe/hangs.vtc', 'fail', 'it waits without end'],
  ])
  assert.match(short[6]?.[2] ?? '', /no-such-word:x/)
  assert.equal(code, 1)
})

test('the table has a line for each, and counts', () => {
  const { stdout } = regtests(...paths)
  const lines = stdout.trimEnd().split('\n')
  assert.match(lines[0] ?? '', /^test +sluice +first thing missing or different$/)
  assert.match(lines[2] ?? '', /^checks\/cli\.vtc +missing +the runtime API/)
  assert.equal(lines.at(-1), 'sluice: 9 tests, 1 pass, 2 missing, 1 differs, 4 fail, 1 skip')
})

test('a test that fails among others and passes alone has passed', () => {
  writeFileSync(join(dir, 'tests/balance/passes.vtc.once'), '')
  const { code, stdout } = regtests(...paths, '--json', '--only', 'passes')
  assert.equal(read(stdout)[0]?.sluice.verdict, 'pass')
  assert.equal(code, 0)
})

test('--only takes words of paths, also outside the usual folders, and --jobs keeps the order', () => {
  const { code, stdout } = regtests(...paths, '--json', '--jobs', '3', '--only', 'passes', '--only', 'ssl/')
  assert.deepEqual(
    read(stdout).map((each) => [each.test, each.sluice.verdict]),
    [
      ['balance/passes.vtc', 'pass'],
      ['ssl/elsewhere.vtc', 'fail'],
    ],
  )
  assert.equal(code, 1)
})

test('what is missing, and what HAProxy fails too, is no failure', () => {
  assert.equal(regtests(...paths, '--only', 'missing').code, 0)
  const { code, stdout } = regtests(...paths, '--json', '--haproxy', '--only', 'differs')
  assert.deepEqual(
    read(stdout).map(({ sluice, haproxy }) => [sluice.verdict, haproxy?.verdict]),
    [['fail', 'fail']],
  )
  assert.equal(code, 0)
})

for (const [args, complaint] of [
  [[], /--vtest PATH and --tests DIR are needed/],
  [['--vtest', '/nowhere', '--tests', dir], /\/nowhere does not exist/],
  [[...paths, '--only', 'nothing'], /no test of .* has nothing in its path/],
  [[...paths, '--jobs', '0'], /--jobs is a number from 1 to 99, not '0'/],
  [[...paths, '--faster'], /'--faster'/],
] as const) {
  test(`wrong arguments end it with 2: ${args.slice(-2).join(' ') || 'none'}`, () => {
    const { code, stderr } = regtests(...args)
    assert.match(stderr, complaint)
    assert.equal(code, 2)
  })
}
