/** What changes while `sluice agent` runs: its list, however it is edited, and its trace. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { IpAddress } from 'sluice'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { Peer } from '../support/peer.ts'
import { Cli, makeFolder } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'

async function startAgent(t: TestContext, files: Record<string, string>, list = 'list.txt') {
  const { dir, remove } = makeFolder(files)
  if (list === 'link.txt') symlinkSync('data/list.txt', join(dir, list))
  if (list === 'mount/list.txt') {
    symlinkSync('one', join(dir, 'mount/..data'))
    symlinkSync('..data/list.txt', join(dir, list))
  }
  const cli = new Cli(['agent', 'ip-reputation', '-l', '127.0.0.1:0', '--list', list], { cwd: dir })
  t.after(async () => {
    await cli.stop()
    remove()
  })
  const [, port] = await cli.waitFor(/listens on 127\.0\.0\.1:(\d+) /)
  const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port: Number(port) })
  t.after(() => client.close())
  return { dir, cli, client }
}

async function score(client: SpopClient): Promise<unknown> {
  const [action] = await client.notify({
    name: 'get-ip-reputation',
    args: [['ip', IpAddress.parse('192.0.2.1')]],
  })
  return action?.type === 'set-var' && 'value' in action.value ? Number(action.value.value) : undefined
}

/** Edits need not be noticed at once, but within 10 s. */
async function untilScore(client: SpopClient, wanted: number, cli: Cli): Promise<void> {
  let last: unknown
  for (let tries = 0; tries < 500; tries++) {
    last = await score(client)
    if (last === wanted) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`the score stays ${String(last)}, not ${wanted}\n${cli.output}`)
}

const lineOf = (value: number) => `192.0.2.0/24 ${value}\n`

function run(cwd: string, command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

/** Each way to write a file, in the folder of `list.txt`, where `from` is its score before. */
const editors: Readonly<Record<string, (dir: string, from: number, to: number) => void>> = {
  'writing in place': (dir, _, to) => writeFileSync(join(dir, 'list.txt'), lineOf(to)),
  'a rename over it': (dir, _, to) => {
    writeFileSync(join(dir, '.list.txt.new'), lineOf(to))
    renameSync(join(dir, '.list.txt.new'), join(dir, 'list.txt'))
  },
  'sed -i': (dir, from, to) => run(dir, 'sed', '-i', `s/${from}$/${to}/`, 'list.txt'),
  // As vim does with `backupcopy=no`: the old file is renamed away, and a new one made.
  'a backup and a new file': (dir, _, to) => {
    renameSync(join(dir, 'list.txt'), join(dir, 'list.txt~'))
    writeFileSync(join(dir, 'list.txt'), lineOf(to))
    unlinkSync(join(dir, 'list.txt~'))
  },
}

test('a list is read again, however often and with whatever it is edited', async (t) => {
  const { dir, cli, client } = await startAgent(t, { 'list.txt': lineOf(10) })
  assert.equal(await score(client), 10)
  let now = 10
  for (const round of ['first', 'second']) {
    for (const [name, edit] of Object.entries(editors)) {
      await t.test(`${name}, the ${round} time`, async () => {
        edit(dir, now, now + 1)
        await untilScore(client, ++now, cli)
      })
    }
  }
  assert.match(cli.stderr, /list\.txt: read again \(1 ranges\)/)
})

test('a broken list is told about by line, and the old one stays until it is mended', async (t) => {
  const { dir, cli, client } = await startAgent(t, { 'list.txt': lineOf(10) })
  const replace = (text: string) => {
    writeFileSync(join(dir, 'new'), text)
    renameSync(join(dir, 'new'), join(dir, 'list.txt'))
  }
  replace('192.0.2.0/24 20\n# fine\n192.0.2.0/33 5\n')
  await cli.waitFor(/list\.txt: kept the old list: list\.txt:3: '192\.0\.2\.0\/33' is not/)
  assert.equal(await score(client), 10)
  unlinkSync(join(dir, 'list.txt'))
  await cli.waitFor(/kept the old list: --list list\.txt: ENOENT/)
  assert.equal(await score(client), 10)
  replace(lineOf(30))
  await untilScore(client, 30, cli)
})

test('a list behind a link is read again when the file, or the link, is replaced', async (t) => {
  const files = { 'data/list.txt': lineOf(10), 'other.txt': lineOf(30) }
  const { dir, cli, client } = await startAgent(t, files, 'link.txt')
  editors['a rename over it']?.(join(dir, 'data'), 10, 20)
  await untilScore(client, 20, cli)
  symlinkSync('other.txt', join(dir, 'new'))
  renameSync(join(dir, 'new'), join(dir, 'link.txt'))
  await untilScore(client, 30, cli)
})

test('a list in a volume of Kubernetes, whose whole folder is swapped, is read again', async (t) => {
  const files = {
    'mount/one/list.txt': lineOf(10),
    'mount/two/list.txt': lineOf(20),
    'mount/three/list.txt': lineOf(30),
  }
  const { dir, cli, client } = await startAgent(t, files, 'mount/list.txt')
  for (const [folder, wanted] of [
    ['two', 20],
    ['three', 30],
  ] as const) {
    symlinkSync(folder, join(dir, 'mount/..data_tmp'))
    renameSync(join(dir, 'mount/..data_tmp'), join(dir, 'mount/..data'))
    await untilScore(client, wanted, cli)
  }
})

test('files beside the list are none of its business', async (t) => {
  const { dir, cli, client } = await startAgent(t, { 'list.txt': lineOf(10) })
  copyFileSync(join(dir, 'list.txt'), join(dir, 'list.txt.bak'))
  writeFileSync(join(dir, 'other'), '')
  editors['a rename over it']?.(dir, 10, 20)
  await untilScore(client, 20, cli)
  assert.equal(cli.stderr.split('read again').length - 1, 1, cli.stderr)
})

test('SIGUSR2 switches the trace on and off', async (t) => {
  const { cli, client } = await startAgent(t, { 'list.txt': lineOf(10) })
  await score(client)
  assert.doesNotMatch(cli.stderr, /NOTIFY/)
  cli.signal('SIGUSR2')
  await cli.waitFor(/SIGUSR2: trace on/)
  await score(client)
  await cli.waitFor(/recv 1 NOTIFY \S+ get-ip-reputation\(ip=192\.0\.2\.1\)/)
  await cli.waitFor(/send 1 ACK \S+ set\(sess\.ip_score=10\)/)
  cli.signal('SIGUSR2')
  await cli.waitFor(/SIGUSR2: trace off/)
  const before = cli.stderr
  await score(client)
  cli.signal('SIGTERM')
  const { code, stderr } = await cli.ended
  assert.equal(code, 0)
  assert.doesNotMatch(stderr.slice(before.length), /NOTIFY|ACK/)
})

test(
  'SIGHUP reads certificates and list again; what is wrong is told, and the old ones stay',
  { skip: skipWithoutOpenssl },
  async (t) => {
    const { dir, remove } = makeFolder({ 'list.txt': lineOf(10) })
    const { ca, client } = certificates(dir)
    copyFileSync(join(dir, 'server.pem'), join(dir, 'agent.pem'))
    copyFileSync(join(dir, 'server.key'), join(dir, 'agent.key'))
    const files = ['--cert', 'agent.pem', '--key', 'agent.key', '--client-ca', 'ca.pem', '--list', 'list.txt']
    const cli = new Cli(['agent', 'ip-reputation', '-l', '127.0.0.1:0', ...files], { cwd: dir })
    t.after(async () => {
      await cli.stop()
      remove()
    })
    const [, port] = await cli.waitFor(/listens on 127\.0\.0\.1:(\d+) /)
    const subject = async () => {
      const peer = await Peer.connect({ port: Number(port), tls: { ca, ...client } })
      await peer.greet()
      const shown = (peer.socket as TLSSocket).getPeerX509Certificate()?.subject
      peer.close()
      return shown
    }
    assert.equal(await subject(), 'CN=server')
    copyFileSync(join(dir, 'renewed.pem'), join(dir, 'agent.pem'))
    cli.signal('SIGHUP')
    await cli.waitFor(
      /SIGHUP: kept the old certificates: setSecureContext\(\): the option tls cannot be used/,
    )
    assert.equal(await subject(), 'CN=server')
    copyFileSync(join(dir, 'renewed.key'), join(dir, 'agent.key'))
    cli.signal('SIGHUP')
    await cli.waitFor(/SIGHUP: certificates read again/)
    assert.equal(await subject(), 'CN=renewed')
    assert.match(cli.stderr, /list\.txt: read again \(1 ranges\)/)
  },
)

test('without TLS SIGHUP reads the list again', async (t) => {
  const { cli } = await startAgent(t, { 'list.txt': lineOf(10) })
  cli.signal('SIGHUP')
  await cli.waitFor(/list\.txt: read again \(1 ranges\)/)
})

test('flags that say nothing are refused', async () => {
  for (const [flags, message] of [
    [['--mode', '660'], /--mode 660: is for unix sockets with a path, and none is listened on/],
    [['--cert', 'a.pem'], /TLS wants --cert FILE and --key FILE/],
    [['--client-ca', 'a.pem'], /TLS wants --cert FILE and --key FILE/],
    [['--cert', 'none.pem', '--key', 'none.key'], /--cert none\.pem: ENOENT/],
  ] as const) {
    const { code, stderr } = await new Cli(['agent', 'ip-reputation', '-l', '127.0.0.1:0', ...flags]).ended
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
})
