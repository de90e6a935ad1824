/**
 * A line on a terminal that the next one takes the place of. Without escape sequences, so that a dumb terminal
 * can show it, too.
 * @param write what goes to the terminal
 */
export function overwrittenLine(write: (text: string) => void) {
  let shown = ''
  return {
    /** An empty text takes the line away. */
    show(text: string) {
      if (text === shown) return
      write(`\r${text.padEnd(shown.length)}${text === '' ? '\r' : ''}`)
      shown = text
    },
  }
}
