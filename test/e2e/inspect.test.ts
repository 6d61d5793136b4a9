/** `sluice inspect` between real programs: HAProxy and agents that err, a client and php-fpm. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Cli, makeFolder, runCli } from '../support/sluice.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import { skipWithoutTshark, Tshark } from '../support/tshark.ts'
import { parseHex } from '../support/hex.ts'
import { frame } from '../inspect/support.ts'
import { ask, startAgent, startSpoe } from './agent-support.ts'

/** The command in front of a port or a path; where it listens. */
async function startTap(
  t: TestContext,
  forward: string,
  ...args: string[]
): Promise<{ cli: Cli; port: number }> {
  const cli = new Cli(['inspect', '--listen', '127.0.0.1:0', '--forward', forward, ...args])
  t.after(() => cli.stop())
  const [, port = ''] = await cli.waitFor(/inspecting 127\.0\.0\.1:(\d+) -> /)
  return { cli, port: Number(port) }
}

const messages = `
spoe-message check
  args ip=src cookie=req.hdr(cookie) hdrs=req.hdrs_bin
  event on-frontend-http-request
`
const answer = `http-request return status 200 content-type text/plain lf-string "%[var(txn.t.one)] %[var(txn.t.two)] %[var(txn.t.err)]"`

/** An agent by hand: HELLO, then to each NOTIFY an ACK with its ids and these actions. */
async function startFaultyAgent(t: TestContext, actions: string): Promise<number> {
  const hello = frame(
    '65 00 00 00 01 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
  )
  const serve = (socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (chunk[4] === 1) socket.write(hello)
      // Ids below 240 are a byte each.
      if (chunk[4] === 3) socket.write(ackOf(chunk[9] as number, chunk[10] as number, actions))
    })
  }
  const server = createServer(serve)
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function ackOf(streamId: number, frameId: number, actions: string): Buffer {
  const rest = Buffer.concat([Buffer.from([0x67, 0, 0, 0, 1, streamId, frameId]), parseHex(actions)])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(rest.length)
  return Buffer.concat([length, rest])
}

describe('sluice inspect behind the real HAProxy', { skip: skipWithoutHaproxy() }, () => {
  it(
    'says which action HAProxy has dropped, and hides the cookie; the capture is one',
    { skip: skipWithoutTshark() },
    async (t) => {
      const tshark = await Tshark.install()
      t.after(() => tshark.remove())
      const pcap = tshark.file('tap.pcap', Buffer.alloc(0))
      const agent = await startFaultyAgent(t, '01 03 02 03 "one" 08 01 "1" 01 04 02 03 "two" 08 01 "2"')
      const { cli, port } = await startTap(t, `127.0.0.1:${agent}`, '--pcap', pcap)
      const haproxy = await startSpoe(t, { agents: port, agentLines: 'messages check', messages, answer })
      const { body } = await ask(haproxy.ports.fe, { headers: { cookie: 'sid=secret' } })
      // HAProxy says it, too: the second variable is not there.
      assert.equal(body, '1  ', `${cli.output}\n${haproxy.logs()}`)
      await cli.waitFor(
        /!! action 2 ignored by HAProxy: nb-args is 4, set-var wants 3; so is every action behind it/,
      )
      assert.match(
        cli.stdout,
        /message check ip=ipv4 127\.0\.0\.1 cookie=string \(hidden, 10 characters\) hdrs=binary \{cookie: \(hidden, 10 characters\), host: "127\.0\.0\.1:\d+"\}/,
      )
      assert.match(cli.stdout, /set-var txn\.one = string "1"/)
      cli.signal('SIGTERM')
      assert.equal((await cli.ended).code, 0)
      const [row] = await tshark.fields(pcap, 'spop.action', ['spop.variable', '_ws.expert.message'])
      assert.deepEqual(row, ['txn.one', 'action 2 ignored by HAProxy: nb-args is 4'])
      assert.equal(readFileSync(pcap).includes('secret'), false)
      const read = await runCli(['inspect', 'read', pcap, '--wrong'])
      assert.match(read.stdout, /action 2 ignored by HAProxy: nb-args is 4/)
    },
  )

  it('says that an answer came after the time-out, and HAProxy has the code 1', async (t) => {
    const agent = await startAgent(t, (each) => {
      each.message('check', {}, (_, actions) => actions.setVar('txn', 'one', 1))
    })
    const { cli, port } = await startTap(
      t,
      `127.0.0.1:${agent.port}`,
      '--delay',
      'check=400ms',
      '--processing-timeout',
      '200ms',
    )
    const agentLines = 'messages check\n  timeout processing 200ms\n  option set-on-error err'
    const haproxy = await startSpoe(t, { agents: port, messages, answer, agentLines })
    assert.equal((await ask(haproxy.ports.fe)).body, '  1')
    await cli.waitFor(/!! no ACK for NOTIFY \d+\/1 \(check\) within 200 ms: HAProxy goes on with the error 1/)
    await cli.waitFor(/!! ACK \d+ ms after the stream timed out/)
  })

  it('tells of a NOTIFY with the ids of one that still waits, as continue-on-error sends it', async (t) => {
    const agent = await startAgent(t, (each) => {
      each.message('check', {}, () => {})
      each.message('again', {}, () => {})
    })
    const { cli, port } = await startTap(t, `127.0.0.1:${agent.port}`, '--delay', 'check=500ms')
    const agentLines = 'messages check again\n  timeout processing 100ms\n  option continue-on-error'
    const more = `${messages}\nspoe-message again\n  event on-backend-http-request\n`
    const backend = `default_backend be\nbackend be\n  ${answer}`
    const haproxy = await startSpoe(t, { agents: port, messages: more, answer: backend, agentLines })
    await ask(haproxy.ports.fe)
    await cli.waitFor(
      /!! NOTIFY \d+\/1 was asked \d+ ms ago and has no answer yet: HAProxy takes the next ACK/,
    )
  })
})

describe('sluice inspect before php-fpm', { skip: skipWithoutPhpFpm() }, () => {
  it('shows records, parameters and what PHP complains of; call prints the body', async (t) => {
    const script = `<?php setcookie('sid', 'secret'); error_log('seen'); echo "n=", $_POST['n'] ?? '', " q=", $_GET['q'] ?? '';`
    const php = await startPhpFpm({
      scripts: { 'a.php': script },
      settings: ['php_admin_flag[log_errors] = on', 'catch_workers_output = yes'],
    })
    t.after(() => php.stop())
    const { dir, remove } = makeFolder({ body: 'n=5' })
    t.after(remove)
    const { cli, port } = await startTap(t, php.socket)
    const { code, stdout } = await runCli([
      'inspect',
      'call',
      `fcgi://127.0.0.1:${port}`,
      '--param',
      `SCRIPT_FILENAME=${join(php.docroot, 'a.php')}`,
      '--param',
      'QUERY_STRING=q=1',
      '--param',
      'CONTENT_TYPE=application/x-www-form-urlencoded',
      '--param',
      'HTTP_COOKIE=a=secret',
      '--body',
      join(dir, 'body'),
    ])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /\nn=5 q=1\n$/)
    for (const output of [stdout, cli.stdout]) {
      assert.match(
        output,
        /> BEGIN_REQUEST {2}1 {2}8 bytes {2}role=uint16 RESPONDER {2}keep-conn=boolean false/,
      )
      assert.match(output, /SCRIPT_FILENAME="\/.*a\.php"\n {20}QUERY_STRING="q=1"/)
      assert.match(output, /HTTP_COOKIE=\(hidden, 8 characters\)/)
      assert.match(output, /Set-Cookie=\(hidden, \d+ characters\)/)
      assert.match(
        output,
        /< END_REQUEST {2}1 {2}8 bytes {2}after [\d.]+ ms {2}app-status=uint32 0 {2}protocol-status=uint8 complete/,
      )
      assert.doesNotMatch(output, /!!/)
    }
    // Without a script PHP says what it misses.
    const without = await runCli([
      'inspect',
      'call',
      `fcgi://127.0.0.1:${port}`,
      '--param',
      'SCRIPT_FILENAME=/none.php',
    ])
    assert.match(without.stdout, /! {2}the application says: "Primary script unknown"/)
    assert.match(without.stdout, /Status="404 Not Found"/)
  })
})
