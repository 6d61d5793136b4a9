/** The commands of docs/inspect.md, each run as it stands there: only addresses and files are those of the test. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createAgent } from 'sluice/agent'
import { skipWithoutPhpFpm, startPhpFpm, type PhpFpm } from '../support/php-fpm.ts'
import { freePorts } from '../support/ports.ts'
import { Cli, root } from '../support/sluice.ts'
import { skipWithoutTshark, Tshark } from '../support/tshark.ts'
import { pcapOf } from '../inspect/pcap-support.ts'
import { captured } from '../inspect/support.ts'

const page = readFileSync('docs/inspect.md', 'utf8')
const commands = [...page.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
)

interface Finished {
  readonly code: number
  readonly output: string
}

const skip = skipWithoutTshark() || skipWithoutPhpFpm()

describe('the commands of docs/inspect.md', { skip }, () => {
  const agent = createAgent({ logger: false, closeDelay: 10 })
  const ports = new Map<string, number>()
  let tshark: Tshark
  let php: PhpFpm

  before(async () => {
    agent.message('check', { ip: 'ip' }, ({ ip }, actions) => actions.setVar('txn', 'ip', ip.toString()))
    const [twelve = 0, nine = 0] = await freePorts(2)
    ports.set('12346', twelve).set('9001', nine)
    const address = await agent.listen('127.0.0.1:0')
    if (address.type === 'tcp') ports.set('12345', address.port)
    php = await startPhpFpm({ scripts: { 'index.php': '<?php echo "q=", $_GET["q"];' } })
    tshark = await Tshark.install()
    tshark.file('capture.pcap', pcapOf(captured('3.2.0')))
    // What tcpdump would have written.
    tshark.file('capture.pcapng', pcapOf(captured('3.2.0')))
  })
  after(async () => {
    agent.destroy()
    await php?.stop()
    tshark?.remove()
  })

  /** A command of the page with what is here in place of what is there. */
  function localOf(command: string): string {
    const captures = join(tshark.home, 'capture')
    return command
      .replace(/^tcpdump [^|]*/, 'cat capture.pcap ')
      .replace(/\bcapture\.pcap/g, `${captures}.pcap`)
      .replace(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `127.0.0.1:${ports.get(port)}`)
      .replaceAll('/run/php/php-fpm.sock', php.socket)
      .replaceAll('/var/www', php.docroot)
      .replace(/\bsluice inspect/g, `${process.execPath} ${join(root, 'dist/cli/main.js')} inspect`)
  }

  function run(command: string): Promise<Finished> {
    const env = { ...process.env, HOME: tshark.home }
    return new Promise((resolve) => {
      execFile('/bin/sh', ['-c', command], { env, cwd: tshark.home }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
      })
    })
  }

  const expected: readonly (readonly [begin: string, output: RegExp])[] = [
    ['sluice inspect read capture.pcap\n', /< ACK {2}1\/1[^]*0 errors/],
    ['sluice inspect read capture.pcapng', /2 connections\n0 errors/],
    ['tcpdump', /2 connections\n0 errors/],
    ['sluice inspect explain', /^259 \(256\+3\)/],
    ['sluice inspect call spop', /set-var txn\.ip = string "192\.0\.2\.1"/],
    ['sluice inspect call fcgi', /\nq=1\n/],
    ['sluice inspect wireshark', /spop\.lua\n/],
  ]

  for (const command of commands) {
    it(command, async () => {
      if (command.startsWith('tshark')) {
        const [, ...args] = command.split(/\s+/)
        const path = join(tshark.home, 'capture.pcap')
        const text = await tshark.run(...args.map((each) => (each === 'capture.pcap' ? path : each)))
        assert.equal(
          text.includes('NOTIFY 1/1'),
          command.includes('-Y spop') && !command.includes('spop.late'),
        )
        return
      }
      const local = localOf(command)
      if (command.includes('--listen')) {
        const [, , ...args] = local.split(/\s+/)
        const cli = new Cli(args)
        await cli.waitFor(/inspecting 127\.0\.0\.1:\d+ -> /)
        await cli.stop()
        return
      }
      const found = expected.find(([begin]) => `${command}\n`.startsWith(begin))
      assert.ok(found !== undefined, 'the test says what it prints')
      const { code, output } = await run(local)
      assert.match(output, found[1])
      assert.equal(code, 0, output)
    })
  }

  it('are all there', () => assert.ok(commands.length >= 11))
})
