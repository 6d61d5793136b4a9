import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDiagnostic, parseConfig, parseConfigFiles, parseSpoeFile } from '#src/config/index.js'

const summary = (diagnostics: readonly { severity: string; code: string }[]) =>
  diagnostics.map(({ severity, code }) => `${severity} ${code}`)

test('several files are read in their order, and share names and defaults', () => {
  const { config, diagnostics } = parseConfigFiles([
    {
      file: '1.cfg',
      text: 'global\n log-tag one\ndefaults\n mode http\n timeout client 1s\nbackend b\n',
    },
    {
      file: '2.cfg',
      text: 'global\n maxconn 2\nfrontend f\n bind :80\n default_backend b\nbackend b\n',
    },
  ])
  assert.equal(config.global.logTag, 'one')
  assert.equal(config.global.maxconn, 2)
  assert.deepEqual(
    config.proxies.map(({ kind, name, mode }) => [kind, name, mode]),
    [
      ['backend', 'b', 'http'],
      ['frontend', 'f', 'http'],
      ['backend', 'b', 'http'],
    ],
  )
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    "2.cfg:6:1: error: the backend 'b' has the name of the backend of line 6 of 1.cfg (CFG_SECTION_DUPLICATE)",
  ])
})

test('no section goes on in the next file', () => {
  const { diagnostics } = parseConfigFiles([
    { file: '1.cfg', text: 'backend b\n' },
    { file: '2.cfg', text: ' mode http\n' },
  ])
  assert.deepEqual(summary(diagnostics), ['error CFG_SECTION_UNKNOWN'])
  assert.equal(diagnostics[0]?.place.file, '2.cfg')
})

test('a last line without a line end may be truncated', () => {
  assert.deepEqual(summary(parseConfig({ file: 'f', text: 'backend b' }).diagnostics), ['error CFG_LINE'])
  assert.deepEqual(summary(parseConfig({ file: 'f', text: 'backend b\n' }).diagnostics), [])
  assert.deepEqual(summary(parseConfig({ file: 'f', text: '' }).diagnostics), [])
})

test('a NUL character is reported', () => {
  const { diagnostics } = parseConfig({ file: 'f', text: 'backend b\n mode h\0ttp\n' })
  assert.deepEqual(summary(diagnostics), ['error CFG_LINE'])
  assert.equal(diagnostics[0]?.place.column, 8)
})

test('lines may end with CR LF', () => {
  const { config, diagnostics } = parseConfig({ file: 'f', text: 'backend b\r\n mode http\r\n' })
  assert.deepEqual(diagnostics, [])
  assert.equal(config.proxies[0]?.mode, 'http')
})

test('setenv is seen by the lines behind it and by the SPOE file', () => {
  const { environment } = parseConfig({
    file: 'f',
    text: 'global\n setenv AGENTS agents\n',
    env: { PATH: '/bin' },
  })
  assert.deepEqual(environment, { PATH: '/bin', AGENTS: 'agents' })
  const text = 'spoe-agent a\n use-backend "$AGENTS"\n'
  assert.equal(parseSpoeFile(text, 'spoe.conf', environment).spoe?.agent.useBackend?.text, 'agents')
})

test('a message has at most 255 arguments', () => {
  const agent = 'spoe-agent a\n use-backend b\n messages m\n'
  const message = `spoe-message m\n event on-client-session\n${' args src src src src src\n'.repeat(51)}`
  const errors = (text: string) =>
    parseSpoeFile(text, 'spoe.conf').diagnostics.filter(({ severity }) => severity === 'error')
  assert.deepEqual(errors(agent + message), [])
  const [error] = errors(`${agent}${message} args src\n`)
  assert.equal(error?.code, 'CFG_SPOE_MESSAGE')
  assert.equal(error?.place.column, 7)
})

test('complaints about a whole SPOE file stand where the filter stands', () => {
  const origin = { file: 'haproxy.cfg', line: 9, column: 3 }
  const { spoe, diagnostics } = parseSpoeFile('', 'spoe.conf', {}, 'engine', origin)
  assert.equal(spoe, undefined)
  assert.deepEqual(
    diagnostics.map(({ place, code }) => [place, code]),
    [[origin, 'CFG_SPOE_AGENT']],
  )
})

test('the column of an expression behind a name is its own', () => {
  const text = 'spoe-agent a\n messages m\nspoe-message m\n args ip=src path\n'
  const args = parseSpoeFile(text, 'spoe.conf').spoe?.messages[0]?.args
  assert.deepEqual(
    args?.map(({ name, expr }) => [name, expr.text, expr.place.column]),
    [
      ['ip', 'src', 10],
      [undefined, 'path', 14],
    ],
  )
})
