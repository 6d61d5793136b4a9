/** The doors for fetches, converters and actions of a user's own: nothing but `loadExtended` has to know them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadExtended } from '#src/proxy/loader.js'
import type { UserActionSpec } from '#src/proxy/compile/scope.js'
import type { Extensions } from '#src/proxy/loader.js'
import { Flow } from '#src/proxy/plan/flow.js'
import type { ConverterSpec, FetchSpec } from '#src/sample/index.js'
import { str, textOf } from '#src/sample/value.js'
import { ask, defaults, folder, httpOrigin, startProxy } from './support.js'

/** Sets a header of the request, a moment later. */
const stamp: UserActionSpec = {
  name: 'x.stamp',
  ruleSets: ['http-request'],
  syntax: '<name> <fmt>',
  doc: 'sets a header, a moment later',
  compile({ words: [name, text, extra] }, context) {
    if (name === undefined || text === undefined || extra !== undefined) return undefined
    const format = context.format(text, 'header')
    return {
      type: 'x.stamp',
      run(stream) {
        const wait = stream.wait()
        void sleep(5).then(() => {
          stream.head?.headers.set(name.text, format(stream))
          wait.over()
        })
        return Flow.Wait
      },
    }
  },
}

/** Answers the client, and ends the rules. */
const teapot: UserActionSpec = {
  name: 'x.teapot',
  ruleSets: ['http-request'],
  syntax: '',
  doc: 'answers 418',
  compile: () => ({
    type: 'x.teapot',
    run: (stream) => stream.reply({ ...stream.errorPage(503), status: 418 }, 'L'),
  }),
}

const planet: FetchSpec = {
  name: 'x.planet',
  args: [],
  type: 'str',
  needs: ['internal'],
  doc: 'Where we are.',
  build: () => ({ one: () => str('earth') }),
}

const shout: ConverterSpec = {
  name: 'x.shout',
  args: [],
  input: 'str',
  output: 'str',
  doc: 'Louder.',
  build: () => (value) => str(`${textOf(value).toUpperCase()}!`),
}

const extensions: Extensions = { actions: [stamp, teapot], fetches: [planet], converters: [shout] }

const config = (port: number, rules: string) =>
  `${defaults}frontend fe\n  bind 127.0.0.1:0\n${rules}  default_backend be\n` +
  `backend be\n  server s 127.0.0.1:${port}\n`

describe("a user's own", () => {
  it('fetch, converter and actions run among the rules', async (t) => {
    const origin = await httpOrigin(t, (request, response) => {
      response.end(`${String(request.headers['x-where'])} ${String(request.headers['x-seen'])}`)
    })
    const rules =
      '  http-request x.stamp X-Where %[x.planet,x.shout] if { x.planet earth }\n' +
      '  http-request x.teapot if { path /tea }\n' +
      '  http-request set-header X-Seen %[req.hdr(x-where)]\n'
    const proxy = await startProxy(t, config(origin.port, rules), { extensions })
    assert.match(await ask(t, proxy.port(), 'GET /'), /EARTH! EARTH!$/)
    assert.match(await ask(t, proxy.port(), 'GET /tea'), /^HTTP\/1\.1 418 /)
  })

  it('action is refused where it does not belong, and unknown to whoever did not bring it', (t) => {
    const load = (rules: string, more: Extensions) => {
      const cwd = folder(t, { 'haproxy.cfg': config(1, rules).replace(':0', ':1') })
      return loadExtended({ files: ['haproxy.cfg'], cwd }, more).diagnostics.map(({ message }) => message)
    }
    const unknown = (line: string) => [`unknown keyword '${line}' in 'frontend'`]
    assert.deepEqual(load('  http-response x.teapot\n', extensions), unknown('http-response x.teapot'))
    assert.deepEqual(load('  http-request x.teapot\n', {}), unknown('http-request x.teapot'))
    assert.deepEqual(load('  http-request x.teapot\n', extensions), [])
  })
})
