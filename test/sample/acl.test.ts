import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileAcl, compileTest, evaluateAcl, Verdict } from '#src/sample/index.js'
import { compileContext, complaints, requestStream, testStream, words } from '../support/sample-stream.ts'

const wrong: readonly (readonly [string, RegExp])[] = [
  ['a/b path /', /^test\.cfg:1:1: error: 'a\/b' is no name for an ACL \(CFG_SAMPLE_ACL\)\n {4}hint: letters/],
  ['a', /ACL 'a' misses its expression/],
  ['a path_bg /x', /^test\.cfg:1:3: error: unknown fetch 'path_bg'/],
  [
    'a req.body x',
    /^test\.cfg:1:3: error: 'req\.body' is of type bin, which needs a matching method.*\n.*-m/,
  ],
  ['a req.body -f x.lst', /^test\.cfg:1:15: error: 'req\.body' needs -m before -f|needs a matching method/],
  ['a path -m bg /', /^test\.cfg:1:11: error: unknown matching method 'bg'.*\n.*did you mean 'beg'/],
  ['a bin(00) -m int 1', /^test\.cfg:1:14: error: matching method 'int' cannot be used.*CFG_SAMPLE_TYPE/],
  ['a path -z /', /^test\.cfg:1:8: error: '-z' is no ACL flag.*\n.*'--'/],
  ['a path -m', /flag -m misses its value/],
  ['a path -u x /', /-u takes an integer/],
  ['a path -f ok.lst -m beg', /-m must stand before files and patterns/],
  [
    'a path -f none.lst',
    /^test\.cfg:1:11: error: pattern file 'none\.lst' cannot be read \(CFG_SAMPLE_FILE\)/,
  ],
  [
    'a src -f bad.lst',
    /^bad\.lst:3:1: error: 'host\.example' is not a valid .*names are not resolved.*CFG_SAMPLE_FILE/,
  ],
  [
    'a src 192.0.2.0/33',
    /^test\.cfg:1:7: error: '192\.0\.2\.0\/33' is not a valid .* \(CFG_SAMPLE_PATTERN\)/,
  ],
  ['a src 2001:db8::/129', /not a valid/],
  ['a src_port x', /'x' is not a number/],
  ['a src_port gt x', /'x' is neither a number nor an operator/],
  ['a src_port 5:3', /'5:3' is not a valid number range/],
  ['a path_reg (', /regular expression '\(' misses a closing parenthesis/],
  ['a req.body -m bin 0', /'0' is not an even number of hex digits/],
  ['a path_beg;x /', /';x' does not belong to ACL keyword 'path_beg'/],
]

test('complaints name the place', () => {
  for (const [text, expected] of wrong) {
    const context = compileContext({
      files: { 'ok.lst': '/a\n', 'bad.lst': '# c\n192.0.2.1\nhost.example\n', 'x.lst': '' },
    })
    assert.equal(compileAcl(words(text), context), undefined, text)
    assert.match(complaints(context).join('\n'), expected, text)
    assert.equal(context.aclsByName.size, 0)
  }
})

test('an ACL without patterns is worth a warning', () => {
  const context = compileContext()
  assert.notEqual(compileAcl(words('a path'), context), undefined)
  assert.match(complaints(context)[0] ?? '', /warning: no pattern stands behind 'path', so it never matches/)
  compileAcl(words('b path --'), context)
  compileAcl(words('c path -m found'), context)
  compileAcl(words('d always_true'), context)
  assert.equal(complaints(context).length, 1)
})

test('an empty pattern ends the list, as in HAProxy', () => {
  const context = compileContext()
  const acl = compileTest(words(['path_beg', '', '/a']), context)
  assert.equal(acl?.matches(requestStream('GET /a HTTP/1.1\r\n\r\n')), false)
  assert.match(complaints(context)[0] ?? '', /warning: an empty pattern ends the list/)
})

test('lines of one name are alternatives, also for conditions compiled before', () => {
  const context = compileContext()
  const first = compileAcl(words('a path_beg /one'), context)
  assert.ok(first !== undefined)
  const stream = requestStream('GET /two HTTP/1.1\r\n\r\n')
  assert.equal(evaluateAcl(first, stream), Verdict.Fail)
  assert.equal(compileAcl(words('a path_beg /two'), context), first)
  assert.equal(evaluateAcl(first, stream), Verdict.Pass)
})

test('-i holds for what follows it', () => {
  const context = compileContext({ files: { exact: 'One\n', any: 'Two\n' } })
  const acl = compileTest(words('req.hdr(x) -f exact -i -f any Three'), context)
  const matches = (value: string) => acl?.matches(requestStream(`GET / HTTP/1.1\r\nX: ${value}\r\n\r\n`))
  assert.deepEqual(['One', 'one', 'Two', 'two', 'three', 'four'].map(matches), [
    true,
    false,
    true,
    true,
    true,
    false,
  ])
})

test('what waits for data may still match', () => {
  const acl = (text: string) => ({
    name: '',
    tests: [compileTest(words(text), compileContext())].filter((t) => t !== undefined),
  })
  const waiting = testStream({ final: false, requestBuffer: Buffer.from('GE') })
  const done = testStream({ requestBuffer: Buffer.from('GE') })
  for (const text of ['req.len gt 2', 'req.payload(0,3) -m bin 474554', 'path /', 'method GET', 'wait_end']) {
    assert.equal(evaluateAcl(acl(text), waiting), Verdict.Miss, text)
    assert.equal(evaluateAcl(acl(text), done), text === 'wait_end' ? Verdict.Pass : Verdict.Fail, text)
  }
  assert.equal(evaluateAcl(acl('req.len 2'), waiting), Verdict.Pass)
  assert.equal(evaluateAcl(acl('src 192.0.2.1'), waiting), Verdict.Fail)
})
