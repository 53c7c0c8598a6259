/**
 * Says in one line what is being done.
 * @param {string} line
 */
export function say(line) {
  console.log(`plinth: ${line}`)
}

/**
 * Says why it cannot go on and what to do, and ends without a stack.
 * @param {string} line
 * @returns {never}
 */
export function stop(line) {
  console.error(`plinth: ${line}`)
  process.exit(1)
}
