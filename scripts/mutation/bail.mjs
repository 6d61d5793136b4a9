// A reporter for node:test that says the first failure only, and ends the process with it.
export default async function* bail(source) {
  for await (const event of source) {
    if (event.type !== 'test:fail') continue
    process.exitCode = 1
    yield `FAILED ${event.data.name}\n${event.data.details.error.message}\n`
    process.exit(1)
  }
}
