/** `sluice inspect read`, `explain` and `wireshark` as commands. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { explainCode, explainedCodes, explanationTable } from '#src/inspect/explain.js'
import { StatusCode } from 'sluice/spop'
import { makeFolder, runCli } from '../support/sluice.ts'
import { pcapOf } from '../inspect/pcap-support.ts'
import { captured } from '../inspect/support.ts'

function folder(t: TestContext): string {
  const { dir, remove } = makeFolder({})
  t.after(remove)
  return dir
}

describe('sluice inspect read', () => {
  it('reads a capture, says what is wrong, and ends with 1 when an answer was lost', async (t) => {
    const path = join(folder(t), 'a.pcap')
    writeFileSync(path, pcapOf(captured('2.6.12')))
    const { code, stdout, stderr } = await runCli(['inspect', 'read', path, '--sources'])
    assert.equal(code, 1)
    assert.match(
      stdout,
      /!! 5306 bytes, and max-frame-size is 1024: HAProxy disconnects with status 3.*\[SPOE\.txt 3\.2\.4/,
    )
    assert.match(stdout, /!! HAProxy leaves with status 3 \(frame is too big\)/)
    assert.match(stderr, /packets, 7 connections\n2 errors, 0 warnings\n$/)
    const wrong = await runCli(['inspect', 'read', path, '--wrong', '--json'])
    const entries = wrong.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { findings: unknown[] })
    assert.ok(entries.length >= 2 && entries.every(({ findings }) => findings.length > 0))
  })

  it('reads standard input: a capture, or hexadecimal', () => {
    const read = (input: Buffer | string) =>
      spawnSync(process.execPath, ['dist/cli/main.js', 'inspect', 'read', '-'], { input, encoding: 'utf8' })
    const capture = read(pcapOf(captured('3.2.0')))
    assert.equal(capture.status, 0)
    assert.match(capture.stdout, /NOTIFY {2}1\/1/)
    const hex = read('0000000c 67 00000001 07 01 02 02 02 01 78')
    assert.match(hex.stdout, /< ACK {2}7\/1 {2}12 bytes\n {20}unset-var txn\.x\n/)
  })

  it('a file that is not there, and one that is nothing, are told in a line', async (t) => {
    const path = join(folder(t), 'a.txt')
    writeFileSync(path, 'no \x1bframes here')
    for (const [file, why] of [
      ['/nowhere/a.pcap', /ENOENT/],
      ['/dev/null', /there is nothing in it/],
      [path, /a\.txt: neither a capture .*: line 1 is no hexadecimal: 'no \.frames here'/],
    ] as const) {
      const { code, stderr } = await runCli(['inspect', 'read', file])
      assert.equal(code, 2)
      assert.match(stderr, why)
    }
  })
})

describe('sluice inspect explain', () => {
  it('says what a code is, why it comes, and what helps', async () => {
    const { code, stdout } = await runCli(['inspect', 'explain', '259', '256+12', '1'])
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^259 \(256\+3\): the connection to the agent ended with status 3: frame is too big\n {2}causes\n/,
    )
    assert.match(stdout, /^268 \(256\+12\): .*frame-id not found$/m)
    assert.match(
      stdout,
      /^1: a time-out: no answer within timeout processing\n {2}causes\n {4}- .*\n[^]*what helps/m,
    )
    const json = await runCli(['inspect', 'explain', '--json', '2'])
    assert.equal((JSON.parse(json.stdout) as { code: number }).code, 2)
    const wrong = await runCli(['inspect', 'explain', 'x'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /'x' is no code/)
  })

  it('knows every status of SPOE.txt, and has something to say of any other', () => {
    for (const status of Object.values(StatusCode))
      assert.ok(explainedCodes.includes(256 + status), `${status}`)
    for (const code of [6, 77, 355, 356, 1000]) assert.ok(explainCode(code).causes.length > 0)
    assert.match(explainCode(400).causes[0] ?? '', /agent's own/)
    assert.throws(() => explainCode(-1))
  })

  it('docs/troubleshooting.md has the table (UPDATE_DOCS=1 writes it)', () => {
    const page = readFileSync('docs/troubleshooting.md', 'utf8')
    const [before = '', , after = ''] = page.split(/(?<=<!-- codes -->\n)([^]*)(?=<!-- end of codes -->)/)
    assert.ok(after.length > 100, 'the marks are there')
    const wanted = `${before}${explanationTable()}${after}`
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync('docs/troubleshooting.md', wanted)
    else assert.equal(page, wanted)
  })
})

describe('sluice inspect wireshark', () => {
  it('prints the script, or writes it into the plugin folder of the user, and never over another', async (t) => {
    const home = folder(t)
    const printed = await runCli(['inspect', 'wireshark'])
    assert.match(printed.stdout, /^-- SPOP in Wireshark and tshark/)
    const { code, stdout } = await runCli(['inspect', 'wireshark', '--install'], { env: { HOME: home } })
    const path = join(home, '.local/lib/wireshark/plugins/spop.lua')
    assert.deepEqual([code, stdout], [0, `${path}\n`])
    assert.equal(readFileSync(path, 'utf8'), printed.stdout)
    assert.equal((await runCli(['inspect', 'wireshark', '--install'], { env: { HOME: home } })).code, 0)
    writeFileSync(path, '-- mine\n')
    const refused = await runCli(['inspect', 'wireshark', '--install'], { env: { HOME: home } })
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /is there already, and is another script/)
    assert.equal(readFileSync(path, 'utf8'), '-- mine\n')
    await runCli(['inspect', 'wireshark', '--folder', join(home, 'other')])
    assert.ok(existsSync(join(home, 'other/spop.lua')))
  })
})
