/**
 * Codes of configuration diagnostics. They are collected with their places, never thrown; all of them are listed in
 * docs/errors.md.
 */
export const configFaults = {
  CFG_QUOTE: { message: 'a quote is never closed' },
  CFG_ESCAPE: { message: 'an escape sequence is wrong' },
  CFG_ENVIRONMENT: { message: 'an environment variable is written wrongly' },
  CFG_LINE: { message: 'a line or the end of the file is malformed' },
  CFG_WORD_EMPTY: { message: 'words after an empty one are ignored' },
  CFG_DIRECTIVE: { message: 'a .if, .elif, .else, .endif or other directive is wrong' },
  CFG_NOTICE: { message: 'the file itself raised a message with .warning or .alert' },
  CFG_SECTION_UNKNOWN: { message: 'a line stands outside of any section' },
  CFG_SECTION_UNSUPPORTED: { message: 'a HAProxy section that sluice does not implement' },
  CFG_SECTION_NAME: { message: 'a section has no name, or one with forbidden characters' },
  CFG_SECTION_DUPLICATE: { message: 'two sections of the same kind have the same name' },
  CFG_DEFAULTS: { message: 'a defaults section cannot be used that way' },
  CFG_KEYWORD_UNKNOWN: { message: 'a keyword does not exist' },
  CFG_KEYWORD_UNSUPPORTED: { message: 'a HAProxy keyword that sluice does not implement' },
  CFG_KEYWORD_SECTION: { message: 'a keyword is not allowed in this section' },
  CFG_KEYWORD_IGNORED: { message: 'a keyword has no effect here' },
  CFG_NEGATION: { message: 'a keyword cannot be negated' },
  CFG_ARGUMENT_MISSING: { message: 'an argument is missing' },
  CFG_ARGUMENT_EXTRA: { message: 'an argument is one too many' },
  CFG_ARGUMENT: { message: 'an argument has a wrong value' },
  CFG_VALUE_UNSUPPORTED: { message: 'a HAProxy value that sluice does not implement' },
  CFG_TIME: { message: 'a time cannot be read' },
  CFG_ADDRESS: { message: 'an address cannot be read' },
  CFG_VARIABLE: { message: 'a variable name is wrong' },
  CFG_RULE_UNREACHABLE: { message: 'a rule can never be reached' },
  CFG_MODE: { message: 'a keyword needs the other proxy mode' },
  CFG_BIND_MISSING: { message: 'a frontend listens nowhere' },
  CFG_TIMEOUT_MISSING: { message: 'an important timeout is not set' },
  CFG_BACKEND_UNKNOWN: { message: 'a backend does not exist' },
  CFG_BACKEND_LOOP: { message: 'a proxy uses itself as its backend' },
  CFG_BACKEND_MODE: { message: 'a backend has an incompatible mode' },
  CFG_SERVER_DUPLICATE: { message: 'two servers of a backend have the same name' },
  CFG_ID_DUPLICATE: { message: 'an id is used twice' },
  CFG_FCGI: { message: 'FastCGI servers and applications do not fit together' },
  CFG_SPOE_SCOPE: { message: 'a SPOE scope is missing or malformed' },
  CFG_SPOE_AGENT: { message: 'the SPOE agent is missing, incomplete or not the only one' },
  CFG_SPOE_MESSAGE: { message: 'a SPOE message is undefined, used twice or too big' },
  CFG_SPOE_GROUP: { message: 'a SPOE group is undefined or used twice' },
  CFG_SPOE_EVENT: { message: 'a SPOE event is unknown, or missing' },
} as const satisfies Record<string, { message: string }>

/** The code of a configuration diagnostic. */
export type ConfigFault = keyof typeof configFaults
