import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Vitest reporter that writes what ran as JSON: `{ passed, failed, skipped, skips: [{ name, reason }], retried: [name] }`. A file that could not
 * be loaded and an error outside any test count as failed, so the sum never hides one.
 */
export default class SummaryReporter {
  /** @param {{ file: string }} options */
  constructor({ file }) {
    this.file = file
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    const summary = { passed: 0, failed: unhandled.length, skipped: 0, skips: [], retried: [] }
    for (const module of modules) {
      if (module.errors().length > 0) summary.failed += 1
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) summary.failed += 1
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (test.diagnostic()?.retryCount > 0) summary.retried.push(test.fullName)
        if (result.state === 'passed') summary.passed += 1
        else if (result.state === 'failed') summary.failed += 1
        else {
          summary.skipped += 1
          summary.skips.push({ name: test.fullName, reason: reasonOf(test.fullName, result.note) })
        }
      }
    }
    mkdirSync(dirname(this.file), { recursive: true })
    writeFileSync(this.file, JSON.stringify(summary))
  }
}

/** A skip's reason: the note given to `skip()`, else what its name (or its suite's) says after "skipped:". */
function reasonOf(name, note) {
  return note ?? /skipped: ([^()>]+)/.exec(name)?.[1]?.trim() ?? ''
}
