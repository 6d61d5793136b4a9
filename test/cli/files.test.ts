/** Files and folders that commands are told to write, and cannot: which flag, which path, why; and nothing is lost without a word. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it, test } from 'node:test'
import { makeFolder, root, runCli } from '../support/sluice.ts'

const { dir, remove } = makeFolder({
  'a.cfg':
    'defaults\n  timeout client 1s\nfrontend a\n  bind unix@a.sock\n  mode http\n  http-request return status 200\n',
  file: 'precious',
  'ip-reputation.spoe.conf': 'precious',
})
after(remove)

describe('what cannot be written is told with its flag, its path and the reason', () => {
  for (const [args, wanted] of [
    [['run', '-f', 'a.cfg', '-p', 'none/pid'], /^sluice: -p none\/pid: ENOENT: .* \(ERR_SLUICE_OPTION\)$/m],
    [['run', '-f', 'a.cfg', '-C', 'none'], /^sluice: -C none: ENOENT: .* \(ERR_SLUICE_OPTION\)$/m],
    [['init', '/proc/my-agent'], /^sluice: init \/proc\/my-agent: E[A-Z]+: .* \(ERR_SLUICE_OPTION\)$/m],
    [['init', '', '--name', 'gate'], /^sluice: '' is no folder: .* \(ERR_SLUICE_OPTION\)$/m],
    [['init', 'file/my-agent'], /^sluice: .*file\/my-agent.*: ENOTDIR: .* \(ERR_SLUICE_OPTION\)$/m],
    [
      ['snippet', 'ip-reputation', '--server', '127.0.0.1'],
      /^sluice: --server 127\.0\.0\.1: '127\.0\.0\.1' is not an address: the port is missing/m,
    ],
    [
      ['snippet', 'ip-reputation', '--write', '.'],
      /^sluice: --write \.: ip-reputation\.spoe\.conf is there already, and is kept: nothing was written \(ERR_SLUICE_OPTION\)$/m,
    ],
  ] as const) {
    it(args.join(' '), async () => {
      const { code, stderr } = await runCli(args, { cwd: dir })
      assert.match(stderr, wanted)
      assert.doesNotMatch(stderr, /^ +at /m)
      assert.equal(code, 1)
      assert.equal(existsSync(join(dir, 'a.sock')), false)
      assert.equal(existsSync(join(dir, 'haproxy.cfg')), false)
    })
  }
})

test(
  'results that could not be written are a failure, unless their reader has gone',
  { skip: !existsSync('/dev/full') },
  () => {
    const command = `"${process.execPath}" "${join(root, 'dist/cli/main.js')}" inspect wireshark`
    const run = (line: string) => spawnSync('sh', ['-c', line], { encoding: 'utf8' })
    const full = run(`${command} >/dev/full`)
    assert.match(full.stderr, /^sluice: standard output: ENOSPC/m)
    assert.equal(full.status, 2)
    const gone = run(`{ ${command}; echo "ended with $?" >&2; } | head -c 1`)
    assert.match(gone.stderr, /^ended with 0$/m)
    assert.doesNotMatch(gone.stderr, /EPIPE/)
  },
)

test('nothing of it was touched', () => {
  assert.deepEqual(readdirSync(dir).sort(), ['a.cfg', 'file', 'ip-reputation.spoe.conf'])
  assert.equal(readFileSync(join(dir, 'file'), 'utf8'), 'precious')
})
