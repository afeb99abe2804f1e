// @ts-check
import fs from 'node:fs';

/** @typedef {import('./test-reports.mjs').Failure} Failure */
/** @typedef {import('vitest').SerializedError} SerializedError */

/**
 * Reporter for Vitest that writes the failures which its JSON report leaves out: errors outside of tests, errors of hooks,
 * and files that did not finish because their worker died. Writes `Failure[]` to the file that `TEST_ERRORS_FILE` names.
 */
export default class ErrorsReporter {
  /** @type {readonly import('vitest/node').TestSpecification[]} */
  #specifications = [];

  /** @param {readonly import('vitest/node').TestSpecification[]} specifications */
  onTestRunStart(specifications) {
    this.#specifications = specifications;
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} _modules
   * @param {readonly SerializedError[]} errors
   */
  onTestRunEnd(_modules, errors) {
    const file = process.env.TEST_ERRORS_FILE;
    if (!file) return;
    const failures = [...errors.map(failureOutside), ...this.#specifications.flatMap(failuresOfFile)];
    fs.writeFileSync(file, JSON.stringify(failures));
  }
}

/** @param {SerializedError} error @returns {Failure} */
function failureOutside(error) {
  const { type, VITEST_TEST_PATH: file, VITEST_TEST_NAME: test } = error;
  const during = typeof test === 'string' ? ` during or after "${test}"` : '';
  return {
    file: typeof file === 'string' ? file : undefined,
    name: `${typeof type === 'string' ? type : 'Error'}${during}`,
    text: describe(error),
  };
}

/** @param {import('vitest/node').TestSpecification} specification @returns {Failure[]} */
function failuresOfFile({ moduleId: file, testModule }) {
  if (!testModule) return [{ file, name: '', text: 'It did not start.' }];
  const state = testModule.state();
  const unfinished = state === 'pending' || state === 'queued';
  return [
    ...(unfinished ? [{ file, name: '', text: 'It did not finish.' }] : []),
    ...testModule.errors().map((error) => ({ file, name: '', text: describe(error) })),
    ...[...testModule.children.allSuites()].flatMap((suite) =>
      suite.errors().map((error) => ({ file, name: suite.fullName, text: describe(error) })),
    ),
  ];
}

/** @param {SerializedError} error @returns {string} */
function describe({ name, message, stack, cause }) {
  const own = stack?.includes(message) ? stack : `${name ?? 'Error'}: ${message}\n${stack ?? ''}`.trimEnd();
  return cause ? `${own}\nCaused by: ${describe(cause)}` : own;
}
