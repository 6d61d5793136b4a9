/** The flags of `sluice run`, beside what HAProxy 2.6.12 returns and prints for them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseRunFlags } from '#src/cli/run-flags.js'
import { freePorts } from '../support/ports.ts'
import { askOnce } from '../support/raw-http.ts'
import { Cli, makeFolder, root, runCli } from '../support/sluice.ts'
import { until } from '../support/until.ts'

const [portA = 0, portB = 0] = await freePorts(2)

const timeouts = 'defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\n'
const frontend = (name: string, port: number): string =>
  `frontend ${name}\n  bind 127.0.0.1:${port}\n  http-request return status 200 content-type text/plain lf-string "\${HAPROXY_LOCALPEER-none}"\n`

const { dir, remove } = makeFolder({
  'valid.cfg': timeouts + frontend('a', portA),
  'second.cfg': timeouts + frontend('b', portB),
  'warning.cfg': `frontend a\n  mode http\n  bind 127.0.0.1:${portA}\n`,
  'wrong.cfg': 'frontend a\n  nonsense\n',
  'no-listener.cfg': timeouts,
  'stats-socket.cfg': `global\n  stats socket none.sock\n${timeouts}backend b\n  server s 127.0.0.1:1\n`,
  'stats-timeout.cfg': `global\n  stats timeout 5s\n${timeouts}`,
  'conf.d/1.cfg': timeouts + frontend('a', portA),
  'conf.d/2.cfg': frontend('b', portB),
  'conf.d/ignored.txt': 'nonsense\n',
})
after(remove)

const valid = 'Configuration file is valid\n'
/** Arguments, exit code, standard output, standard error. The codes and the words on standard output are HAProxy's. */
const rows: readonly (readonly [string, number, string | RegExp, string | RegExp])[] = [
  ['-c -f valid.cfg', 0, valid, ''],
  ['-c -q -f valid.cfg', 0, '', ''],
  ['-db -D -W -c -f valid.cfg', 0, valid, ''],
  ['-c -f valid.cfg -f second.cfg', 0, valid, ''],
  ['-n 10 -L a -p none.pid -S 127.0.0.1:1 -c -f valid.cfg', 0, valid, ''],
  ['-C conf.d -c -f 1.cfg', 0, valid, ''],
  ['-C nowhere -c -f 1.cfg', 1, '', /^sluice: .*nowhere/],
  ['-c -f warning.cfg', 0, `Warnings were found.\n${valid}`, /CFG_TIMEOUT_MISSING/],
  ['-c -q -f warning.cfg', 0, '', ''],
  ['-c -dW -f warning.cfg', 1, '', /CFG_TIMEOUT_MISSING[\s\S]*-dW/],
  ['-c -f wrong.cfg', 1, '', /^wrong\.cfg:2:3: error: .*'nonsense'/],
  ['-c -q -f wrong.cfg', 1, '', ''],
  ['-c -f missing.cfg', 1, '', /'missing\.cfg' cannot be read/],
  ['-c -f no-listener.cfg', 2, /^Configuration file has no error but will not start \(no listener\)/, ''],
  ['-c -f stats-socket.cfg', 0, `Warnings were found.\n${valid}`, /'stats': not implemented; it is ignored/],
  ['-c -q -f stats-timeout.cfg', 2, '', ''],
  ['-f no-listener.cfg', 1, '', /no address to listen on/],
  ['-cc version_atleast(2.4)', 0, '', ''],
  ['-cc feature(OPENSSL)', 1, '', ''],
  ['-cc defined(', 2, '', /^-cc 'defined\('/],
  ['-v', 0, /^\d+\.\d+\.\d+\n$/, ''],
  [
    '-Z -f valid.cfg',
    1,
    '',
    /^sluice: unknown flag '-Z' \(sluice run --help lists the flags\) \(ERR_SLUICE_OPTION\)\n$/,
  ],
]

for (const [args, code, stdout, stderr] of rows) {
  test(`sluice run ${args}`, async () => {
    const result = await runCli(['run', ...args.split(' ').filter((word) => word !== '')], { cwd: dir })
    const same = (got: string, wanted: string | RegExp): void =>
      typeof wanted === 'string' ? assert.equal(got, wanted) : assert.match(got, wanted)
    same(result.stderr, stderr)
    same(result.stdout, stdout)
    assert.equal(result.code, code)
    assert.ok(!existsSync(join(dir, 'none.pid')), 'nothing is written for a check')
  })
}

/** What the flags say, without starting anything. */
const parse = (line: string) => parseRunFlags(line.split(' ').filter((word) => word !== ''))

for (const [line, reason] of [
  ['', /^no configuration file/],
  ['-q', /^no configuration file/],
  ['-f', /^-f wants a file/],
  ['-f a -p', /^-p wants a file/],
  ['a', /^'a' is not a flag: use -f a/],
  ['-f a b', /^'b' is not a flag: use -f b/],
  ['-sf 1 -f a', /^unknown flag '-sf'/],
  ['-Ws -f a', /^unknown flag '-Ws'/],
  ['-n10 -f a', /^unknown flag '-n10'/],
  ['-n ten -f a', /^-n wants a number, not 'ten'/],
  ['--log-level loud -f a', /^--log-level is one of debug, info, warn, error, not 'loud'/],
] as const) {
  test(`refused: '${line}'`, () => {
    assert.throws(() => parse(line), { code: 'ERR_SLUICE_OPTION', message: reason })
  })
}

for (const [line, wanted] of [
  ['-f a -f b', { files: ['a', 'b'] }],
  ['-f a -- b -c', { files: ['a', 'b', '-c'], check: false }],
  ['-- a', { files: ['a'] }],
  ['-f -q', { files: ['-q'], quiet: false }],
  ['-q -V -f a', { quiet: false }],
  ['-V -q -f a', { quiet: true }],
  ['-d -f a', { logLevel: 'debug', daemon: false }],
  ['-dM -dM0x41 -de -dp -dG -dR -dS -f a', { logLevel: 'info', check: false, quiet: false }],
  ['-W -S fd@3 -L me -n 7 -C /x -p y -f a', { worker: true, masterCli: 'fd@3', localPeer: 'me', maxconn: 7 }],
  ['-C /x -p y -f a', { folder: '/x', pidFile: 'y' }],
  ['-vv', { version: true }],
  ['-f a -v', { version: true }],
  ['-cc x', { condition: 'x', files: [] }],
] as const) {
  test(`taken: '${line}'`, () => {
    const flags = parse(line)
    for (const [name, value] of Object.entries(wanted))
      assert.deepEqual(flags[name as keyof typeof flags], value, name)
  })
}

test('sluice run --help lists every flag', async () => {
  const { code, stdout } = await runCli(['run', '--help'])
  assert.equal(code, 0)
  for (const flag of [
    '-f',
    '-c',
    '-cc',
    '-C',
    '-D',
    '-d',
    '-db',
    '-W',
    '-S',
    '-n',
    '-L',
    '-p',
    '-q',
    '-V',
    '-v',
  ]) {
    assert.match(stdout, new RegExp(`^  (?:.*, )?${flag}\\b`, 'm'), flag)
  }
})

test('sluice -v prints the version', async () => {
  const { stdout } = await runCli(['-v'])
  assert.equal(stdout, (await runCli(['--version'])).stdout)
})

test('-d and -db keep it in the foreground, wherever they stand', () => {
  const daemon = (...args: string[]): boolean => parseRunFlags([...args, '-f', 'a']).daemon
  assert.equal(daemon('-D'), true)
  for (const flag of ['-d', '-db']) {
    assert.equal(daemon('-D', flag), false)
    assert.equal(daemon(flag, '-D'), false)
  }
  // What looks like a flag may be the argument of one.
  assert.equal(daemon('-D', '-L', '-d'), true)
})

const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const bodyOf = async (port: number): Promise<string> => {
  const reply = await askOnce(port, get)
  return typeof reply === 'string' ? reply : reply.body
}

test('-L, -p and -f: the peer is named, the process id written, every file of the folder read', async () => {
  const cli = new Cli(['run', '-L', 'me', '-p', 'run.pid', '-f', 'conf.d'], { cwd: dir })
  try {
    await cli.waitFor(/close gracefully/)
    assert.equal(await bodyOf(portA), 'me')
    assert.equal(await bodyOf(portB), 'me')
    assert.equal(readFileSync(join(dir, 'run.pid'), 'utf8'), `${cli.pid}\n`)
  } finally {
    await cli.stop()
  }
})

test('-q prints nothing and serves', async () => {
  const cli = new Cli(['run', '-q', '-p', 'quiet.pid', '-f', 'warning.cfg', '-f', 'second.cfg'], { cwd: dir })
  try {
    await until(() => existsSync(join(dir, 'quiet.pid')) || !cli.running)
    assert.ok(cli.running, 'it has ended')
    assert.equal(await bodyOf(portB), 'none')
    cli.signal('SIGTERM')
    assert.equal((await cli.ended).code, 0)
    assert.equal(cli.output, '')
  } finally {
    await cli.stop()
  }
})

test('a stats socket alone is enough to run, as for HAProxy', async () => {
  const cli = new Cli(['run', '-f', 'stats-socket.cfg'], { cwd: dir })
  try {
    await cli.waitFor(/close gracefully/)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.ok(cli.running)
    cli.signal('SIGTERM')
    assert.equal((await cli.ended).code, 0)
  } finally {
    await cli.stop()
  }
})

test('-n wins over global maxconn: a client beyond it waits', async () => {
  writeFileSync(join(dir, 'maxconn.cfg'), `global\n  maxconn 100\n${timeouts}${frontend('a', portA)}`)
  const cli = new Cli(['run', '-n', '1', '-f', 'maxconn.cfg'], { cwd: dir })
  try {
    await cli.waitFor(/close gracefully/)
    const { connect } = await import('node:net')
    const holder = connect(portA, '127.0.0.1')
    await new Promise((resolve) => holder.once('connect', resolve))
    const second = bodyOf(portA)
    const early = await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))])
    assert.equal(early, 'waits')
    holder.destroy()
    assert.equal(await second, 'none')
  } finally {
    await cli.stop()
  }
})

for (const [signal, plain, worker] of [
  ['SIGINT', 0, 130],
  ['SIGTERM', 0, 0],
  ['SIGUSR1', 0, 0],
] as const) {
  for (const [flags, wanted] of [
    [['-db'], plain],
    [['-W', '-db'], worker],
  ] as const) {
    test(`${flags.join(' ')}: ${signal} ends it with ${wanted}`, async () => {
      const cli = new Cli(['run', ...flags, '-f', 'valid.cfg'], { cwd: dir })
      try {
        await cli.waitFor(/close gracefully/)
        cli.signal(signal)
        assert.equal((await cli.ended).code, wanted)
      } finally {
        await cli.stop()
      }
    })
  }
}

/** The kernel delivers what was sent before there was anything to close: nothing of it may kill, or open a debugger. */
test('a signal that comes while it starts to listen closes it as soon as it listens', async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
    const cli = new Cli(['run', '-f', 'valid.cfg'], { cwd: dir })
    try {
      // The first line of all; the handlers of a signal were there before it.
      await cli.waitFor(/listening on/)
      cli.signal(signal)
      const { code, signal: killedBy } = await cli.ended
      assert.deepEqual([code, killedBy], [0, null], cli.output)
      assert.match(cli.stderr, new RegExp(`${signal}: closing`))
      assert.doesNotMatch(cli.stderr, /Debugger/)
    } finally {
      await cli.stop()
    }
  }
})

test('-W -S: it says that there is no master CLI, and no reload', async () => {
  const cli = new Cli(['run', '-W', '-S', '127.0.0.1:1', '-f', 'valid.cfg'], { cwd: dir })
  try {
    await cli.waitFor(/-S 127\.0\.0\.1:1: there is no master CLI/)
    await cli.waitFor(/close gracefully/)
    for (const signal of ['SIGUSR2', 'SIGHUP'] as const) {
      cli.signal(signal)
      await cli.waitFor(new RegExp(`${signal}: there is no reload`))
    }
    assert.equal(await bodyOf(portA), 'none')
  } finally {
    await cli.stop()
  }
})

/** As VTest and process managers do: the socket is opened by the parent and its number given. */
const startWithSocket = async (args: readonly string[]) => {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const { port } = listener.address() as AddressInfo
  // The handle is what `net` shows of its descriptor.
  const { fd } = (listener as unknown as { _handle: { fd: number } })._handle
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'run', ...args], {
    cwd: dir,
    env: { ...process.env, fe: '5' },
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', fd],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { listener, port, child, ended, output: () => output }
}

writeFileSync(
  join(dir, 'handed.cfg'),
  `${timeouts}frontend a\n  bind "fd@\${fe}"\n  http-request return status 200 content-type text/plain string handed\n`,
)

test('a listener that was handed down is served: bind "fd@${fe}"', async () => {
  const { listener, port, child, ended, output } = await startWithSocket(['-d', '-f', 'handed.cfg'])
  try {
    await until(() => output().includes('close gracefully') || child.exitCode !== null, output)
    assert.equal(child.exitCode, null, output())
    listener.close()
    assert.equal(await bodyOf(port), 'handed')
    child.kill('SIGINT')
    assert.equal(await ended, 0)
  } finally {
    child.kill('SIGKILL')
  }
})

test('-D: the first process ends with 0 once the second listens, which writes its own id and keeps the listener', async () => {
  const pidFile = join(dir, 'daemon.pid')
  const { listener, port, ended } = await startWithSocket(['-D', '-p', 'daemon.pid', '-f', 'handed.cfg'])
  try {
    assert.equal(await ended, 0)
    listener.close()
    assert.equal(await bodyOf(port), 'handed')
  } finally {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM')
  }
})

test('-D: what hinders the second process is told by the first', async () => {
  const taken = createServer().listen(portB, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  try {
    const { code, stderr } = await runCli(['run', '-D', '-C', 'conf.d', '-f', '1.cfg', '-f', '2.cfg'], {
      cwd: dir,
    })
    assert.match(stderr, /^sluice: .*2\.cfg:\d+: bind .*EADDRINUSE.*\(ERR_PROXY_LISTEN\)\n$/)
    assert.equal(code, 1)
  } finally {
    taken.close()
  }
})
