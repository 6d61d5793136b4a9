/** Digests, queries of JSON and FIX messages: expressions that samples.test.ts asks HAProxy and us. */

/** A FIX message with the length and the sum that belong to its body. */
function fix(version: string, body: string, { length = 0, sum = 0 } = {}): string {
  const head = `8=${version}\x019=${body.length + length}\x01${body}`
  let total = sum
  for (const char of head) total += char.charCodeAt(0)
  return `${head}10=${String(total % 256).padStart(3, '0')}\x01`
}

const asBin = (text: string): string => `bin(${Buffer.from(text, 'latin1').toString('hex')})`

const logon = '35=A\x0134=1\x0149=CLIENT\x0156=SERVER\x0198=0\x01108=30\x01'

const messages: readonly string[] = [
  fix('FIX.4.0', logon),
  fix('FIX.4.4', logon),
  fix('FIXT.1.1', `${logon}1137=7\x01`),
  fix('FIX.4.0', `${logon}141=Y\x01`),
  fix('FIX.4.1', `${logon}141=Y\x01`),
  fix('FIX.4.0', `${logon}10000=u\x01`),
  fix('FIX.4.0', `${logon}20000=u\x01`),
  fix('FIX.5.0', logon),
  fix('FIX.4.4', logon, { length: 1 }),
  fix('FIX.4.4', logon, { sum: 1 }),
  fix('FIX.4.4', '34=1\x0135=A\x0149=CLIENT\x01'),
  fix('FIX.4.4', '35=A\x01=1\x0149=CLIENT\x01'),
  fix('FIX.4.4', '35=A\x0134=\x0149=CLIENT\x01'),
  fix('FIX.4.4', '35=A\x01x=1\x0149=CLIENT\x01'),
  `${fix('FIX.4.4', logon)}behind`,
  fix('FIX.4.4', logon).slice(0, -1),
  fix('FIX.4.4', logon).slice(0, 40),
  fix('FIX.4.4', logon).slice(0, 20),
  `9=5\x01${fix('FIX.4.4', logon)}`,
  'no message of this kind, and no field either',
]

const fixCases = messages.flatMap((message) => {
  const source = asBin(message)
  const tags = [
    '8',
    '9',
    '10',
    '34',
    '35',
    '108',
    '999',
    'MsgType',
    'sendercompid',
    'TargetCompID',
    'CheckSum',
  ]
  return [`${source},fix_is_valid`, ...tags.map((tag) => `${source},fix_tag_value(${tag})`)]
})

const texts: readonly string[] = [
  '{"a":"text","b":4,"c":-4,"d":4.5,"e":true,"f":false,"g":null,"h":[1,[2,"x"],{"i":"in"}],"j":{"k":{"l":"deep"}}}',
  ' { "a" : "x\\"y" , "b" : 12345678 , "c" : -0.000012 , "d" : 1e30 , "a" : "second" } behind',
  '{"a":"\\u0041\\n\\t\\\\","b":9007199254740991,"c":9007199254740992,"d":100000,"e":1000000,"f":0}',
  '{"a":"\\u20ac","b":1.5e3,"c":"\\q","d":123456.7,"e":0.0001,"f":0.00001}',
  '{"a.b":"dot","c":[[]],"d":[],"e":{},"a":{"b":"nested"}}',
  '["a","b",{"a":"of an element"}]',
  '"whole"',
  '17',
  '{"a":"cut',
  '{"a" "b"}',
  '{a:1}',
]

const paths: readonly string[] = ['$', '$.a', '$.b', '$.c', '$.d', '$.e', '$.f', '$.g', '$.j.k.l', '$.a.b']

const jsonCases = texts.flatMap((text) => [
  ...paths.map((path) => `${asBin(text)},json_query('${path}')`),
  ...['$.b', '$.c', '$.d', '$'].map((path) => `${asBin(text)},json_query('${path}',int)`),
])

const arrays: readonly string[] = ['$.h[0]', '$.h[2].i', '$.h[9]', '$.h'].map(
  (path) => `${asBin(texts[0] ?? '')},json_query('${path}')`,
)

/** Each way that XXH3 takes by length, and its borders. */
const lengths = [
  0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 96, 97, 128, 129, 144, 239, 240, 241, 256, 257, 1024, 1025,
  2111,
]

const xxh3Cases = lengths.flatMap((length) => {
  const source = asBin(
    Array.from({ length }, (_, at) => String.fromCharCode((at * 7 + length) % 256)).join(''),
  )
  const text = length === 0 ? 'str()' : source
  return ['', '(1)', '(-1)', '(1311768467463790320)'].map((seed) => `${text},xxh3${seed}`)
})

/** Every expression of this file. */
export const digestExpressions: readonly string[] = [
  'path,sha1,hex',
  'str(),sha1,hex',
  'bin(00ff),sha1,hex',
  'int(17),sha1,hex',
  'path,sha2,hex',
  'path,sha2(224),hex',
  'path,sha2(256),hex',
  'path,sha2(384),hex',
  'path,sha2(512),hex',
  'path,digest(sha1),hex',
  'path,digest(SHA256),hex',
  'path,digest(md5),hex',
  'path,hmac(sha1,a2V5),hex',
  'path,hmac(sha256,a2V5),hex',
  'path,hmac(sha512,),hex',
  'path,hmac(sha256,txn.text),hex',
  'path,hmac(sha256,txn.digits),hex',
  'path,hmac(sha256,txn.unset),hex',
  'str(c2VjcmV0),set-var(txn.key64),hmac(sha256,txn.key64),hex',
  'str(some text),secure_memcmp(txn.text)',
  'str(some texu),secure_memcmp(txn.text)',
  'str(some),secure_memcmp(txn.text)',
  'str(7),secure_memcmp(txn.seven)',
  'bin(610062),secure_memcmp(txn.bin)',
  'bin(610063),secure_memcmp(txn.bin)',
  'str(a),secure_memcmp(txn.unset)',
  // What comes out of them is known at run time only, so anything may follow.
  'bin(3137),set-var(txn.seventeen),add(1)',
  `${asBin('{"n":16}')},json_query($.n,int),add(1)`,
  ...xxh3Cases,
  ...jsonCases,
  ...arrays,
  ...fixCases,
]
