/**
 * A configuration that no rule has anything to say about, and what each rule says when one thing in it is changed.
 * What HAProxy thinks of each is in test/parity/check-haproxy.test.ts: all of them are valid.
 */

export const cleanConfig = `global
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend www
  bind 127.0.0.1:8080
  option http-buffer-request
  filter spoe engine waf config waf.conf
  http-request set-var(txn.id) unique-id
  http-request send-spoe-group waf late
  http-request deny if { var(txn.waf.error) -m found }
  http-request deny if { var(txn.waf.score) -m int gt 5 }
  default_backend origin
backend origin
  server one 192.0.2.1:80
backend agents
  mode tcp
  option spop-check
  timeout server 3m
  server agent 192.0.2.2:9000 check
`

export const cleanSpoe = `[waf]
spoe-agent waf
  messages early
  groups late
  option var-prefix waf
  option set-on-error error
  option continue-on-error
  timeout hello 2s
  timeout idle 2m
  timeout processing 100ms
  use-backend agents
spoe-message early
  args ip=src path=path
  event on-frontend-http-request
spoe-message late
  args id=var(txn.id) body=req.body
spoe-group late
  messages late
`

/** A frontend of TCP with the same verdicts. */
const inTcp: readonly (readonly [string, string])[] = [
  ['  mode http\n', '  mode tcp\n'],
  ['  option http-buffer-request\n', ''],
  [
    '  http-request set-var(txn.id) unique-id\n  http-request send-spoe-group waf late\n',
    '  tcp-request inspect-delay 1s\n  tcp-request content send-spoe-group waf late\n',
  ],
  ['  http-request deny if { var(txn.waf.error)', '  tcp-request content reject if { var(txn.waf.error)'],
  ['  http-request deny if { var(txn.waf.score)', '  tcp-request content reject if { var(txn.waf.score)'],
]

/** A change of the two texts, and every code that it brings. */
export interface LintCase {
  readonly what: string
  readonly codes: readonly string[]
  /** Pairs: what stands there, and what shall; the first place counts. */
  readonly config?: readonly (readonly [string, string])[]
  readonly spoe?: readonly (readonly [string, string])[]
  readonly deadline?: number
  readonly branch?: string
}

export const lintCases: readonly LintCase[] = [
  { what: 'nothing is changed', codes: [] },

  // Verdicts in sess.
  {
    what: 'a verdict for each request in sess',
    codes: ['LINT_SPOE_SESS_VERDICT'],
    config: [['var(txn.waf.score) -m int', 'var(sess.waf.score) -m int']],
  },
  {
    what: 'the same through a named ACL',
    codes: ['LINT_SPOE_SESS_VERDICT'],
    config: [
      [
        '  http-request deny if { var(txn.waf.score)',
        '  acl bad var(sess.waf.score) -m found\n  http-request deny if bad\n  http-request deny if { var(txn.waf.score)',
      ],
    ],
  },
  {
    what: 'a verdict of the connection in sess',
    codes: [],
    config: [
      ['  http-request send-spoe-group waf late\n', ''],
      ['var(txn.waf.score) -m int', 'var(sess.waf.score) -m int'],
    ],
    spoe: [
      ['  groups late\n', ''],
      ['ip=src path=path', 'ip=src'],
      ['event on-frontend-http-request', 'event on-client-session'],
      ['spoe-message late\n  args id=var(txn.id) body=req.body\nspoe-group late\n  messages late\n', ''],
    ],
  },
  {
    what: 'a header of the response from sess',
    codes: [],
    config: [
      ['  default_backend', '  http-response set-header x-score %[var(sess.waf.score)]\n  default_backend'],
    ],
  },

  // Bodies.
  {
    what: 'a body that nobody waits for',
    codes: ['LINT_SPOE_BODY_NOT_BUFFERED'],
    config: [['  option http-buffer-request\n', '']],
  },
  {
    what: 'no body, and nobody waits',
    codes: [],
    config: [['  option http-buffer-request\n', '']],
    spoe: [[' body=req.body', ' size=req.body_size']],
  },
  {
    what: 'a body in an event, and nobody waits',
    codes: ['LINT_SPOE_BODY_NOT_BUFFERED'],
    config: [['  option http-buffer-request\n', '']],
    spoe: [
      ['path=path', 'body=req.body'],
      [' body=req.body\nspoe-group', '\nspoe-group'],
    ],
  },
  {
    what: 'a parameter of a body that nobody waits for',
    codes: ['LINT_SPOE_BODY_NOT_BUFFERED'],
    config: [['  option http-buffer-request\n', '']],
    spoe: [['body=req.body', 'user=req.body_param(user)']],
  },
  {
    what: 'the body of a response',
    codes: ['LINT_SPOE_RESPONSE_BODY'],
    spoe: [
      [
        'spoe-message early',
        'spoe-message answer\n  args res.body,bytes(0,100)\n  event on-http-response\nspoe-message early',
      ],
      ['messages early', 'messages early answer'],
    ],
  },

  // Sizes.
  {
    what: 'a message that fits into no frame',
    codes: ['LINT_SPOE_FRAME_NEVER_FITS'],
    spoe: [
      ['  use-backend', '  max-frame-size 256\n  use-backend'],
      ['path=path', `text=str(${'x'.repeat(250)})`],
      [' body=req.body', ''],
    ],
  },
  {
    what: 'the same bytes twice',
    codes: ['LINT_SPOE_FRAME_MAY_NOT_FIT'],
    spoe: [['path=path', 'path=path url=url']],
  },
  {
    what: 'the same bytes twice, one of them cut',
    codes: [],
    spoe: [['path=path', 'path=path,bytes(0,512) url=url']],
  },
  {
    what: 'bytes in hex',
    codes: ['LINT_SPOE_FRAME_MAY_NOT_FIT'],
    spoe: [['body=req.body', 'body=req.body,hex']],
  },
  {
    what: 'a small frame',
    codes: ['LINT_SPOE_FRAME_MAY_NOT_FIT', 'LINT_SPOE_FRAME_MAY_NOT_FIT'],
    spoe: [['  use-backend', '  max-frame-size 4096\n  use-backend']],
  },
  {
    what: 'a small frame, and a smaller buffer',
    codes: [],
    config: [['  log stdout', '  tune.bufsize 4096\n  log stdout']],
    spoe: [['  use-backend', '  max-frame-size 3400\n  use-backend']],
  },

  // Failures.
  { what: 'a server without check', codes: ['LINT_SPOE_SERVER_UNCHECKED'], config: [['9000 check', '9000']] },
  {
    what: 'a check that does not speak SPOP',
    codes: ['LINT_SPOE_SERVER_UNCHECKED'],
    config: [['  option spop-check\n', '']],
  },
  {
    what: 'no variable for errors',
    codes: ['LINT_SPOE_FAILURE_UNSEEN'],
    spoe: [['  option set-on-error error\n', '']],
  },
  {
    what: 'a variable for errors that nobody reads',
    codes: ['LINT_SPOE_FAILURE_UNSEEN'],
    config: [['  http-request deny if { var(txn.waf.error) -m found }\n', '']],
  },
  {
    what: 'the first failure is the last event',
    codes: ['LINT_SPOE_ONE_FAILURE_STOPS'],
    spoe: [['  option continue-on-error\n', '']],
  },

  // Times.
  { what: 'a deadline that is not met', codes: ['LINT_SPOE_AGENT_DEADLINE'], deadline: 100 },
  { what: 'a deadline that is met', codes: [], deadline: 80 },
  {
    what: 'a server that may not think',
    codes: ['LINT_SPOE_SERVER_TIMEOUT', 'LINT_SPOE_IDLE_TIMEOUT'],
    config: [['timeout server 3m', 'timeout server 50ms']],
  },
  {
    what: 'a server that may not idle',
    codes: ['LINT_SPOE_IDLE_TIMEOUT'],
    config: [['timeout server 3m', 'timeout server 1m']],
  },
  {
    what: 'a server that may not idle, for a HAProxy that has no idle time',
    codes: ['LINT_SPOE_KEYWORD_DROPPED', 'LINT_SPOE_KEYWORD_DROPPED'],
    config: [['timeout server 3m', 'timeout server 1m']],
    branch: '3.1',
  },
  {
    what: 'a short way to the server',
    codes: ['LINT_SPOE_CONNECT_TIMEOUT'],
    config: [['timeout server 3m', 'timeout server 3m\n  timeout connect 1s']],
  },
  {
    what: 'a second server that is never tried',
    codes: ['LINT_SPOE_CONNECT_OUTLASTS'],
    config: [['9000 check', '9000 check\n  server second 192.0.2.3:9000 check']],
  },
  {
    what: 'a second server that is tried',
    codes: ['LINT_SPOE_CONNECT_TIMEOUT'],
    config: [['9000 check', '9000 check\n  server second 192.0.2.3:9000 check\n  timeout connect 30ms']],
  },
  {
    what: 'a group in content rules without a delay',
    codes: ['LINT_SPOE_INSPECT_DELAY'],
    config: [['  http-request send', '  tcp-request content send']],
    spoe: [['id=var(txn.id) body=req.body', 'id=src']],
  },
  {
    what: 'a delay that ends first',
    codes: ['LINT_SPOE_INSPECT_DELAY'],
    config: [['  http-request send', '  tcp-request inspect-delay 100ms\n  tcp-request content send']],
    spoe: [['id=var(txn.id) body=req.body', 'id=src']],
  },
  {
    what: 'a delay that is long enough',
    codes: [],
    config: [['  http-request send', '  tcp-request inspect-delay 1s\n  tcp-request content send']],
    spoe: [['id=var(txn.id) body=req.body', 'id=src']],
  },

  // Variables.
  {
    what: 'a misspelt prefix',
    codes: ['LINT_SPOE_ANSWERS_DROPPED', 'LINT_VARIABLE_NEVER_SET'],
    config: [['var(txn.waf.score)', 'var(txn.wfa.score)']],
  },
  {
    what: 'a variable in a header that nobody sets',
    codes: ['LINT_VARIABLE_NEVER_SET'],
    config: [['  default_backend', '  http-request set-header x-id %[var(txn.uid)]\n  default_backend']],
  },
  {
    what: 'a variable in an argument that nobody sets',
    codes: ['LINT_VARIABLE_NEVER_SET'],
    spoe: [['id=var(txn.id)', 'id=var(txn.uid)']],
  },
  {
    what: 'variables that converters, formats and look-ups set',
    codes: [],
    config: [
      [
        '  default_backend',
        '  http-request set-var-fmt(txn.a) "%[path,set-var(req.b)]"\n  http-request set-header x "%[var(txn.a)]%[var(req.b)]%[var(proc.c)]"\n  default_backend',
      ],
    ],
  },
  {
    what: 'a registered name that nobody reads',
    codes: ['LINT_SPOE_NAME_UNUSED'],
    spoe: [['  use-backend', '  register-var-names score extra\n  use-backend']],
  },
  {
    what: 'answers that nobody reads',
    codes: ['LINT_SPOE_ANSWERS_DROPPED'],
    config: [['  http-request deny if { var(txn.waf.score) -m int gt 5 }\n', '']],
  },
  {
    what: 'answers that nobody reads, by force',
    codes: [],
    config: [['  http-request deny if { var(txn.waf.score) -m int gt 5 }\n', '']],
    spoe: [['  use-backend', '  option force-set-var\n  use-backend']],
  },
  {
    what: 'an error in sess',
    codes: ['LINT_SPOE_VARIABLE_SCOPE'],
    config: [['  default_backend', '  http-response set-header x %[var(sess.waf.error)]\n  default_backend']],
  },
  ...(
    [
      [64, ['LINT_SPOE_NAME_TOO_LONG']],
      [63, []],
    ] as const
  ).map(([length, codes]) => ({
    what: `a name of ${length} characters`,
    codes,
    config: [['txn.waf.score', 'txn.waf.'.padEnd(length, 'x')]] as const,
  })),
  {
    what: 'an argument that is set too late',
    codes: ['LINT_SPOE_ARGUMENT_TOO_EARLY'],
    spoe: [['ip=src path=path', 'ip=src id=var(txn.id)']],
  },
  {
    what: 'an argument that content rules set in time',
    codes: [],
    config: [['  http-request set-var(txn.id) unique-id', '  tcp-request content set-var(txn.id) src']],
    spoe: [['ip=src path=path', 'ip=src id=var(txn.id)']],
  },

  // Logs.
  {
    what: 'a variable in a log format',
    codes: ['LINT_SPOE_LOG_RAW'],
    config: [
      [
        '  default_backend',
        '  log-format "%ci %[var(txn.waf.score)] %[var(txn.waf.error)]"\n  default_backend',
      ],
    ],
  },
  {
    what: 'a variable that a converter makes harmless',
    codes: [],
    config: [
      ['  default_backend', '  log-format "%ci %[var(txn.waf.score),json(utf8s)]"\n  default_backend'],
    ],
  },

  // Events.
  {
    what: 'HTTP events in TCP',
    codes: ['LINT_SPOE_EVENT_MODE'],
    config: inTcp,
    spoe: [['id=var(txn.id) body=req.body', 'id=src']],
  },
  {
    what: 'HTTP events in TCP with a backend of HTTP',
    codes: [],
    config: [...inTcp, ['\nbackend origin\n', '\nbackend origin\n  mode http\n']],
    spoe: [['id=var(txn.id) body=req.body', 'id=src']],
  },

  // What is not used.
  {
    what: 'a message that nobody lists',
    codes: ['LINT_SPOE_MESSAGE_UNLISTED'],
    spoe: [
      [
        'spoe-message early',
        'spoe-message forgotten\n  args src\n  event on-client-session\nspoe-message early',
      ],
    ],
  },
  {
    what: 'a group that the agent does not list',
    codes: ['LINT_SPOE_GROUP_UNLISTED'],
    spoe: [['spoe-group late', 'spoe-group more\nspoe-group late']],
  },
  {
    what: 'a group that nobody sends',
    codes: ['LINT_SPOE_GROUP_UNUSED'],
    config: [['  http-request send-spoe-group waf late\n', '']],
  },

  // Keywords of some branches only.
  {
    what: 'keywords that 3.1 dropped',
    codes: Array.from({ length: 4 }, () => 'LINT_SPOE_KEYWORD_DROPPED'),
    spoe: [
      [
        '  use-backend',
        '  maxconnrate 10\n  maxerrrate 10\n  max-waiting-frames 5\n  no option async\n  use-backend',
      ],
    ],
  },
  {
    what: 'the same for 3.0',
    codes: [],
    spoe: [
      [
        '  use-backend',
        '  maxconnrate 10\n  maxerrrate 10\n  max-waiting-frames 5\n  no option async\n  use-backend',
      ],
    ],
    branch: '3.0',
  },
  {
    what: 'time-outs for 3.2',
    codes: ['LINT_SPOE_KEYWORD_DROPPED', 'LINT_SPOE_KEYWORD_DROPPED'],
    branch: '3.2',
  },
  {
    what: 'async',
    codes: ['LINT_SPOE_ASYNC'],
    spoe: [['  use-backend', '  option async\n  use-backend']],
    branch: '2.6',
  },
  {
    what: 'no pipelining',
    codes: ['LINT_SPOE_NO_PIPELINING'],
    spoe: [['  use-backend', '  no option pipelining\n  use-backend']],
  },
  {
    what: 'fragments',
    codes: ['LINT_SPOE_FRAGMENTS'],
    spoe: [['  use-backend', '  option send-frag-payload\n  use-backend']],
    branch: '2.8',
  },
  {
    what: 'a keyword that is too new',
    codes: ['LINT_KEYWORD_TOO_NEW', 'LINT_KEYWORD_TOO_NEW'],
    branch: '1.8',
    config: [['  default_backend', '  http-request return status 200\n  default_backend']],
    spoe: [['  option continue-on-error\n', '  option continue-on-error\n  option force-set-var\n']],
  },
  {
    what: 'keywords of our own',
    codes: ['LINT_KEYWORD_OWN', 'LINT_KEYWORD_OWN'],
    spoe: [
      ['  event on-frontend-http-request\n', '  event on-frontend-http-request\n  no-wait\n  timeout 5ms\n'],
    ],
  },
]

/** The texts of a case. */
export function textsOf({ what, config = [], spoe = [] }: LintCase): { config: string; spoe: string } {
  const changed = (text: string, pairs: readonly (readonly [string, string])[]): string =>
    pairs.reduce((before, [from, to]) => {
      if (!before.includes(from)) throw new Error(`${what}: there is no '${from}'`)
      return before.replace(from, () => to)
    }, text)
  return { config: changed(cleanConfig, config), spoe: changed(cleanSpoe, spoe) }
}
