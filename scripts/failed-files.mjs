// The reporter that scripts read: see reporter.mjs.
export { failedFiles as default } from './reporter.mjs'
