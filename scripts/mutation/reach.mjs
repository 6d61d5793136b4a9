// Loaded before a test file: writes down which mutants it reached.
import { writeFileSync } from 'node:fs'

process.on('exit', () => {
  const reached = globalThis.__stryker__?.mutantCoverage?.static ?? {}
  writeFileSync(process.env.REACH_FILE, JSON.stringify(Object.keys(reached)))
})
