/**
 * The codes of what compiling a sample expression, an ACL, a condition or a log-format can complain about. They are
 * carried by diagnostics; nothing in this layer throws once compilation is over: a sample that cannot be had is
 * `undefined`.
 */

/** Every code of this layer, with its meaning. */
export const sampleFaults = {
  CFG_SAMPLE_SYNTAX: { message: 'a sample expression cannot be parsed' },
  CFG_SAMPLE_FETCH: { message: 'a sample fetch is unknown, or known to HAProxy and not supported' },
  CFG_SAMPLE_CONVERTER: { message: 'a converter is unknown, or known to HAProxy and not supported' },
  CFG_SAMPLE_ARGUMENT: { message: 'an argument of a fetch or converter is missing or wrong' },
  CFG_SAMPLE_TYPE: { message: 'a converter or matching method cannot be applied to this type' },
  CFG_SAMPLE_CONTEXT: { message: 'a fetch is used where what it needs is not available' },
  CFG_SAMPLE_VARIABLE: { message: 'a variable name is wrong' },
  CFG_SAMPLE_REGEX: { message: 'a regular expression is wrong, or uses what JavaScript cannot do' },
  CFG_SAMPLE_FILE: { message: 'a pattern or map file cannot be read, or has a wrong line' },
  CFG_SAMPLE_PATTERN: { message: 'a pattern does not fit its matching method' },
  CFG_SAMPLE_ACL: { message: 'an ACL is wrong, or its name is not known' },
  CFG_SAMPLE_CONDITION: { message: 'a condition cannot be parsed' },
  CFG_SAMPLE_LOG_FORMAT: { message: 'a log-format string cannot be parsed' },
} as const satisfies Record<string, { message: string }>

/** One of the codes of {@link sampleFaults}. */
export type SampleFault = keyof typeof sampleFaults
