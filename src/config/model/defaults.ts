/** What holds when a keyword is not given (configuration.txt 3 to 5, SPOE.txt 2): read by the drafts and by the page of keywords. */
export const defaults = {
  mode: 'tcp',
  balance: 'roundrobin',
  retries: 3,
  httpReuse: 'safe',
  connectionMode: 'keep-alive',
  /** `tune.bufsize`: bytes. */
  bufferSize: 16_384,
  /** `tune.http.maxhdr`: with the first line. */
  maxHeaders: 101,
  /** `tune.http.logurilen` */
  loggedRequestLine: 1023,
  /** `tune.pattern.cache-size` */
  patternCacheSize: 10_000,
  /** Bytes of a log line. */
  logLength: 1024,
  server: {
    weight: 1,
    /** Milliseconds. */
    inter: 2000,
    rise: 2,
    fall: 3,
  },
  fcgi: { maxReqs: 1, maxUnsizedBody: 67_108_864 },
  spoe: { maxWaitingFrames: 20 },
} as const
