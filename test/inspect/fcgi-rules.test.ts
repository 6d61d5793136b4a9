/** What is found wrong with FastCGI: a row for each rule, in bytes written from the specification. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FrameEntry } from '#src/inspect/entry.js'
import { fcgiRules } from '#src/inspect/fcgi-rules.js'
import { parseHex } from '../support/hex.ts'
import { findings, inspect, type Step } from './support.ts'

type Side = Step['from']

/** A record by hand: the length of its content is filled in. */
function record(from: Side, type: number, id: number, content: string, at = 0, padding = 0): Step {
  const bytes = parseHex(content)
  const head = Buffer.from([1, type, id >> 8, id & 255, bytes.length >> 8, bytes.length & 255, padding, 0])
  return { from, what: Buffer.concat([head, bytes, Buffer.alloc(padding)]), at }
}

const client = (type: number, content = '', id = 1, at = 0) => record('client', type, id, content, at)
const server = (type: number, content = '', id = 1, at = 0) => record('server', type, id, content, at)
const [BEGIN, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, VALUES, UNKNOWN] = [
  1, 3, 4, 5, 6, 7, 8, 9, 10, 11,
]

const begin = (id = 1) => client(BEGIN, '00 01 01 00 00 00 00 00', id)
const script = '0f 04 "SCRIPT_FILENAME" "/a.p"'
const params = (content = script) => [client(PARAMS, content), client(PARAMS)]
const request = (content = script) => [begin(), ...params(content)]
const ended = (app = '00 00 00 00', status = '00') => server(END, `${app} ${status} 00 00 00`)
const head = server(STDOUT, '"Status: 200" 0d 0a 0d 0a "body"')
const end = (from: Side): Step => ({ from, what: 'fin', at: 30 })
const raw = (what: string): Step => ({ from: 'client', what: Buffer.from(what, 'hex'), at: 0 })

const rows: readonly (readonly [rule: keyof typeof fcgiRules, says: RegExp, steps: readonly Step[]])[] = [
  ['record.not-fcgi', /no FastCGI record: .*0x02/, [begin(), raw('0201000100000000')]],
  ['record.truncated', /ends 3 bytes into a record/, [begin(), raw('010400'), end('client')]],
  [
    'record.direction',
    /an application never sends BEGIN_REQUEST/,
    [server(BEGIN, '00 01 01 00 00 00 00 00')],
  ],
  ['record.type', /a record of type 99/, [begin(), client(99)]],
  ['record.id', /STDIN with the request id 0/, [client(STDIN, '', 0)]],
  ['record.id', /GET_VALUES with the request id 1, wanted 0/, [client(GET_VALUES)]],
  [
    'record.padding',
    /content of 65535 and padding of 1 bytes/,
    [...request(), record('client', STDIN, 1, '61*65535', 0, 1)],
  ],
  ['record.undecodable', /BEGIN_REQUEST cannot be read: .*with 3/, [client(BEGIN, '00 01 01')]],
  ['record.undecodable', /PARAMS cannot be read: /, request('ff')],
  ['request.inactive', /STDOUT for the request 1, which is not there/, [server(STDOUT, '61')]],
  ['request.again', /a second BEGIN_REQUEST for 1/, [begin(), begin()]],
  ['request.multiplexed', /a second request while 1 is under way/, [begin(), begin(2)]],
  [
    'params.split',
    /a parameter is cut by the end of a record/,
    [begin(), client(PARAMS, '0f 04 "SCRIPT_"'), client(PARAMS, '"FILENAME" "/a.p"'), client(PARAMS)],
  ],
  ['params.no-script', /no SCRIPT_FILENAME/, request('01 01 "a" "b"')],
  ['params.unended', /STDIN before the empty PARAMS/, [begin(), client(PARAMS, script), client(STDIN)]],
  ['stdin.no-length', /a body without CONTENT_LENGTH/, [...request(), client(STDIN, '61')]],
  [
    'stdin.length',
    /STDIN ended after 1 bytes, and CONTENT_LENGTH is 5/,
    [...request(`${script} 0e 01 "CONTENT_LENGTH" "5"`), client(STDIN, '61'), client(STDIN)],
  ],
  ['stdin.again', /STDIN goes on after its end/, [...request(), client(STDIN), client(STDIN)]],
  [
    'stdout.nph',
    /begins with a status line/,
    [...request(), server(STDOUT, '"HTTP/1.1 200 OK" 0d 0a 0d 0a')],
  ],
  ['stdout.no-head', /the answer has no head/, [...request(), server(STDOUT, '"hello"'), ended()]],
  [
    'stderr.text',
    /the application says: "PHP Warning: {2}a"/,
    [...request(), server(STDERR, '"PHP Warning:  a" 0a')],
  ],
  ['end.refused', /was not run: CANT_MPX_CONN/, [...request(), ended('00 00 00 00', '01')]],
  ['end.exit', /ended with the exit status 255/, [...request(), head, ended('00 00 00 ff')]],
  [
    'end.missing',
    /closes without END_REQUEST for 1, 30 ms after its beginning, with 19 bytes of its answer sent/,
    [...request(), head, end('server')],
  ],
  ['request.given-up', /the client closes while the request 1/, [...request(), end('client')]],
  [
    'values.unanswered',
    /GET_VALUES has no answer/,
    [client(GET_VALUES, '0e 00 "FCGI_MAX_CONNS"', 0), end('client')],
  ],
]

describe('rules of FastCGI', () => {
  for (const [rule, says, steps] of rows) {
    it(`${rule}: ${says.source}`, () => {
      const found = findings(inspect(steps)).filter((each) => each.rule === rule)
      assert.equal(found.length, 1, JSON.stringify(found))
      assert.match(found[0]?.text ?? '', says)
    })
  }

  it('every rule has its row', () => {
    const tested = new Set<string>(rows.map(([rule]) => rule))
    assert.deepEqual(
      Object.keys(fcgiRules).filter((rule) => !tested.has(rule)),
      [],
    )
  })

  it('nothing is wrong with an ordinary conversation, and two requests at a time where they are agreed on', () => {
    const values = [
      client(GET_VALUES, '0f 00 "FCGI_MPXS_CONNS"', 0),
      server(VALUES, '0f 01 "FCGI_MPXS_CONNS" "1"', 0),
    ]
    const body = [client(STDIN, '"hello"'), client(STDIN)]
    const steps = [
      ...values,
      ...request(`${script} 0e 01 "CONTENT_LENGTH" "5"`),
      begin(2),
      ...body,
      head,
      ended(),
    ]
    assert.deepEqual(findings(inspect(steps)), [])
    assert.deepEqual(
      findings(inspect([begin(), client(DATA), server(UNKNOWN, '63 00 00 00 00 00 00 00', 0)])),
      [],
    )
  })

  it('parameters and heads are shown, their secrets hidden, wherever records are cut', () => {
    const secret = `${script} 0b 05 "HTTP_COOKIE" "a=b;c"`
    const content = parseHex(secret)
    const split = [
      begin(),
      client(PARAMS, content.subarray(0, 30).toString('hex')),
      client(PARAMS, content.subarray(30).toString('hex')),
      client(PARAMS),
    ]
    for (const sent of [request(secret), split]) {
      const answer = [
        server(STDOUT, '"Set-Coo"'),
        server(STDOUT, '"kie: x=y" 0d 0a "A: b" 0d 0a 0d 0a "body"'),
        ended(),
      ]
      const frames = inspect([...sent, ...answer]).filter(
        (entry): entry is FrameEntry => entry.kind === 'frame',
      )
      const shown = frames
        .flatMap(({ details }) => details)
        .filter(({ kind }) => kind === 'params' || kind === 'head')
      assert.deepEqual(
        shown.map(({ values }) => values.map(({ name, value }) => `${name}=${String(value)}`)),
        [
          ['SCRIPT_FILENAME=/a.p', 'HTTP_COOKIE=*****'],
          ['Set-Cookie=****', 'A=b'],
        ],
      )
    }
  })
})
