import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSpoeEngines, effectiveEvent, parseConfig, parseSpoeFile } from '#src/config/index.js'
import type { SpoeEngine } from '#src/config/index.js'
import { summariseDiagnostics } from './summary.ts'

const spoeText = `spoe-agent agent
  use-backend agents
  messages first second
  groups group
spoe-message first
  event on-client-session
spoe-message second
  event on-backend-http-request
spoe-message third
spoe-group group
  messages third
`

/** Every filter of `main` with the file above; `agents` becomes the backend of the agent. */
function check(main: string, agents = 'agents', text = spoeText): string {
  const { config } = parseConfig({ file: 'haproxy.cfg', text: main })
  const { spoe } = parseSpoeFile(text.replace('agents', agents), 'spoe.conf')
  assert.ok(spoe !== undefined)
  const engines = config.proxies.flatMap((proxy) =>
    proxy.filters.flatMap((filter): SpoeEngine[] =>
      filter.type === 'spoe' ? [{ proxy, filter, spoe }] : [],
    ),
  )
  return summariseDiagnostics(checkSpoeEngines(config, engines))
}

const listen = 'listen main\n mode http\n filter spoe config spoe.conf\n'
const backend = 'backend agents\n'

test('the backend of the agent exists and has mode tcp', () => {
  assert.equal(check(listen + backend), '')
  assert.equal(
    check(listen + backend, 'agent'),
    "2:15 error CFG_BACKEND_UNKNOWN: there is no backend 'agent' | did you mean 'agents'?",
  )
  assert.equal(
    check(`${listen}${backend} mode http\n`),
    "2:15 error CFG_BACKEND_MODE: the backend 'agents' of the agent 'agent' has mode http" +
      " | write 'mode tcp' into the backend",
  )
})

test('a backend with mode spop is for agents alone, and notes what has no effect there', () => {
  const spop = `${backend} mode spop\n`
  assert.equal(check(listen + spop), '')
  const text = spoeText
    .replace('  messages first', '  timeout hello 1s\n  no option async\n  maxerrrate 5\n  messages first')
    .replace('  groups', '  timeout processing 1s\n  groups')
  assert.equal(
    check(listen + spop, 'agents', text),
    ['3:3 note', '4:6 note', '5:3 note']
      .map((place, at) => {
        const keyword = ['timeout hello', 'option async', 'maxerrrate'][at] ?? ''
        return `${place} CFG_KEYWORD_IGNORED: '${keyword}' of the agent 'agent' has no effect: the backend 'agents' has mode spop`
      })
      .join('\n'),
  )
  const config = (text: string) =>
    summariseDiagnostics(
      parseConfig({ file: 'f', text: `${text}\n${spop} timeout connect 1s\n timeout server 1s\n` })
        .diagnostics,
    )
  const front = 'frontend f\n bind 127.0.0.1:80\n timeout client 1s\n'
  assert.match(
    config(`${front} default_backend agents`),
    /^4:18 error CFG_BACKEND_MODE: frontend 'f' cannot use the backend 'agents', which is for agents/,
  )
  for (const section of [front, front.replace('frontend', 'listen')]) {
    assert.match(
      config(`${section} mode spop`),
      /error CFG_ARGUMENT: 'mode': 'spop' is for backends of agents/,
    )
  }
  assert.match(
    config(`defaults\n mode spop\n${front}`),
    /3:1 error CFG_BACKEND_MODE: frontend 'f' inherits mode spop/,
  )
  assert.equal(config('defaults\n mode spop\nbackend other'), '')
})

test('events of frontends never occur in a backend', () => {
  assert.equal(
    check(`backend web\n mode http\n filter spoe config spoe.conf\n${backend}`),
    "6:3 warning CFG_SPOE_EVENT: 'on-client-session' never occurs in the backend 'web': the message is not sent",
  )
})

test('a listen sees request events as a frontend does', () => {
  const { config } = parseConfig({ file: 'f', text: 'frontend f\nlisten l\nbackend b\n' })
  const [f, l, b] = config.proxies
  const messages = parseSpoeFile(spoeText, 'spoe.conf').spoe?.messages ?? []
  const [first, second, third] = messages
  assert.ok(f && l && b && first && second && third)
  const events = [f, l, b].map((proxy) => messages.map((message) => effectiveEvent(proxy, message)))
  assert.deepEqual(events, [
    ['on-client-session', 'on-backend-http-request', undefined],
    ['on-client-session', 'on-frontend-http-request', undefined],
    [undefined, 'on-backend-http-request', undefined],
  ])
})

test('engines and groups of send-spoe-group exist in the same proxy', () => {
  const rule = (text: string) => check(`${listen} http-request send-spoe-group ${text}\n${backend}`)
  assert.equal(rule('agent group'), '')
  assert.equal(
    rule('agnet group'),
    "4:31 error CFG_SPOE_AGENT: listen 'main' has no SPOE engine 'agnet' | did you mean 'agent'?",
  )
  assert.equal(
    rule('agent groop'),
    "4:37 error CFG_SPOE_GROUP: the engine 'agent' has no group 'groop' | did you mean 'group'?",
  )
})

test('the names of engines are unique in a proxy', () => {
  assert.equal(
    check(`${listen} filter spoe config spoe.conf\n${backend}`),
    "4:2 error CFG_SPOE_AGENT: listen 'main' has an engine 'agent' already",
  )
})
