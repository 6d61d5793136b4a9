/** The model of a configuration, see config.ts. */
export * from './config.ts'
export * from './error-pages.ts'
export * from './fcgi.ts'
export * from './log.ts'
export * from './proxy.ts'
export * from './rules.ts'
export * from './server.ts'
export * from './spoe.ts'
